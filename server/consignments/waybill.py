"""Waybill numbers with a check digit, and the barcodes of the parcels below them."""

# H. Michael Damm's quasigroup: finds every single wrong digit and every swap of neighbours.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
PREFIX = "PR"
MAX_PIECES = 999


def waybill_of(number: int) -> str:
    """`PR` + nine digits + check digit."""
    digits = f"{number:09d}"
    return f"{PREFIX}{digits}{check_digit(digits)}"


def barcode_of(waybill: str, piece: int) -> str:
    """The barcode of the nth parcel; letters and digits only, so that any label printer can."""
    return f"{waybill}{piece:03d}"


def is_waybill(text: str) -> bool:
    """Whether the check digit fits; false for what was mistyped."""
    digits = text.removeprefix(PREFIX)
    return (
        text.startswith(PREFIX)
        and len(digits) >= 10
        and digits.isascii()
        and digits.isdigit()
        and check_digit(digits[:-1]) == digits[-1]
    )


def check_digit(digits: str) -> str:
    interim = "0"
    for digit in digits:
        interim = _DAMM[int(interim)][int(digit)]
    return interim
