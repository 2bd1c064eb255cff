"""The columns that a file of orders, or the counter's form, may have, and how headers are
recognised in English and German. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.channels.cells import (
    DEMANDS,
    KINDS,
    Read,
    degrees,
    number,
    one_of,
    read_amount,
    read_day,
    read_time,
    read_words,
    text_as,
)
from server.kit.errors import Invalid
from server.kit.inputs import Line, Note
from server.orders.service import (
    MAX_PARCELS,
    Currency,
    Email,
    Phone,
    Pin,
    ServiceLevelCode,
)


class ColumnMissing(Invalid):
    """No column tells {missing}. The file has: {headers}. Name the column so, or say in a mapping
    profile which one it is."""

    code = "channels.column_missing"


class UnknownField(Invalid):
    """There is no field {name!r} to map a column to. Take one of: {known}."""

    code = "channels.unknown_field"


LINE = text_as(Line, "must be at most 200 characters on one line")
NOTE = text_as(Note, "must be at most 2000 characters")
KG = number(at_least=0, at_most=1_000, times=1_000, unit="kg")
CM = number(at_least=0, at_most=1_000, times=10, unit="cm")
MM = number(at_least=0, at_most=10_000, unit="mm")

PARTY: dict[str, tuple[Read, str]] = {
    "name": (LINE, "name; full name; company; customer; kunde; firma"),
    "street": (LINE, "street; address; address 1; address line 1; strasse; adresse"),
    "house_number": (LINE, "house number; house no; hausnummer; hausnr; hnr; nr"),
    "postcode": (LINE, "postcode; postal code; zip; zip code; plz; postleitzahl"),
    "city": (LINE, "city; town; ort; stadt; wohnort"),
    "country": (LINE, "country; country code; land"),
    "address": (LINE, "whole address; full address; anschrift"),
    "extra": (LINE, "address 2; address line 2; floor; adresszusatz; etage"),
    "phone": (
        text_as(Phone, "must be a telephone number of digits, spaces, + and -"),
        "phone; telephone; phone number; mobile; telefon; telefonnummer; tel; handy",
    ),
    "email": (text_as(Email, "must be an e-mail address"), "email; e mail; mail"),
    "lon": (degrees(180), "lon; lng; longitude; laengengrad"),
    "lat": (degrees(90), "lat; latitude; breitengrad"),
    "access_note": (NOTE, "access note; access; zugang; zugangshinweis"),
}
"""Of both the consignee (`to_...`) and the consignor (`from_...`)."""

SIDES = {
    "to": "to; recipient; consignee; delivery; shipping; ship to; empfaenger; liefer; lieferung",
    "from": "from; sender; consignor; pickup; pick up; collection; absender; abhol; abholung",
}

NAMES = {
    "to": "recipient; consignee; empfaenger",
    "from": "sender; consignor; absender",
}
"""Headers that name a side alone, and mean who it is."""

ORDER: dict[str, tuple[Read, str]] = {
    "order_number": (
        LINE,
        "order number; order no; order id; order; external id; bestellnummer; bestellnr;"
        "bestell nr; auftragsnummer; auftragsnr; auftrags nr; auftrag; belegnummer",
    ),
    "reference": (
        LINE,
        "reference; ref; customer reference; your reference; referenz; ihr zeichen",
    ),
    "cost_centre": (
        LINE,
        "cost centre; cost center; costcentre; costcenter; department; kostenstelle; kst",
    ),
    "kind": (one_of(KINDS), "kind; order kind; type; art; auftragsart"),
    "service_level": (
        text_as(ServiceLevelCode, "must be the code of a service level, such as next_day"),
        "service level; service; shipping method; servicelevel; versandart; leistung",
    ),
    "sku": (
        LINE,
        "sku; lineitem sku; item number; article; article number; artikel; artikelnummer",
    ),
    "quantity": (
        number(at_least=1, at_most=1_000_000),
        "quantity; qty; lineitem quantity; menge; anzahl; stueck",
    ),
    "description": (
        LINE,
        "description; content; contents; item; lineitem name; bezeichnung; beschreibung; inhalt",
    ),
    "parcels": (
        number(at_least=1, at_most=MAX_PARCELS),
        "parcels; number of parcels; pieces; packages; pakete; anzahl pakete; packstuecke; colli",
    ),
    "weight_kg": (KG, "weight; weight kg; gewicht; gewicht kg"),
    "weight_g": (number(at_least=0, at_most=1_000_000, unit="g"), "weight g; gewicht g"),
    "length_cm": (CM, "length; length cm; laenge; laenge cm"),
    "width_cm": (CM, "width; width cm; breite; breite cm"),
    "height_cm": (CM, "height; height cm; hoehe; hoehe cm"),
    "length_mm": (MM, "length mm; laenge mm"),
    "width_mm": (MM, "width mm; breite mm"),
    "height_mm": (MM, "height mm; hoehe mm"),
    "day": (read_day, "day; date; delivery date; datum; tag; lieferdatum; liefertermin"),
    "window_start": (
        read_time,
        "window start; earliest; time from; delivery from; von; zeit von; lieferung von",
    ),
    "window_end": (
        read_time,
        "window end; latest; time until; until; delivery until; bis; zeit bis; lieferung bis",
    ),
    "pickup_start": (read_time, "pickup start; pickup from; abholung von; abholung ab"),
    "pickup_end": (read_time, "pickup end; pickup until; abholung bis"),
    "instructions": (
        NOTE,
        "instructions; delivery instructions; note; notes; comment; bemerkung; bemerkungen;"
        "hinweis; lieferhinweis; notiz",
    ),
    "skills": (read_words, "skills; requirements; faehigkeiten; anforderungen"),
    "cash": (read_amount, "cash; cash on delivery; cod; nachnahme; nachnahmebetrag"),
    "currency": (text_as(Currency, "must be a currency such as EUR"), "currency; waehrung"),
    "pin": (text_as(Pin, "must be 4 to 8 digits"), "pin"),
    "proof_photo": (one_of(DEMANDS), "proof photo; photo; foto; nachweis foto"),
    "proof_signature": (one_of(DEMANDS), "proof signature; signature; unterschrift"),
    "proof_name": (one_of(DEMANDS), "proof name; nachweis name"),
    "proof_pin": (one_of(DEMANDS), "proof pin; nachweis pin"),
    "proof_scan": (one_of(DEMANDS), "proof scan; nachweis scan"),
    "proof_age_check": (one_of(DEMANDS), "proof age check; age check; alterskontrolle"),
}

READERS: dict[str, Read] = {
    **{f"{side}_{name}": read for side in SIDES for name, (read, _) in PARTY.items()},
    **{name: read for name, (read, _) in ORDER.items()},
}
"""Every field and how its cells are read."""

ERROR_HEADERS = frozenset({"error", "errors", "fehler"})
"""The column that we add to the rows given back; it means nothing when it comes again."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a file holds which field.

    fields: field -> index of its column. ignored: headers of columns that mean nothing here.
    """

    headers: tuple[str, ...]
    fields: dict[str, int]
    ignored: tuple[str, ...]

    def header_of(self, field: str) -> str:
        """The column as the person named it; the field's own name when there is no column."""
        return self.headers[self.fields[field]] if field in self.fields else field


