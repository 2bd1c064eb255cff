"""What was found of the console, and what had to be."""

import msgspec

from server.app.bench.conditions import Conditions


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """wanted: at most so much, or at least where `is_floor`."""

    what: str
    found: float
    wanted: float
    unit: str
    is_floor: bool = False

    @property
    def is_met(self) -> bool:
        return self.found >= self.wanted if self.is_floor else self.found <= self.wanted


class ConsoleFigures(msgspec.Struct, kw_only=True):
    conditions: Conditions
    figures: list[Figure]

    def wrong(self) -> list[str]:
        """The figures that are not as good as they have to be."""
        return [each.what for each in self.figures if not each.is_met]

    def table(self) -> list[str]:
        """For a person: one line each."""
        lines = [f"{self.conditions.cores} cores, load {self.conditions.load}"]
        for each in self.figures:
            bound = f"{'>=' if each.is_floor else '<='} {each.wanted:g} {each.unit}"
            verdict = "met" if each.is_met else "MISSED"
            lines.append(f"{each.what:<58} {each.found:>9.2f} {bound:>14}  {verdict}")
        return lines
