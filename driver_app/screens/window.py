"""What must be settled before Kivy is imported: it reads the command line and its configuration as
soon as it is."""

import os
from pathlib import Path

from driver_app.core.driver import Clock, read_clock
from driver_app.device.ports import Device


def open_app(folder: Path, device: Device, clock: Clock = read_clock) -> None:
    """Show the screens until the window is closed, the background process beside them."""
    prepare_window()
    from driver_app.screens.app import PostriderApp  # noqa: PLC0415

    device.start_background(folder)
    PostriderApp(folder, device, clock=clock).run()


def prepare_window(*, width: int = 412, height: int = 915) -> None:
    """width, height: of the window on a desktop, in dp; a phone has its own."""
    os.environ.setdefault("KIVY_NO_ARGS", "1")
    os.environ.setdefault("KIVY_NO_FILELOG", "1")
    # Through our own logging: warnings and tracebacks, not what it found on its way.
    os.environ.setdefault("KIVY_LOG_MODE", "PYTHON")
    from kivy.config import Config  # noqa: PLC0415

    Config.set("graphics", "width", str(width))
    Config.set("graphics", "height", str(height))
    Config.set("kivy", "exit_on_escape", "0")
    # Two taps within this time and distance are one that bounced.
    Config.set("postproc", "double_tap_time", "400")
    Config.set("postproc", "double_tap_distance", "80")
