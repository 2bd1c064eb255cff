"""The phone itself, behind ports.

    ports.py    what the app asks of a device
    desktop.py  a window on a desk: the GPS follows the run, the camera paints
    android.py  the real one, by pyjnius; imported only there

`find_device()` says which one this is. Nothing here knows Kivy.
"""

import os
from pathlib import Path

from driver_app.device.ports import Device


def is_android() -> bool:
    """python-for-android sets this for every process of an app."""
    return "ANDROID_ARGUMENT" in os.environ


def find_device(folder: Path) -> Device:
    """The device that we run on; `folder` is where a desktop keeps its pictures."""
    if is_android():
        from driver_app.device.android import make_device  # noqa: PLC0415

        return make_device()
    from driver_app.device.desktop import make_device as make_desktop  # noqa: PLC0415

    return make_desktop(folder)
