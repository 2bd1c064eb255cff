"""The screens' process on a desktop: `python -m driver_app.main FOLDER`."""

import sys
from pathlib import Path

from driver_app.device.desktop import make_device
from driver_app.screens.window import open_app


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "~/.postrider/phone").expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    open_app(folder, make_device(folder))


if __name__ == "__main__":
    main()
