"""Figures in the text format of Prometheus."""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple


class Metric(NamedTuple):
    """kind: "counter" (only grows) or "gauge" (now). label: its name and value, when there are
    several of one name."""

    name: str
    kind: str
    help: str
    value: float
    label: tuple[str, str] | None = None


def exposition(metrics: Iterable[Metric]) -> str:
    """Those of one name stand together."""
    lines = []
    for name, same in groupby(metrics, key=lambda each: each.name):
        each = list(same)
        lines.append(f"# HELP postrider_{name} {each[0].help}")
        lines.append(f"# TYPE postrider_{name} {each[0].kind}")
        lines += [f"postrider_{name}{_label(one)} {one.value:.10g}" for one in each]
    return "".join(f"{line}\n" for line in lines)


def _label(metric: Metric) -> str:
    if metric.label is None:
        return ""
    name, value = metric.label
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{{{name}="{escaped}"}}'
