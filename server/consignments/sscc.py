"""SSCC: the number under which every company in the world knows one parcel or cage.

Eighteen digits (GS1 General Specifications, AI 00): the company's GS1 prefix within seventeen, then
a check digit. The serial comes from a database sequence and is never given twice.
"""

import re
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.models import SSCC_SERIALS, ParcelSscc
from server.kit.errors import Conflict

DIGITS = 18
BODY_DIGITS = DIGITS - 1

AI_OF_SSCC = "00"
SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
"""What many scanners put before the data to say which kind of code it was (ISO/IEC 15424)."""


class SsccsExhausted(Conflict):
    """The GS1 prefix {prefix} has no free number left. Ask GS1 for a further prefix."""

    code = "consignments.ssccs_exhausted"


def sscc_of(prefix: str, serial: int) -> str:
    """The extension digit before the prefix counts as the highest digit of the serial.

    Raises
    ------
    SsccsExhausted
    """
    digits = f"{serial:0{BODY_DIGITS - len(prefix)}d}"
    if len(digits) + len(prefix) > BODY_DIGITS:
        raise SsccsExhausted(prefix=prefix)
    body = digits[0] + prefix + digits[1:]
    return body + check_digit(body)


def is_sscc(text: str) -> bool:
    """Whether the check digit fits."""
    return re.fullmatch(r"[0-9]{18}", text) is not None and check_digit(text[:-1]) == text[-1]


def check_digit(digits: str) -> str:
    """GS1's: weights 3 and 1 in turn from the right, up to the next ten."""
    weighted = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))
    )
    return str(-weighted % 10)


def read_scan(text: str) -> str:
    """What a scanner read, as it stands in our tables: without the symbology identifier, and an
    SSCC without its application identifier."""
    plain = SYMBOLOGY.sub("", text.strip()).lstrip("\x1d")
    bare = plain.replace("(00)", AI_OF_SSCC, 1) if plain.startswith("(00)") else plain
    if bare.startswith(AI_OF_SSCC) and is_sscc(bare[len(AI_OF_SSCC) :]):
        return bare[len(AI_OF_SSCC) :]
    return plain


async def next_sscc(session: AsyncSession, prefix: str) -> str:
    return sscc_of(prefix, await session.scalar(SSCC_SERIALS.next_value()) or 0)


async def give_ssccs(
    session: AsyncSession, parcel_ids: Collection[UUID], *, prefix: str
) -> dict[UUID, str]:
    """Parcel id -> its SSCC: the one that it has, or a new one. One parcel has one for ever, also
    when two people print its label at the same moment."""
    found = await ssccs_of(session, parcel_ids)
    for parcel_id in sorted(set(parcel_ids) - found.keys()):
        await session.execute(
            insert(ParcelSscc)
            .values(parcel_id=parcel_id, sscc=await next_sscc(session, prefix))
            .on_conflict_do_nothing(index_elements=[ParcelSscc.parcel_id])
        )
    return await ssccs_of(session, parcel_ids)


async def ssccs_of(session: AsyncSession, parcel_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(
        select(ParcelSscc.parcel_id, ParcelSscc.sscc).where(ParcelSscc.parcel_id.in_(parcel_ids))
    )
    return {row.parcel_id: row.sscc for row in rows}
