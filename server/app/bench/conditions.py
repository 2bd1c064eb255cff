"""Under which conditions figures came about, and the CPU seconds that processes have used."""

import os
import platform
from collections import defaultdict
from pathlib import Path

import msgspec

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """load: of the last minute when the bench began; above the cores, others worked as well."""

    cores: int
    load: float
    python: str


def conditions_now() -> Conditions:
    return Conditions(
        cores=len(os.sched_getaffinity(0)),
        load=round(os.getloadavg()[0], 2),
        python=platform.python_version(),
    )


def cpu_s_of(process_id: int) -> float:
    """CPU seconds of a process and of all that it ever started, as the kernel counts them."""
    stats = {each: stat for each in _process_ids() if (stat := _stat(each))}
    children: dict[int, list[int]] = defaultdict(list)
    for each, stat in stats.items():
        children[stat.parent_id].append(each)
    if process_id not in stats:
        raise ProcessLookupError(f"process {process_id} has ended")
    ticks, family = 0, [process_id]
    while family:
        each = family.pop()
        ticks += stats[each].ticks
        family += children[each]
    return ticks * TICK_S


def parent_of(process_id: int) -> int:
    stat = _stat(process_id)
    if stat is None:
        raise ProcessLookupError(f"process {process_id} has ended")
    return stat.parent_id


class _Stat(msgspec.Struct, frozen=True):
    """ticks: its own CPU time and that of its children that have ended."""

    parent_id: int
    ticks: int


def _process_ids() -> list[int]:
    return [int(each.name) for each in PROC.iterdir() if each.name.isdecimal()]


def _stat(process_id: int) -> _Stat | None:
    """None when it has ended. Fields are counted as in proc(5), from the state on: the name before
    it may hold blanks."""
    try:
        text = (PROC / str(process_id) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return _Stat(int(fields[1]), sum(int(each) for each in fields[11:15]))
