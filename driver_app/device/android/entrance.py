"""What the APK's two processes begin with."""

import asyncio
import logging
import os
from pathlib import Path

import certifi

from driver_app.background import work
from driver_app.core.store import Store
from driver_app.device.android.bridge import Task, activity, java, sdk
from driver_app.device.android.camera import AndroidCamera, AndroidScanner, Errands, OtherApps
from driver_app.device.android.checks import AndroidChecks
from driver_app.device.android.keystore import Keystore
from driver_app.device.android.location import AndroidLocation
from driver_app.device.android.service import (
    find_folder,
    home,
    show_notification,
    start_background,
)
from driver_app.device.ports import Device, Insets
from driver_app.screens.window import open_app

FLAG_SECURE = 0x2000
INSETS_SINCE_SDK = 30


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
    show_notification(_read_language(folder, device.language))
    asyncio.run(work(folder, device, parent=None))


def make_device(folder: Path) -> Device:
    build, errands = java("android.os.Build"), Errands()
    if activity() is not None:
        errands.listen()
    return Device(
        model=f"{build.MANUFACTURER} {build.MODEL}",
        language=str(java("java.util.Locale").getDefault().toString()),
        location=AndroidLocation(),
        camera=AndroidCamera(folder, errands),
        scanner=AndroidScanner(errands),
        handover=OtherApps(),
        checks=AndroidChecks(folder),
        seal=Keystore(),
        start_background=start_background,
        hide_from_switcher=hide_from_switcher,
        read_insets=read_insets,
    )


def hide_from_switcher() -> None:
    """No picture of the screen in the task switcher, and no screenshots: it shows addresses."""
    screens = activity()
    _kept.append(Task(lambda: screens.getWindow().setFlags(FLAG_SECURE, FLAG_SECURE)))
    screens.runOnUiThread(_kept[-1])


_kept: list[Task] = []


def read_insets() -> Insets:
    """What the system's bars cover, since Android 15 lets apps draw below them."""
    if sdk() < INSETS_SINCE_SDK:
        return Insets()
    found = activity().getWindow().getDecorView().getRootWindowInsets()
    if found is None:
        return Insets()
    kinds = java("android.view.WindowInsets$Type")
    bars = found.getInsets(kinds.systemBars() | kinds.displayCutout())
    return Insets(top_px=bars.top, bottom_px=bars.bottom, left_px=bars.left, right_px=bars.right)


def _read_language(folder: Path, usual: str) -> str:
    store = Store(folder)
    try:
        return store.get_setting("look_language") or usual
    finally:
        store.close()


def _set_up() -> None:
    logging.basicConfig(level=logging.INFO)
    # Python on Android knows no authorities of its own.
    os.environ.setdefault("SSL_CERT_FILE", certifi.where())
