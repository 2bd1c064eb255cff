"""Why goods come back, and the rules that follow: the company's, and an account's own instead."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.identity.service import record_audit
from server.kit.ids import new_id
from server.returns.errors import PhotoNeeded, ReturnWindowOver, UnknownReason
from server.returns.models import ReturnReasonRow
from server.returns.views import Payer, ReturningGoods, ReturnReason

WHO_PAYS: tuple[Payer, ...] = ("consignee", "account", "company")


async def list_reasons(session: AsyncSession, account_id: UUID | None) -> list[ReturnReason]:
    """Those that hold for goods of the account, in the order of their codes."""
    return sorted((await _rules(session, account_id)).values(), key=lambda each: each.code)


async def save_reason(
    session: AsyncSession, reason: ReturnReason, *, account_id: UUID | None = None, by: str
) -> ReturnReason:
    """Add a reason or change the one with this code; the account's own, or the company's.

    Raises
    ------
    UnknownAccount
    """
    if account_id is not None:
        await accounts.get_account(session, account_id)
    values = msgspec.structs.asdict(reason)
    await session.execute(
        insert(ReturnReasonRow)
        .values(id=new_id(), account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id", "code"], set_=values)
    )
    await record_audit(
        session,
        by=by,
        action="return_reason.saved",
        subject=f"return_reason:{account_id or 'company'}:{reason.code}",
        details=values,
    )
    return reason


async def rules_for(
    session: AsyncSession, account_id: UUID | None, goods: Iterable[ReturningGoods]
) -> dict[str, ReturnReason]:
    """The rules of the reasons that are given, by code.

    Raises
    ------
    UnknownReason
    """
    rules = await _rules(session, account_id)
    wanted = {each.reason for each in goods if each.reason is not None}
    for code in wanted - rules.keys():
        raise UnknownReason(reason=code)
    return {code: rules[code] for code in wanted}


async def rules_of_codes(
    session: AsyncSession, account_id: UUID | None, codes: Iterable[str | None]
) -> list[ReturnReason]:
    """The rules that hold by now for reasons given earlier, also when they were retired since."""
    rules = await _rules(session, account_id, with_retired=True)
    return [rules[code] for code in codes if code in rules]


def check_rules(
    goods: Iterable[ReturningGoods],
    rules: Mapping[str, ReturnReason],
    *,
    delivered_at: datetime | None,
    now: datetime,
) -> None:
    """Refuse what the reasons do not allow; for those who may not decide otherwise."""
    for each in goods:
        rule = rules.get(each.reason or "")
        if rule is None:
            continue
        if rule.photo_required and not each.photos:
            raise PhotoNeeded(reason=rule.text_en)
        if rule.window_days is None or delivered_at is None:
            continue
        if now > delivered_at + timedelta(days=rule.window_days):
            raise ReturnWindowOver(
                reason=rule.text_en,
                window_days=rule.window_days,
                delivered_on=delivered_at.date().isoformat(),
            )


def approves_itself(goods: Iterable[ReturningGoods], rules: Mapping[str, ReturnReason]) -> bool:
    """Whether nobody of the company needs to look at it: every unit has such a reason."""
    given = [rules.get(each.reason or "") for each in goods]
    return bool(given) and all(rule is not None and rule.auto_approve for rule in given)


def fee_of(rules: Iterable[ReturnReason]) -> tuple[int, Payer]:
    """What one return costs and whom: the dearest of its reasons counts, once."""
    dearest = max(
        rules,
        key=lambda rule: (rule.fee_minor, -WHO_PAYS.index(rule.payer)),
        default=None,
    )
    return (dearest.fee_minor, dearest.payer) if dearest else (0, "company")


async def _rules(
    session: AsyncSession, account_id: UUID | None, *, with_retired: bool = False
) -> dict[str, ReturnReason]:
    rows = await session.scalars(
        select(ReturnReasonRow)
        .where(or_(ReturnReasonRow.account_id.is_(None), ReturnReasonRow.account_id == account_id))
        .order_by(ReturnReasonRow.account_id.is_not(None))
        .execution_options(populate_existing=True)
    )
    rules = {row.code: msgspec.convert(row, ReturnReason, from_attributes=True) for row in rows}
    return {code: rule for code, rule in rules.items() if rule.active or with_retired}
