"""The screens' process on a desktop: `python -m driver_app.main FOLDER`."""

import sys
from pathlib import Path

from driver_app.device.desktop import make_device


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "~/.postrider/phone").expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    # Kivy reads the command line and the configuration as soon as it is imported.
    from driver_app.screens.window import prepare_window  # noqa: PLC0415

    prepare_window()
    from driver_app.screens.app import PostriderApp  # noqa: PLC0415

    device = make_device(folder)
    device.start_background(folder)
    PostriderApp(folder, device).run()


if __name__ == "__main__":
    main()
