"""What work costs by a tariff. Pure: rules and facts in, lines out, nothing read or written."""

from datetime import datetime
from zoneinfo import ZoneInfo

from server.billing.freight import freight_lines
from server.billing.price_facts import Facts, Unpriceable, Wait
from server.billing.price_lines import (
    PricedLine,
    Term,
    fixed_and_share,
    make_line,
    total_minor,
)
from server.billing.tariff_rules import (
    CashFee,
    Congestion,
    Hours,
    Reattempt,
    ReturnFee,
    Rules,
    Waiting,
)
from server.billing.zones import find_zone


def price(rules: Rules, facts: Facts, currency: str) -> list[PricedLine]:
    """The lines that the work costs; those that would be nothing are left out.

    Raises
    ------
    Unpriceable
        With the reason in words.
    """
    match facts.work:
        case "attempt":
            lines = _attempt(rules, facts)
        case "return":
            lines = _way_back(rules, facts)
            lines += _surcharges(rules, total_minor(lines), facts)
        case _:
            lines = freight_lines(rules, facts)
            lines += _surcharges(rules, total_minor(lines), facts)
    lines += _extras(rules, facts, currency)
    if facts.work != "attempt" and total_minor(lines) < rules.minimum_minor:
        lines.append(_minimum(rules.minimum_minor, total_minor(lines)))
    return [line for line in lines if line.net_minor]


def _attempt(rules: Rules, facts: Facts) -> list[PricedLine]:
    fee = rules.reattempt
    if fee is None or facts.attempt <= fee.free:
        return []
    description = f"Attempt {facts.attempt} in vain"
    words = f"{description}; {fee.free} free."
    return [make_line("reattempt", description, words, _fee_terms(rules, facts, fee))]


def _way_back(rules: Rules, facts: Facts) -> list[PricedLine]:
    fee = rules.return_fee
    if fee is None:
        return freight_lines(rules, facts)
    return [make_line("return_fee", "Return", "A way back.", _fee_terms(rules, facts, fee))]


def _fee_terms(rules: Rules, facts: Facts, fee: ReturnFee | Reattempt) -> list[Term]:
    """What is asked in place of the freight; the freight is worked out only when it matters."""
    base_minor = total_minor(freight_lines(rules, facts)) if fee.percent_bp else 0
    return fixed_and_share(fee.minor, fee.percent_bp, base_minor, "freight")


def _surcharges(rules: Rules, base_minor: int, facts: Facts) -> list[PricedLine]:
    """base_minor: of the freight, or of what stands in its place."""
    local = facts.done_at.astimezone(ZoneInfo(facts.timezone))
    lines = []
    for part in rules.times_of_day:
        if falls_into(part.hours, local):
            words = f"Done at {local:%H:%M}, within {_hours(part.hours)}."
            terms = fixed_and_share(part.minor, part.percent_bp, base_minor, "freight")
            lines.append(make_line("time_of_day", f"Surcharge {_hours(part.hours)}", words, terms))
    if rules.fuel is not None:
        words = f"{rules.fuel.percent_bp / 100:g} % of the freight."
        terms = fixed_and_share(0, rules.fuel.percent_bp, base_minor, "freight")
        lines.append(make_line("fuel", "Fuel surcharge", words, terms))
    for jam in rules.congestion:
        zone = _congested(rules, jam, facts)
        if zone is not None and falls_into(jam.hours, local):
            words = f"In zone {zone} at {local:%H:%M}, within {_hours(jam.hours)}."
            terms = fixed_and_share(jam.minor, jam.percent_bp, base_minor, "freight")
            lines.append(make_line("congestion", "Congestion surcharge", words, terms))
    return lines


def _congested(rules: Rules, part: Congestion, facts: Facts) -> str | None:
    for spot in (facts.origin, facts.destination):
        zones = [zone for zone in rules.zones if zone.code in part.zones]
        if found := find_zone(zones, spot.country, spot.postcode, spot.position):
            return found
    return None


def _extras(rules: Rules, facts: Facts, currency: str) -> list[PricedLine]:
    """What does not depend on the freight."""
    lines = []
    if rules.waiting is not None:
        lines += [_waiting(rules.waiting, wait) for wait in facts.waits]
    if rules.cash_fee is not None and facts.cash_minor > 0:
        lines.append(_cash_fee(rules.cash_fee, facts, currency))
    return lines


def _waiting(part: Waiting, wait: Wait) -> PricedLine:
    beyond_s = max(wait.waited_s - part.free_minutes * 60, 0)
    units = -(-beyond_s // (part.unit_minutes * 60))
    words = (
        f"{wait.waited_s} s at the {wait.where}, {part.free_minutes} min free, then by the started "
        f"{part.unit_minutes} min."
    )
    each = Term(words="started unit", quantity=units, unit="unit", minor=part.minor)
    return make_line("waiting", f"Waiting time at the {wait.where}", words, [each])


def _cash_fee(part: CashFee, facts: Facts, currency: str) -> PricedLine:
    if part.percent_bp and facts.cash_currency != currency:
        raise Unpriceable(
            reason=f"Cash was taken in {facts.cash_currency}, but the tariff is in {currency}."
        )
    return make_line(
        "cash_fee",
        "Cash on delivery",
        f"Cash of {facts.cash_minor} minor units {facts.cash_currency} was taken.",
        fixed_and_share(part.minor, part.percent_bp, facts.cash_minor, "cash"),
        least_minor=part.least_minor or None,
    )


def _minimum(minimum_minor: int, sum_minor: int) -> PricedLine:
    return make_line(
        "minimum",
        "Up to the minimum price",
        f"The minimum is {minimum_minor}, the lines so far come to {sum_minor}.",
        [
            Term(words="minimum", quantity=1, unit="consignment", minor=minimum_minor),
            Term(words="lines so far", quantity=-1, unit="consignment", minor=sum_minor),
        ],
    )


def falls_into(hours: Hours, local: datetime) -> bool:
    """Whether a local time is within the hours."""
    if local.isoweekday() not in hours.weekdays:
        return False
    at, start, end = local.time(), hours.from_local, hours.until_local
    return start <= at < end if start < end else at >= start or at < end


def _hours(hours: Hours) -> str:
    return f"{hours.from_local:%H:%M}–{hours.until_local:%H:%M}"
