"""What the APK's two processes begin with, as `driver_app.main` is on a desktop."""

import asyncio
import logging
import os

import certifi

from driver_app.background import work
from driver_app.device.android.device import make_device, read_language
from driver_app.device.android.service import find_folder, home, show_notification
from driver_app.screens.window import open_app


def open_screens() -> None:
    """main.py of the APK."""
    _set_up()
    folder = home()
    open_app(folder, make_device(folder))


def run_background() -> None:
    """service.py of the APK. After Android has ended us, it starts us anew."""
    _set_up()
    folder = find_folder(os.environ.get("PYTHON_SERVICE_ARGUMENT", ""))
    device = make_device(folder)
    show_notification(read_language(folder, device.language))
    asyncio.run(work(folder, device, parent=None))


def _set_up() -> None:
    logging.basicConfig(level=logging.INFO)
    # Python on Android knows no authorities of its own.
    os.environ.setdefault("SSL_CERT_FILE", certifi.where())
