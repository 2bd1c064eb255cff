"""Who sells and who buys, as invoices need it; issued invoices keep a copy of both."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from server.billing.vat import VatRule, VatStatus
from server.kit.inputs import ONE_LINE, FilledLine, Line

_ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC
    EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK
    HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB
    LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ
    NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU
    RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN
    TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_ISO_3166.split())

Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
CompanyCode = Annotated[str, Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$")]
Prefix = Annotated[str, Meta(pattern=r"^[A-Z]{1,8}$")]
Email = Annotated[str, Meta(max_length=254, pattern=r"^([^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+)?$")]
VatId = Annotated[str, Meta(pattern=r"^([A-Z]{2}[A-Z0-9+*.-]{2,18})?$")]
Iban = Annotated[str, Meta(pattern=r"^([A-Z]{2}[0-9]{2}[A-Z0-9]{8,30})?$")]
Bic = Annotated[str, Meta(pattern=r"^([A-Z0-9]{8}([A-Z0-9]{3})?)?$")]
PeppolId = Annotated[str, Meta(max_length=60, pattern=r"^([0-9]{4}:[A-Za-z0-9._:-]{1,50})?$")]
VatexCode = Annotated[str, Meta(pattern=r"^(VATEX-[A-Z]{2}-[A-Z0-9-]{1,20})?$")]
Days = Annotated[int, Meta(ge=0, le=365)]
Zone = Annotated[str, Meta(min_length=1, max_length=60, pattern=ONE_LINE)]

Language = Literal["de", "en"]
InvoiceRule = Literal["per_order", "per_period"]
CostCentreRule = Literal["group", "split"]


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """country: ISO 3166-1 alpha-2."""

    street: FilledLine
    extra: Line = ""
    postcode: Line = ""
    city: FilledLine
    country: Country


class Company(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of our own legal entities, which sells and gives out invoices.

    invoice_prefix, credit_note_prefix: begin its two series of numbers, as in INV-2026-000123.
    peppol_id: scheme and number, as in 9930:DE123456789. timezone: in which its days are counted.
    vat_id: "" when it is not registered for VAT. tax_number: of the local tax office.
    """

    name: FilledLine
    address: PostalAddress
    vat_id: VatId = ""
    tax_number: Line = ""
    registration: Line = ""
    contact_name: Line = ""
    phone: Line = ""
    email: Email = ""
    website: Line = ""
    iban: Iban = ""
    bic: Bic = ""
    bank_name: Line = ""
    peppol_id: PeppolId = ""
    invoice_prefix: Prefix = "INV"
    credit_note_prefix: Prefix = "CN"
    timezone: Zone = "UTC"

    @property
    def vat_status(self) -> VatStatus:
        return VatStatus(country=self.address.country, vat_id=self.vat_id)


class Buyer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom an account's invoices are written, and how.

    company: the code of our legal entity that writes them.
    buyer_reference: what the buyer wants to read on them; their account's code if none.
    vat_id, registration: either shows that the buyer is a business, which decides on VAT.
    vat_rule: exempt needs a reason, which is printed, and may name its VATEX code.
    """

    company: CompanyCode
    name: FilledLine
    attention: Line = ""
    address: PostalAddress
    email: Email = ""
    vat_id: VatId = ""
    registration: Line = ""
    peppol_id: PeppolId = ""
    buyer_reference: Line = ""
    payment_days: Days = 14
    invoice_rule: InvoiceRule = "per_period"
    cost_centres: CostCentreRule = "group"
    language: Language = "en"
    vat_rule: VatRule = "normal"
    exemption_code: VatexCode = ""
    exemption_reason: Line = ""

    @property
    def vat_status(self) -> VatStatus:
        return VatStatus(
            country=self.address.country,
            vat_id=self.vat_id,
            is_business=bool(self.vat_id or self.registration),
            rule=self.vat_rule,
            exemption_code=self.exemption_code,
            exemption_reason=self.exemption_reason,
        )


class CompanyView(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    profile: Company


class BuyerView(msgspec.Struct, frozen=True, kw_only=True):
    account_id: UUID
    profile: Buyer
