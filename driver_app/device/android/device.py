"""All ports of an Android phone, put together."""

from pathlib import Path

from driver_app.core.store import Store
from driver_app.device.android.bridge import Task, activity, java, sdk
from driver_app.device.android.camera import AndroidCamera, AndroidScanner, Errands, OtherApps
from driver_app.device.android.checks import AndroidChecks
from driver_app.device.android.keystore import Keystore
from driver_app.device.android.location import AndroidLocation
from driver_app.device.android.service import start_background
from driver_app.device.ports import Device, Insets

FLAG_SECURE = 0x2000
INSETS_SINCE_SDK = 30


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


def read_language(folder: Path, usual: str) -> str:
    """The driver's own, else the phone's."""
    store = Store(folder)
    try:
        return store.get_setting("look_language") or usual
    finally:
        store.close()
