"""VAT: how a sale is treated, and how much the tax is. Pure: no database, no clock.

One rounding rule: lines are whole minor units; the tax is rounded once per rate, half up, on the
sum of the lines of that rate; totals are plain sums. The categories are those of EN 16931.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

import msgspec
from stdnum.eu import vat as eu_vat

VatCategory = Literal["S", "Z", "E", "AE", "G", "O"]
"""Standard or reduced, zero rated, exempt, reverse charge, export, not subject to VAT."""

VatRule = Literal["normal", "exempt", "outside_scope"]
"""What holds for all sales to a buyer, where it does not follow from who they are: a diplomatic
mission is exempt."""

FULL_BP = 10_000
"""One hundred percent, in basis points."""

_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_EU.split())
JOINED = {"HR": date(2013, 7, 1)}
LEFT = {"GB": date(2021, 1, 1)}
"""The first days of the union's VAT in a country, and without it, as far as charges may go back."""

VAT_PREFIXES = {"GR": "EL"}

REVERSE_CHARGE_CODE = "VATEX-EU-AE"
REVERSE_CHARGE = "Reverse charge: VAT is owed by the recipient"
OUTSIDE_SCOPE_CODE = "VATEX-EU-O"
OUTSIDE_SCOPE = "Not subject to VAT"
EXPORT_CODE = "VATEX-EU-G"
EXPORT = "Export outside the EU"


class VatTreatment(msgspec.Struct, frozen=True, kw_only=True):
    """rate_bp: basis points, so 1900 is 19 %. exemption_*: why no tax is taken, if none is."""

    category: VatCategory
    rate_bp: int = 0
    exemption_code: str = ""
    exemption_reason: str = ""


class VatGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one treatment, added up, and the tax on them."""

    treatment: VatTreatment
    net_minor: int
    vat_minor: int


class VatStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What VAT has to know of a buyer or a seller. country: ISO 3166. vat_id: "" for none.
    is_business: something shows that it is one."""

    country: str
    vat_id: str = ""
    is_business: bool = False
    rule: VatRule = "normal"
    exemption_code: str = ""
    exemption_reason: str = ""


def is_vat_id_of(vat_id: str, country: str) -> bool:
    """Whether it is written like a VAT id of that country of the union; the check is offline, so
    nobody has been asked whether it was ever given out."""
    right_prefix = vat_id[:2] == VAT_PREFIXES.get(country, country)
    return country in EU and right_prefix and bool(eu_vat.is_valid(vat_id))


def in_union(country: str, day: date) -> bool:
    """Whether the union's VAT held in a country on that day."""
    return (country in EU and day >= JOINED.get(country, day)) or (
        country in LEFT and day < LEFT[country]
    )


def treat(
    seller: VatStatus,
    buyer: VatStatus,
    domestic: VatTreatment,
    *,
    day: date,
    ship_to_country: str = "",
) -> VatTreatment:
    """How a service of `seller` for `buyer` is taxed, which was given on `day`.

    A service for a business is taxed where the business is: by itself in another country of the
    union (reverse charge), and beyond the union not here (Article 44 of Directive 2006/112/EC).
    For everybody else the seller's rate holds, but for carrying goods out of the union (Article
    146).

    domestic: what the seller's own rate table says. ship_to_country: where goods were carried; ""
        when nobody knows, which is taken to be within the union.
    """
    if buyer.rule == "exempt":
        return VatTreatment(
            category="E",
            exemption_code=buyer.exemption_code,
            exemption_reason=buyer.exemption_reason,
        )
    sold_in_union = in_union(seller.country, day)
    beyond = sold_in_union and not in_union(buyer.country, day)
    if buyer.rule == "outside_scope" or (beyond and buyer.is_business):
        return VatTreatment(
            category="O", exemption_code=OUTSIDE_SCOPE_CODE, exemption_reason=OUTSIDE_SCOPE
        )
    crosses_border = sold_in_union and buyer.country != seller.country
    if crosses_border and is_vat_id_of(buyer.vat_id, buyer.country):
        return VatTreatment(
            category="AE", exemption_code=REVERSE_CHARGE_CODE, exemption_reason=REVERSE_CHARGE
        )
    exported = ship_to_country != "" and not in_union(ship_to_country, day)
    if sold_in_union and exported and domestic.rate_bp > 0:
        return VatTreatment(category="G", exemption_code=EXPORT_CODE, exemption_reason=EXPORT)
    return domestic


def tax_minor(net_minor: int, rate_bp: int) -> int:
    """The tax on a sum that is not negative, rounded half up to the minor unit."""
    return (2 * net_minor * rate_bp + FULL_BP) // (2 * FULL_BP)


def vat_groups(
    lines: Iterable[tuple[VatTreatment, int]],
    before: Mapping[VatTreatment, int] | None = None,
) -> tuple[VatGroup, ...]:
    """Lines (treatment, net in minor units) added up by treatment, the highest rate first.

    before: for a credit note, what was credited of the same invoice before it, per treatment. Its
    tax is the growth of the tax on all that is credited, so that partial credits add up to the
    cent and a fully credited invoice leaves nothing open.
    """
    sums: dict[VatTreatment, int] = {}
    for treatment, net_minor in lines:
        sums[treatment] = sums.get(treatment, 0) + net_minor
    earlier = before or {}
    return tuple(
        VatGroup(
            treatment=treatment,
            net_minor=net_minor,
            vat_minor=tax_minor(earlier.get(treatment, 0) + net_minor, treatment.rate_bp)
            - tax_minor(earlier.get(treatment, 0), treatment.rate_bp),
        )
        for treatment, net_minor in sorted(
            sums.items(),
            key=lambda each: (-each[0].rate_bp, each[0].category, each[0].exemption_code),
        )
    )
