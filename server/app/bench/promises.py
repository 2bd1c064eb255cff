"""What was acknowledged, against what is there: nothing may be lost, nothing done twice."""

from collections.abc import Collection

import msgspec
from sqlalchemy import text

from server.app.bench.witness import Witness
from server.kit.blobs import Blobs
from server.kit.db import Database

DOUBLED = {
    "fixes": "select count(*) - count(distinct (device_id, seq)) from fix",
    "commands": "select count(*) - count(distinct command_id) from driver_command",
    "facts": "select count(*) - count(distinct command_id) from street_fact",
    "words to the office": """select count(*) - count(distinct text)
        from driver_message where by_driver""",
    "words to drivers": """select count(*) - count(distinct text)
        from driver_message where not by_driver""",
    "receipts": """select count(*) - count(distinct details -> 'receipts' ->> 0)
        from exception where kind = 'extra_cost'""",
}


KEPT = "select device_id, count(distinct seq) from fix group by device_id"
FILTERED = "select driver_id, sum(count)::bigint from fix_rejection group by driver_id"
"""By a filter, which is no loss: they are counted, and acknowledged like the others."""


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """How many were kept to look at, and of each kind those that are lost or there twice."""

    fixes: int
    commands: int
    proofs: int
    jobs: int
    lost: dict[str, int]
    doubled: dict[str, int]

    def broken(self) -> list[str]:
        return [
            f"{count} {what} {how}"
            for how, counts in (("lost", self.lost), ("doubled", self.doubled))
            for what, count in counts.items()
        ]


async def count_broken_promises(
    db: Database, blobs: Blobs, people: Collection[Witness], jobs: Collection[str]
) -> Promises:
    """jobs: words of the office to drivers that were accepted."""
    # What is acknowledged while we look is not looked for: this comes first.
    through = {each: each.through for each in people}
    commands = {each for witness in people for each in witness.commands}
    words = set(jobs)
    receipts = {
        name
        for witness in people
        for command_id, name in witness.receipts.items()
        if command_id in commands
    }
    async with db.transaction() as session:
        kept = {row[0]: int(row[1]) for row in await session.execute(text(KEPT))}
        filtered = {row[0]: int(row[1]) for row in await session.execute(text(FILTERED))}
        recorded = set(await session.scalars(text("select command_id from driver_command")))
        facts = set(await session.scalars(text("select command_id from street_fact")))
        told = set(
            await session.scalars(text("select text from driver_message where not by_driver"))
        )
        doubled = {what: await session.scalar(text(sql)) or 0 for what, sql in DOUBLED.items()}
    lost = {
        "fixes": sum(
            max(0, count - kept.get(each.device_id, 0) - filtered.get(each.driver_id, 0))
            for each, count in through.items()
        ),
        "commands": len(commands - recorded),
        "effects": len(commands - facts),
        "proofs": sum(not blobs.has(each) for each in receipts),
        "jobs": len(words - told),
    }
    return Promises(
        fixes=sum(through.values()),
        commands=len(commands),
        proofs=len(receipts),
        jobs=len(words),
        lost={what: count for what, count in lost.items() if count},
        doubled={what: count for what, count in doubled.items() if count},
    )
