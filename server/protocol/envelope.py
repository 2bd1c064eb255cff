"""The envelope around every frame, and the registry of frames that may travel in it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, dataclass_transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One frame on its way.

    id: made once by the sender and kept over every retry; the receiver dedupes on it.
    sent_at: the sender's clock at *this* transmission. The server compares it with its own clock
        and corrects the times inside the body when the phone's clock is wrong.
    body: an instance of one of the registered frames.
    """

    id: str
    sent_at: datetime
    body: Any

    @property
    def type(self) -> str:
        return type(self.body).__name__


FRAMES: dict[str, type] = {}
"""Frame name -> class, filled by `@frame`."""

COMMANDS: set[type] = set()
"""The frames that change something: each is answered by an Ack or a Reject of its envelope id."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
def part[Frame](cls: type[Frame]) -> type[Frame]:
    """Make the class a frozen dataclass that may stand inside a frame."""
    return dataclass(frozen=True, slots=True, kw_only=True)(cls)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def frame[Frame](cls: type[Frame]) -> type[Frame]:
    """Make the class a frozen dataclass that travels in an envelope under its own name."""
    made = part(cls)
    FRAMES[made.__name__] = made
    return made


@dataclass_transform(kw_only_default=True, frozen_default=True)
def command[Frame](cls: type[Frame]) -> type[Frame]:
    """A frame that changes something; it must say when that happened in the street."""
    made = frame(cls)
    COMMANDS.add(made)
    return made
