"""Engines in processes of their own: they hold Python's global lock and may not listen to a clock.

The child is started by name rather than by `multiprocessing`, whose daemons may have no children:
`Solving` is one. It ends when it is killed or its parent is gone, whatever it is busy with. Which
engine runs when is the matter of `routing.portfolio`.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from routing.engines import EngineName, Sequences
from routing.plan import Progress
from routing.problem import Problem, Step
from routing.stopwatch import STOPWATCH, now_s

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent
CHILD = """
import sys
from routing.leash import die_with_parent
die_with_parent(int(sys.argv[2]))
from routing.engine_process import run_child
run_child()
"""
COUNTS_WORK = "counts-work"


class EngineFailed(RuntimeError):
    """An engine of the planner failed; the message holds its own words."""

    code = "routing.engine_failed"


@dataclass(frozen=True, slots=True)
class Search:
    """What an engine is to do next, until when by the `stopwatch`."""

    engine: EngineName
    start: Mapping[str, tuple[Step, ...]]
    until_s: float
    seed: int
    effort: int | None = None
    part: Problem | None = None
    """What to plan if not the whole problem."""
    offers: bool = False
    """Whether better plans are wanted while it goes on."""
    takes: bool = False
    """Whether it looks at the plans of others."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the search has found so far; it goes on."""

    found: Sequences


@dataclass(frozen=True, slots=True)
class Asked:
    """The search wants to know the best plan of all; it goes on."""


@dataclass(frozen=True, slots=True)
class Known:
    """The best plan of all, for who asked."""

    found: Sequences


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
            [
                *(sys.executable, "-c", CHILD, str(theirs.fileno()), str(os.getpid())),
                *([COUNTS_WORK] if STOPWATCH.counts_work else []),
            ],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        )
        theirs.close()
        STOPWATCH.helpers.add(self._process.pid)

    def tell(self, message: Problem | Search | Known) -> None:
        """Send the problem, once, or a search, or what it asked for."""
        if isinstance(message, Search):
            until_s = STOPWATCH.translate(message.until_s, self._process.pid)
            message = replace(message, until_s=until_s)
        self.connection.send(message)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        STOPWATCH.helpers.discard(self._process.pid)
        self.connection.close()


def run_child() -> None:
    """Run searches until the parent closes the connection.

    Our arguments are the connection's number and the parent's, and perhaps what budgets count.
    """
    STOPWATCH.counts_work = COUNTS_WORK in sys.argv[3:]
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    try:
        problem = connection.recv()
        while True:
            message = connection.recv()
            if isinstance(message, Search):  # an answer that comes too late is for nobody
                connection.send(_run(problem, message, connection))
    except (EOFError, ConnectionError):
        return


def _run(problem: Problem, search: Search, connection: "Connection[Any, Any]") -> Searched:
    def improved(progress: Progress) -> None:
        connection.send(replace(progress, engine=search.engine))

    def offer(found: Sequences) -> None:
        connection.send(Offered(found))

    asked = False

    def take() -> Sequences | None:
        nonlocal asked
        if not asked:
            connection.send(Asked())
            asked = True
        elif connection.poll():
            asked = False
            known: Known = connection.recv()
            return known.found
        return None

    engine = import_module(f"routing.engines.{search.engine}")
    try:
        found = engine.improve(
            search.part or problem,
            search.start,
            budget_s=max(0.0, search.until_s - now_s()),
            seed=search.seed,
            improved=improved,
            effort=search.effort,
            offer=offer if search.offers else None,
            take=take if search.takes else None,
        )
    except ConnectionError:
        raise
    except Exception as error:  # the edge of one engine: the parent says it and goes on without
        return Searched(None, f"{search.engine}: {type(error).__name__}: {error}")
    return Searched(found)
