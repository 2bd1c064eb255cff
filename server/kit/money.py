"""Money: whole minor units and a currency, and how both are written. Never a float."""

import re
from typing import NamedTuple

from server.kit.errors import Invalid

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}


class NotAnAmount(Invalid):
    """{text!r} is not an amount in {currency}. Write it like 12.50."""

    code = "money.not_an_amount"


class Money(NamedTuple):
    minor: int
    currency: str

    def __str__(self) -> str:
        digits = _EXPONENTS.get(self.currency, 2)
        whole, part = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        fraction = f".{part:0{digits}d}" if digits else ""
        return f"{sign}{whole}{fraction} {self.currency}"


def parse_money(text: str, currency: str) -> Money:
    """`12.5` or `12,50` as Money; more decimals than the currency has are refused."""
    digits = _EXPONENTS.get(currency, 2)
    match = re.fullmatch(r"\s*(-?)([0-9]{1,12})(?:[.,]([0-9]+))?\s*", text)
    if match is None or len(match[3] or "") > digits:
        raise NotAnAmount(text=text, currency=currency)
    minor = int(match[2]) * 10**digits + int((match[3] or "").ljust(digits, "0") or 0)
    return Money(-minor if match[1] else minor, currency)
