"""What budgets are counted by: seconds on the wall, or seconds for which processors worked.

People wait for the wall. The other is for comparing engines on a machine that is busy with
something else: there a second of the wall is worth a different amount of search each time. Each
process has one stopwatch; how a search uses its time does not belong here.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import monotonic, process_time
from typing import Any

LONGEST_NAP_S = 0.1
"""When work is counted nobody knows how long a second of it takes, so waits are short."""

LEAST_WORK_S = 0.05
CROWDING_OF_STARVED = 3.0
SCHEDULED = Path("/proc/self/schedstat")


class Stopwatch:
    """Seconds from any beginning; work includes that of helper processes, shared by the lanes."""

    def __init__(self) -> None:
        self.counts_work = False
        self.lanes = 1
        self.helpers: set[int] = set()
        self._waiting_s = 0.0
        """What looking at the time while waiting took."""

    def now_s(self) -> float:
        """Return what budgets are counted by."""
        if not self.counts_work:
            return monotonic()
        ended = os.times()
        helped_s = ended.children_user + ended.children_system
        helped_s += sum(read_work_s(pid) for pid in self.helpers)
        return process_time() - self._waiting_s + helped_s / self.lanes

    def translate(self, until_s: float, helper: int) -> float:
        """Return a time of ours as the helper's own stopwatch will show it."""
        if not self.counts_work:
            return until_s
        return until_s - self.now_s() + read_work_s(helper)

    def wait(self, connections: "Sequence[Connection[Any, Any]]", until_s: float) -> list[object]:
        """Return those that can be heard; none when the time has come."""
        if not self.counts_work:
            return list(wait(connections, max(0.0, until_s - monotonic())))
        while True:
            began_s = process_time()
            is_over = self.now_s() >= until_s
            ready = wait(connections, 0.0 if is_over else LONGEST_NAP_S)
            self._waiting_s += process_time() - began_s
            if ready or is_over:
                return list(ready)

    def stretch_s(self, seconds: float) -> float:
        """Return about how long they take on the wall, for engines that count nothing else."""
        return seconds * _find_crowding() if self.counts_work else seconds

    def is_starved(self) -> bool:
        """Whether this process had to wait so much for a processor that helpers would as well."""
        return not self.counts_work and _find_crowding() >= CROWDING_OF_STARVED


STOPWATCH = Stopwatch()
"""The one of this process."""

now_s = STOPWATCH.now_s


@contextmanager
def counting_work(lanes: int) -> Iterator[None]:
    """Let budgets inside be counted by work, of so many processes at a time; only on Linux."""
    STOPWATCH.counts_work, STOPWATCH.lanes = True, lanes
    try:
        yield
    finally:
        STOPWATCH.counts_work, STOPWATCH.lanes = False, 1


def read_work_s(pid: int) -> float:
    """Return how long a process has kept processors busy; 0 if it is gone or nothing tells."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _find_crowding() -> float:
    """Return how long our work takes on the wall; 1 if it is new or nothing tells."""
    parts = _read(SCHEDULED).split()
    if len(parts) < 2:
        return 1.0
    worked_s, waited_s = int(parts[0]) / 1e9, int(parts[1]) / 1e9
    return 1 + waited_s / worked_s if worked_s > LEAST_WORK_S else 1.0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
