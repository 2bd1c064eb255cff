"""What must be settled before Kivy is imported."""

import os


def prepare_window(*, width: int = 412, height: int = 915) -> None:
    """width, height: of the window on a desktop, in dp; a phone has its own."""
    os.environ.setdefault("KIVY_NO_ARGS", "1")
    os.environ.setdefault("KIVY_NO_FILELOG", "1")
    from kivy.config import Config  # noqa: PLC0415

    Config.set("graphics", "width", str(width))
    Config.set("graphics", "height", str(height))
    Config.set("kivy", "exit_on_escape", "0")
    # Two taps within this time and distance are one that bounced.
    Config.set("postproc", "double_tap_time", "400")
    Config.set("postproc", "double_tap_distance", "80")
    # The keyboard moves the page up instead of covering the field.
    Config.set("kivy", "keyboard_mode", "")
