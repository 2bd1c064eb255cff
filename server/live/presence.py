"""Who else looks at the same thing right now: a hint that keeps two people from working against
each other. It lives in Redis and may be lost; what must not be lost is guarded where it changes."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from server.identity.access import OFFICE, Principal, Role, allow
from server.kit import clock
from server.kit.feed import Feed

STAY_S = 25.0
"""A page that has not said so for this long is not open any more."""

OTHERS_MAX = 20


class Looking(msgspec.Struct, forbid_unknown_fields=True):
    """At what somebody looks. screen: made once by the page, so that two tabs are two.
    is_leaving: not any more."""

    kind: Literal["plan", "run", "order", "consignment", "exception"]
    id: UUID
    screen: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8,32}$")]
    is_leaving: bool = False


class Onlooker(msgspec.Struct, frozen=True):
    """name: as the person's. is_me: the same person in another window."""

    name: str
    is_me: bool


class Onlookers(msgspec.Struct):
    others: list[Onlooker]


@post("/api/presence", guards=[allow(*OFFICE, Role.WAREHOUSE)], status_code=200)
async def meet(
    data: JSONBody[Looking],
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
) -> Onlookers:
    """Say what this page shows, every ten seconds or so; answers who else has it open."""
    feed: Feed = request.app.state.feed
    found = await feed.meet(
        f"{data.kind}:{data.id}",
        f"{principal.person_id} {data.screen} {principal.name}",
        at_s=clock.now().timestamp(),
        stay_s=0.0 if data.is_leaving else STAY_S,
    )
    me = str(principal.person_id)
    others = {}
    for person_id, _, name in (each.split(" ", 2) for each in found):
        others[person_id] = Onlooker(name, person_id == me)
    return Onlookers(list(others.values())[:OTHERS_MAX])


PRESENCE = [meet]
