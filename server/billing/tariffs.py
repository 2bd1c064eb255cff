"""Tariffs: drafted, tried out, put into force from a day on, and ended. Two versions for the same
account, service level and currency are never in force at once."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.models import Tariff
from server.billing.tariff_rules import Band, Rules
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound


class UnknownTariff(NotFound):
    """There is no tariff {tariff_id}."""

    code = "billing.unknown_tariff"


class TariffInForce(Conflict):
    """This tariff was put into force and does not change. Make a new one, and end this one."""

    code = "billing.tariff_in_force"


class TariffNotInForce(Conflict):
    """This tariff is a draft: there is nothing to end."""

    code = "billing.tariff_not_in_force"


class TariffsOverlap(Conflict):
    """The tariff "{name}" ({tariff_id}) is in force from {valid_from} to {valid_until}. End it
    before this one begins, or activate this one with "replace"."""

    code = "billing.tariffs_overlap"


class BadValidity(Invalid):
    """A tariff ends after it begins ({valid_from})."""

    code = "billing.bad_validity"


class BadBands(Invalid):
    """Bands stand in rising order, and only the last one may be without limit."""

    code = "billing.bad_bands"


class EmptyTariff(Invalid):
    """This tariff asks for nothing. To work for free, say so by a flat price of 0."""

    code = "billing.empty_tariff"


class AnotherCurrency(Invalid):
    """The account pays in {currency}; its tariff has to be in that too."""

    code = "billing.another_currency"


class TariffDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a tariff says. account_id, service_level: None means all without one of their own.

    valid_from, valid_until: the work done in valid_from <= time < valid_until; None is open.
    """

    name: str
    currency: str
    valid_from: datetime
    rules: Rules
    valid_until: datetime | None = None
    account_id: UUID | None = None
    service_level: str | None = None


class TariffView(TariffDraft, frozen=True, kw_only=True):
    id: UUID
    created_at: datetime
    activated_at: datetime | None


async def create_tariff(session: AsyncSession, draft: TariffDraft, *, by: str) -> TariffView:
    """A draft, which prices nothing until it is activated.

    Raises
    ------
    UnknownAccount, AnotherCurrency, BadValidity, BadBands, EmptyTariff
    """
    await _check(session, draft)
    row = Tariff(created_at=clock.now(), created_by=by, **_columns(draft))
    session.add(row)
    await session.flush()
    await _audit(session, row.id, "drafted", by, draft)
    return tariff_view(row)


async def change_tariff(
    session: AsyncSession, tariff_id: UUID, draft: TariffDraft, *, by: str
) -> TariffView:
    """Rewrite a draft.

    Raises
    ------
    UnknownTariff, TariffInForce, and what `create_tariff` raises
    """
    row = await _lock(session, tariff_id)
    if row.activated_at is not None:
        raise TariffInForce
    await _check(session, draft)
    for column, value in _columns(draft).items():
        setattr(row, column, value)
    await session.flush()
    await _audit(session, row.id, "redrafted", by, draft)
    return tariff_view(row)


async def activate_tariff(
    session: AsyncSession, tariff_id: UUID, *, replace: bool = False, by: str
) -> TariffView:
    """Put a draft into force; from then on it does not change.

    replace: the one in force when this one begins ends there. What it has priced stays.

    Raises
    ------
    UnknownTariff, TariffInForce, TariffsOverlap
    """
    row = await session.get(Tariff, tariff_id)
    if row is None:
        raise UnknownTariff(tariff_id=tariff_id)
    await _lock_scope(session, row)
    row = await _lock(session, tariff_id)
    if row.activated_at is not None:
        raise TariffInForce
    for other in await _overlapping(session, row):
        if not (replace and other.valid_from < row.valid_from):
            raise TariffsOverlap(
                name=other.name,
                tariff_id=other.id,
                valid_from=other.valid_from,
                valid_until=other.valid_until or "further notice",
            )
        await _end(session, other, row.valid_from, by)
    row.activated_at = clock.now()
    await session.flush()
    await _audit(session, row.id, "activated", by, None)
    return tariff_view(row)


async def end_tariff(
    session: AsyncSession, tariff_id: UUID, *, valid_until: datetime, by: str
) -> TariffView:
    """Let a tariff in force end at that time, also sooner than it said. What it has priced stays.

    Raises
    ------
    UnknownTariff, TariffNotInForce, BadValidity, TariffsOverlap
    """
    row = await session.get(Tariff, tariff_id)
    if row is None:
        raise UnknownTariff(tariff_id=tariff_id)
    await _lock_scope(session, row)
    row = await _lock(session, tariff_id)
    if row.activated_at is None:
        raise TariffNotInForce
    if valid_until <= row.valid_from:
        raise BadValidity(valid_from=row.valid_from)
    await _end(session, row, valid_until, by)
    for other in await _overlapping(session, row):
        raise TariffsOverlap(
            name=other.name,
            tariff_id=other.id,
            valid_from=other.valid_from,
            valid_until=other.valid_until or "further notice",
        )
    return tariff_view(row)


