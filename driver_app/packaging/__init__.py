"""From this repository to an APK. Not part of the APK itself.

buildozer.spec  what Buildozer and python-for-android build
stage.py        gathers what goes into it: `python -m driver_app.packaging.stage FOLDER`
draw.py         the icon, the notification's, and the picture while the app starts
"""
