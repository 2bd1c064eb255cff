"""An Android phone behind the ports. Imported on a phone only: everything here knows Java.

    device.py    all of it put together; driver_app/phone.py is where the APK begins
    bridge.py    the Java classes, and threads that may call them
    service.py   the foreground service: its start, its notification, its wake lock
    location.py  the location service, in the background process
    camera.py    photos, scanning, and what the phone's other apps are asked for
    checks.py    permissions, settings, health
    keystore.py  the token, closed with a key that never leaves the phone

Nothing of it has run on a phone yet; docs/driver-app.md says what to try first.
"""
