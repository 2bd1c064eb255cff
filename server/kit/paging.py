"""Pages of a list: one item more than asked for tells whether there is more."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class HasId(Protocol):
    @property
    def id(self) -> UUID: ...


def cut_page[T: HasId](found: Sequence[T], limit: int) -> tuple[list[T], UUID | None]:
    """The page, and what to give as `after` for the next one; None when this was all.

    found: what was asked for with `limit + 1`.
    """
    page = list(found[:limit])
    return page, page[-1].id if len(found) > limit else None