def map_columns(headers: Sequence[str], profile: Mapping[str, str] | None = None) -> Columns:
    """Recognise the headers; what the profile says of one (a field, or "" to ignore it) counts.

    Where two columns say the same, the more explicit header wins ("Delivery street" over
    "Street"), then the first; the other one is ignored.

    Raises
    ------
    ColumnMissing, UnknownField
    """
    chosen = {fold(header): field for header, field in (profile or {}).items()}
    check_fields(chosen.values())
    best: dict[str, tuple[int, int]] = {}
    for index, header in enumerate(headers):
        folded = fold(header)
        explicitness, field = (
            (0, chosen[folded]) if folded in chosen else KNOWN.get(folded, (9, ""))
        )
        if field:
            best[field] = min(best.get(field, (9, 0)), (explicitness, index))
    fields = {field: index for field, (_, index) in best.items()}
    used = set(fields.values())
    ignored = (
        header
        for index, header in enumerate(headers)
        if index not in used and header and fold(header) not in ERROR_HEADERS
    )
    columns = Columns(tuple(headers), fields, tuple(ignored))
    _check_columns(columns)
    return columns


def check_fields(fields: Iterable[str]) -> None:
    for field in fields:
        if field and field not in READERS:
            raise UnknownField(name=field[:80], known=", ".join(READERS))


def _check_columns(columns: Columns) -> None:
    where = {"to_street", "to_address", "to_lon"}
    for missing, found in (
        ("who gets the order (to_name)", "to_name" in columns.fields),
        ("where to (to_street or to_address)", where & columns.fields.keys()),
    ):
        if not found:
            raise ColumnMissing(missing=missing, headers=", ".join(columns.headers)[:500])


def fold(header: str) -> str:
    """What the spellings of one header share."""
    letters = unicodedata.normalize("NFKD", header.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    plain = re.sub("(?<=[aou])e", "", plain)
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def _names(text: str) -> Iterable[str]:
    return (fold(name) for name in text.split(";"))


def _known_headers() -> dict[str, tuple[int, str]]:
    """Folded header -> (how explicit it is, its field); 1 is the most explicit."""
    known: dict[str, tuple[int, str]] = {}
    for name, (_, headers) in PARTY.items():
        for header in _names(headers):
            known.setdefault(header, (3, f"to_{name}"))
            for side, prefixes in SIDES.items():
                for prefix in _names(prefixes):
                    known.setdefault(f"{prefix} {header}", (2, f"{side}_{name}"))
                    known.setdefault(f"{prefix}{header}", (2, f"{side}_{name}"))
    for side, headers in NAMES.items():
        known |= dict.fromkeys(_names(headers), (2, f"{side}_name"))
    for field, (_, headers) in ORDER.items():
        known |= dict.fromkeys(_names(headers), (2, field))
    return known | {fold(field): (1, field) for field in READERS}


KNOWN = _known_headers()
