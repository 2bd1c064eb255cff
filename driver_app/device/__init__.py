"""The phone itself, behind ports.

    ports.py    what the app asks of a device
    android/    a phone; docs/driver-app.md says what of it has not been tried
    desktop.py  a window on a desk: the GPS follows the run, the camera paints
    picture.py  small PNGs without a library

Nothing here knows Kivy.
"""
