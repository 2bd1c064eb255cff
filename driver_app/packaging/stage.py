"""Gathers what goes into the APK: the app, the wire, and the two files with which its processes
begin. `python -m driver_app.packaging.stage FOLDER`"""

import shutil
import sys
from pathlib import Path

from driver_app.packaging.draw import draw_pictures

ROOT = Path(__file__).parents[2]
LEFT_OUT = ("packaging", "main.py", "desktop.py", "__pycache__")
"""What a phone has no use for."""
ENTRANCES = {
    "main.py": "from driver_app.phone import open_screens\n\nopen_screens()\n",
    "service.py": ("from driver_app.phone import run_background\n\nrun_background()\n"),
}


def stage(folder: Path) -> None:
    """Fill the folder; what was in it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        ROOT / "driver_app", folder / "driver_app", ignore=shutil.ignore_patterns(*LEFT_OUT)
    )
    shutil.copytree(
        ROOT / "server/protocol",
        folder / "server/protocol",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "server/__init__.py", folder / "server")
    shutil.copy(ROOT / "driver_app/packaging/buildozer.spec", folder)
    shutil.copy(ROOT / "LICENSE", folder)
    for name, text in ENTRANCES.items():
        (folder / name).write_text(text)
    draw_pictures(folder)


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
