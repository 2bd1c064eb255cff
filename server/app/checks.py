"""`postrider test`: everything that must hold before a change may land, in order of speed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

from server.kit.settings import ROOT

CHECKS = (
    ("formatting", ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["-m", "ruff", "check", "--quiet", "."]),
    ("import contracts", ["-c", "from importlinter.cli import lint_imports_command as run; run()"]),
    ("types", ["-m", "mypy"]),
)
ALL_TESTS = ["-q", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
"""Three at a time, for many of them wait more than they work; each process has services of its own.
Files in their order: else those with the fewest tests come last, and among them are the whole days,
with nothing left to run beside them."""

DONT_COMPILE = "PYTHONDONTWRITEBYTECODE"
"""Images of containers often set it."""


def run_checks(arguments: list[str], say: Callable[[str], None]) -> int:
    """Run the checks and the tests; with arguments, only pytest with them. The exit code says
    whether all held; later checks run even if an earlier one fails."""
    failed = []
    if not arguments:
        failed = [name for name, command in CHECKS if not _holds(name, command, say)]
    if not _holds("tests", ["-m", "pytest", *(arguments or ALL_TESTS)], say):
        failed.append("tests")
    if failed:
        say(f"FAILED: {', '.join(failed)}")
    return 1 if failed else 0


def _holds(name: str, command: list[str], say: Callable[[str], None]) -> bool:
    say(f"{name} ...")
    started = time.monotonic()
    # Tests start Python hundreds of times, which need not compile the same each time.
    environ = {name: each for name, each in os.environ.items() if name != DONT_COMPILE}
    run = subprocess.run([sys.executable, *command], cwd=ROOT, env=environ, check=False)
    code = run.returncode
    say(f"{name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s")
    return code == 0
