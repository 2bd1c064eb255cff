"""How a problem can contradict itself, in words that a person can act on."""

from typing import ClassVar


class ProblemError(ValueError):
    """The planning problem contradicts itself."""

    code: ClassVar[str] = "routing.problem"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)

    def __str__(self) -> str:
        return f"{type(self).__doc__} {self.args[0]}"


class DuplicateId(ProblemError):
    """Every job, shipment, break and vehicle needs an id of its own."""

    code = "routing.duplicate_id"


class UnknownReference(ProblemError):
    """Something is referred to that the problem does not contain."""

    code = "routing.unknown_reference"


class NumberOutOfRange(ProblemError):
    """A number is outside the range that makes sense."""

    code = "routing.number_out_of_range"


class BadWindows(ProblemError):
    """Time windows must end after they start, be in order and not overlap."""

    code = "routing.bad_windows"


class BadSize(ProblemError):
    """Sizes, loads and capacities must count the same things in the same order."""

    code = "routing.bad_size"


class BadMatrix(ProblemError):
    """A matrix needs one row and one column of whole numbers for every place."""

    code = "routing.bad_matrix"


class BadFixedWork(ProblemError):
    """Fixed visits must be work of this problem, each once, and pickup before delivery."""

    code = "routing.bad_fixed_work"


class BadFile(ProblemError):
    """This is not a problem or plan that can be read."""

    code = "routing.bad_file"
