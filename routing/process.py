"""Solves in a process of its own, so that the caller stays responsive and can cancel at once.

Engines hold Python's global lock while they search; a server therefore never calls `solve` itself.
The child is spawned, not forked, and dies with its parent.
"""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import RLock
from time import monotonic
from typing import Self

from routing.plan import Plan, Progress
from routing.problem import Problem


@dataclass(frozen=True, slots=True)
class Better:
    """A better plan has been found, and the search goes on."""

    plan: Plan


Answer = Plan | Better | Progress | BaseException


class SolvingCancelled(RuntimeError):
    """Planning was cancelled before it had an answer."""

    code = "routing.cancelled"


class SolvingDied(RuntimeError):
    """The planning process ended without an answer; it may have run out of memory."""

    code = "routing.solver_died"


class SolvingUnfinished(TimeoutError):
    """Planning is still going on; ask again or cancel it."""

    code = "routing.unfinished"


class Solving:
    """One `routing.solve.solve` under way in a child process.

    All methods may be called from any thread; `result` blocks, so call it by `asyncio.to_thread`.
    Use it as a context manager, or call `cancel` when the answer is no longer wanted.

    Parameters
    ----------
    problem, budget_s, seed, start : as for `solve`
    progress : called with every better plan, in the thread that waits for the result
    """

    def __init__(
        self,
        problem: Problem,
        *,
        budget_s: float,
        seed: int = 0,
        start: Plan | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._receiver, sender = context.Pipe(duplex=False)
        self._progress = progress
        self._lock = RLock()
        self._cancelled = False
        self._answer: Plan | BaseException | None = None
        self._latest: Progress | None = None
        self._best: Plan | None = None
        self._process = context.Process(
            target=_solve_in_child, args=(sender, problem, budget_s, seed, start), daemon=True
        )
        self._process.start()
        sender.close()

    def poll(self) -> Progress | None:
        """Return the latest progress, without waiting."""
        self._receive(0.0)
        return self._latest

    @property
    def best(self) -> Plan | None:
        """The best plan so far, still there after `cancel`; its unassigned work has no reasons.

        None until the child has begun.
        """
        self._receive(0.0)
        return self._answer if isinstance(self._answer, Plan) else self._best

    @property
    def done(self) -> bool:
        """Whether `result` would return or raise at once."""
        self._receive(0.0)
        return self._answer is not None

    def result(self, timeout_s: float | None = None) -> Plan:
        """Wait for the plan.

        Raises SolvingUnfinished when `timeout_s` has passed, SolvingCancelled, SolvingDied, or
        what `solve` raised.
        """
        until_s = None if timeout_s is None else monotonic() + timeout_s
        while self._answer is None:
            left_s = 0.1 if until_s is None else min(0.1, until_s - monotonic())
            self._receive(max(0.0, left_s))
            if self._answer is None and until_s is not None and monotonic() >= until_s:
                raise SolvingUnfinished(SolvingUnfinished.__doc__)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    def cancel(self) -> None:
        """End the process at once; a plan that has arrived already is kept."""
        self._cancelled = True
        self._process.kill()
        self._process.join()
        self._receive(0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def _receive(self, wait_s: float) -> None:
        """Take what has arrived, waiting for the first message at most `wait_s`."""
        with self._lock:
            while self._answer is None and self._receiver.poll(wait_s):
                wait_s = 0.0
                try:
                    message: Answer = self._receiver.recv()
                except (EOFError, OSError):
                    ended = SolvingCancelled if self._cancelled else SolvingDied
                    message = ended(ended.__doc__)
                if isinstance(message, Progress):
                    self._latest = message
                    if self._progress:
                        self._progress(message)
                elif isinstance(message, Better):
                    self._best = message.plan
                else:
                    self._answer = message
                    self._process.join()


def _solve_in_child(
    sender: Connection, problem: Problem, budget_s: float, seed: int, start: Plan | None
) -> None:
    from routing.solve import solve  # noqa: PLC0415 - only the child pays for loading the engines

    def better(plan: Plan) -> None:
        sender.send(Better(plan))

    try:
        answer: Answer = solve(
            problem,
            budget_s=budget_s,
            seed=seed,
            start=start,
            progress=sender.send,
            better=better,
        )
    except Exception as error:
        answer = error
    sender.send(answer)
    sender.close()
