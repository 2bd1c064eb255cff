"""Engines in processes of their own: they hold Python's global lock and may not listen to a clock.

The child is started by name rather than by `multiprocessing`, whose daemons may have no children:
`Solving` is one. It ends when it is killed or its parent is gone, whatever it is busy with. Which
engine runs when is the matter of `routing.portfolio`.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

from routing.engines import EngineName, Sequences
from routing.plan import Progress
from routing.problem import Problem, Step

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
CHILD = "from routing.engine_process import run_child; run_child()"
SIGNAL_AT_PARENTS_DEATH = 1
"""PR_SET_PDEATHSIG of Linux' prctl."""


class EngineFailed(RuntimeError):
    """An engine of the planner failed; the message holds its own words."""

    code = "routing.engine_failed"


@dataclass(frozen=True, slots=True)
class Search:
    """What an engine is to do next, until when on the machine's monotonic clock."""

    engine: EngineName
    start: Mapping[str, tuple[Step, ...]]
    until_s: float
    seed: int
    effort: int | None = None
    part: Problem | None = None
    """What to plan if not the whole problem."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The answer to a `Search`."""

    found: Sequences | None
    failure: str = ""


class EngineProcess:
    """One process that runs one search after another."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        path = os.pathsep.join(filter(None, (str(PACKAGE_FOLDER), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(theirs.fileno()), str(os.getpid())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        )
        theirs.close()

    def tell(self, message: Problem | Search) -> None:
        """Send the problem, once, or a search."""
        self.connection.send(message)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        self.connection.close()


def run_child() -> None:
    """Run searches until the parent closes the connection.

    Our arguments are the connection's number and the parent's.
    """
    _die_with_parent(int(sys.argv[2]))
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    try:
        problem = connection.recv()
        while True:
            connection.send(_run(problem, connection.recv(), connection))
    except (EOFError, ConnectionError):
        return


def _run(problem: Problem, search: Search, connection: "Connection[Any, Any]") -> Searched:
    def improved(progress: Progress) -> None:
        connection.send(replace(progress, engine=search.engine))

    engine = import_module(f"routing.engines.{search.engine}")
    try:
        found = engine.improve(
            search.part or problem,
            search.start,
            budget_s=max(0.0, search.until_s - monotonic()),
            seed=search.seed,
            improved=improved,
            effort=search.effort,
        )
    except ConnectionError:
        raise
    except Exception as error:  # the edge of one engine: the parent says it and goes on without
        return Searched(None, f"{search.engine}: {type(error).__name__}: {error}")
    return Searched(found)


def _die_with_parent(parent: int) -> None:
    """End with the parent, even if it was gone before we could look."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            sleep(0.5)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
