"""The screens' process: `python -m driver_app.main FOLDER` on a desktop; the app on a phone."""

import sys
from pathlib import Path

from driver_app.device import find_device, is_android


def main() -> None:
    if is_android():
        from driver_app.device.android import app_folder  # noqa: PLC0415

        folder = app_folder()
    else:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else "~/.postrider/phone").expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    # Kivy reads the command line and the configuration as soon as it is imported.
    from driver_app.screens.window import prepare_window  # noqa: PLC0415

    prepare_window()
    from driver_app.screens.app import PostriderApp  # noqa: PLC0415

    device = find_device(folder)
    device.start_background(folder)
    PostriderApp(folder, device).run()


if __name__ == "__main__":
    main()
