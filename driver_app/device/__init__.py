"""The phone itself, behind ports.

    ports.py    what the app asks of a device
    desktop.py  a window on a desk: the GPS follows the run, the camera paints
    picture.py  small PNGs without a library

There is no Android behind the ports yet: README.md says what is missing. Nothing here knows Kivy.
"""