async def get_tariff(session: AsyncSession, tariff_id: UUID) -> TariffView:
    row = await session.get(Tariff, tariff_id)
    if row is None:
        raise UnknownTariff(tariff_id=tariff_id)
    return tariff_view(row)


async def list_tariffs(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[TariffView]:
    """Newest first; `after` is the last id of the page before."""
    query = select(Tariff).order_by(Tariff.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Tariff.account_id == account_id)
    if after is not None:
        query = query.where(Tariff.id < after)
    return [tariff_view(row) for row in await session.scalars(query)]


async def find_tariff(
    session: AsyncSession,
    *,
    account_id: UUID,
    service_level: str | None,
    currency: str,
    at: datetime,
) -> TariffView | None:
    """The tariff in force: the account's own for the service level, the account's own for all, the
    company's for the service level, the company's for all; the first that there is."""
    row = await session.scalar(
        select(Tariff)
        .where(
            Tariff.activated_at.is_not(None),
            or_(Tariff.account_id == account_id, Tariff.account_id.is_(None)),
            or_(Tariff.service_level == service_level, Tariff.service_level.is_(None)),
            Tariff.currency == currency,
            Tariff.valid_from <= at,
            or_(Tariff.valid_until.is_(None), Tariff.valid_until > at),
        )
        .order_by(Tariff.account_id.is_(None), Tariff.service_level.is_(None))
        .limit(1)
    )
    return tariff_view(row) if row else None


def tariff_view(row: Tariff) -> TariffView:
    return TariffView(
        id=row.id,
        name=row.name,
        currency=row.currency,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        account_id=row.account_id,
        service_level=row.service_level,
        rules=msgspec.convert(row.rules, Rules),
        created_at=row.created_at,
        activated_at=row.activated_at,
    )


def _columns(draft: TariffDraft) -> dict[str, object]:
    return msgspec.structs.asdict(draft) | {"rules": msgspec.to_builtins(draft.rules)}


async def _check(session: AsyncSession, draft: TariffDraft) -> None:
    if draft.account_id is not None:
        account = await accounts.get_account(session, draft.account_id)
        if account.currency != draft.currency:
            raise AnotherCurrency(currency=account.currency, field="currency")
    if draft.valid_until is not None and draft.valid_until <= draft.valid_from:
        raise BadValidity(valid_from=draft.valid_from)
    check_rules(draft.rules)


def check_rules(rules: Rules) -> None:
    """Beyond what their types say.

    Raises
    ------
    BadBands, EmptyTariff
    """
    if rules == Rules(zones=rules.zones, vat_code=rules.vat_code, note=rules.note):
        raise EmptyTariff
    for name, part in (("distance", rules.distance), ("weight", rules.weight)):
        if part is not None:
            _check_bands(part.bands, field=f"rules.{name}.bands")


def _check_bands(bands: tuple[Band, ...], *, field: str) -> None:
    below = 0
    for number, band in enumerate(bands, start=1):
        if band.up_to is None:
            if number < len(bands):
                raise BadBands(field=field)
        elif band.up_to <= below:
            raise BadBands(field=field)
        else:
            below = band.up_to


async def _lock(session: AsyncSession, tariff_id: UUID) -> Tariff:
    row = await session.get(Tariff, tariff_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise UnknownTariff(tariff_id=tariff_id)
    return row


async def _lock_scope(session: AsyncSession, row: Tariff) -> None:
    """One after the other, for all tariffs that could overlap this one."""
    scope = f"tariff:{row.account_id}:{row.service_level}:{row.currency}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(scope, 0))))


async def _overlapping(session: AsyncSession, row: Tariff) -> list[Tariff]:
    query = select(Tariff).where(
        Tariff.id != row.id,
        Tariff.activated_at.is_not(None),
        Tariff.account_id.is_not_distinct_from(row.account_id),
        Tariff.service_level.is_not_distinct_from(row.service_level),
        Tariff.currency == row.currency,
        or_(Tariff.valid_until.is_(None), Tariff.valid_until > row.valid_from),
    )
    if row.valid_until is not None:
        query = query.where(Tariff.valid_from < row.valid_until)
    return list(await session.scalars(query.order_by(Tariff.id).with_for_update()))


async def _end(session: AsyncSession, row: Tariff, valid_until: datetime, by: str) -> None:
    before, row.valid_until = row.valid_until, valid_until
    await session.flush()
    await record_audit(
        session,
        by=by,
        action="tariff.ended",
        subject=f"tariff:{row.id}",
        details={"from": before, "to": valid_until},
    )


async def _audit(
    session: AsyncSession, tariff_id: UUID, action: str, by: str, draft: TariffDraft | None
) -> None:
    await record_audit(
        session,
        by=by,
        action=f"tariff.{action}",
        subject=f"tariff:{tariff_id}",
        details={"name": draft.name, "valid_from": draft.valid_from} if draft else {},
    )
