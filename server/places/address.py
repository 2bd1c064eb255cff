"""Addresses as people write them: taken apart, and brought into a form that can be compared.

Pure text. What the map knows is not asked here.
"""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

HOUSE_NUMBER = re.compile(r"\d{1,5}(?:[a-z]|bis|ter|quater)?(?:[-/–]\d{0,5}[a-z]?)?", re.IGNORECASE)
LETTERS_NOT_DECOMPOSED = str.maketrans({"ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d", "ı": "i"})
SHORT_ENDINGS = (("strasse", "str"), ("strase", "str"), ("straat", "str"), ("platz", "pl"))
SHORT_WORDS = {
    "street": "st", "road": "rd", "avenue": "av", "ave": "av", "boulevard": "bd", "blvd": "bd",
    "square": "sq", "lane": "ln", "drive": "dr", "place": "pl", "piazza": "pza", "calle": "c",
}  # fmt: skip


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody wants something brought, as far as they said it.

    name: the person or company. extra: what only the driver needs, such as a floor.
    """

    name: str = ""
    street: str = ""
    house_number: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    extra: str = ""

    @property
    def line(self) -> str:
        """The address on one line, without the name."""
        return address_line(self.street, self.house_number, self.postcode, self.city, self.country)

    @property
    def key(self) -> str:
        """Equal for two spellings of one address; empty when it names no street."""
        if not self.street:
            return ""
        parts = (self.street, self.house_number, self.postcode, self.city, self.country)
        return "|".join(fold(part) for part in parts)


def address_line(
    street: str, house_number: str, postcode: str, city: str, country: str = ""
) -> str:
    """Such as "Hauptstrasse 12, 9490 Vaduz"."""
    parts = (f"{street} {house_number}".strip(), f"{postcode} {city}".strip(), country)
    return ", ".join(part for part in parts if part)


def parse_address(text: str) -> Address:
    """Take a free line such as "Städtle 43, 9490 Vaduz" apart; every word stays somewhere."""
    parts = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    for index, part in enumerate(parts):
        street, house_number, rest = split_street(part)
        if house_number and street:
            postcode, city = split_city(" ".join([rest, *parts[index + 1 :]]))
            return Address(
                name=", ".join(parts[:index]),
                street=street,
                house_number=house_number,
                postcode=postcode,
                city=city,
            )
    street, _, rest = split_street(parts[0]) if parts else ("", "", "")
    postcode, city = split_city(" ".join([rest, *parts[1:]]))
    return Address(street=street, postcode=postcode, city=city)


def with_house_number_apart(address: Address) -> Address:
    """Many shops send "Hauptstrasse 12" as the street; the number belongs in its own field."""
    if address.house_number or not address.street:
        return address
    street, house_number, rest = split_street(address.street)
    if not street or not house_number or rest:
        return address
    return msgspec.structs.replace(address, street=street, house_number=house_number)


def split_street(text: str) -> tuple[str, str, str]:
    """Street, house number and what follows: "Hauptstrasse 12a 9490 Vaduz", "12 Main Street"."""
    words = text.split()
    numbers = [index for index, word in enumerate(words) if HOUSE_NUMBER.fullmatch(word)]
    if not numbers:
        return text, "", ""
    if numbers[0] == 0 and len(words) > 1 and not is_postcode(words[0]):
        end = next((index for index in numbers[1:] if is_postcode(words[index])), len(words))
        return " ".join(words[1:end]), words[0], " ".join(words[end:])
    candidates = [at for at in numbers if at > 0 and not begins_city(words[at:])]
    if not candidates:
        return " ".join(words[: numbers[0]]), "", " ".join(words[numbers[0] :])
    at = candidates[-1] if candidates[-1] == len(words) - 1 else candidates[0]
    after = at + 1
    if after < len(words) and re.fullmatch("[a-zA-Z]", words[after]):
        after += 1
    return " ".join(words[:at]), "".join(words[at:after]), " ".join(words[after:])


def begins_city(words: Sequence[str]) -> bool:
    """A postcode with the city after it; alone at the end, even a long number is a house's."""
    return is_postcode(words[0]) and len(words) > 1


def is_postcode(word: str) -> bool:
    """House numbers rarely have four digits; postcodes have at least four."""
    return len(re.sub(r"\D", "", word)) >= 4


def split_city(text: str) -> tuple[str, str]:
    """Postcode and city: "9490 Vaduz", "London SW1A 2AA"."""
    words = text.split()
    postcode = [word for word in words if any(letter.isdigit() for letter in word)]
    city = [word for word in words if word not in postcode]
    return " ".join(postcode), " ".join(city)


def fold(text: str) -> str:
    """What the spellings of one name share: no case, accents, punctuation or long endings."""
    text = text.casefold().translate(LETTERS_NOT_DECOMPOSED)
    letters = unicodedata.normalize("NFKD", text)
    text = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.findall(r"\w+", re.sub("(?<=[aou])e", "", text))
    return " ".join(shorten(word) for word in words)


def shorten(word: str) -> str:
    """The usual abbreviation: "hauptstrasse" and "hauptstr." are one street."""
    for long, short in SHORT_ENDINGS:
        if word.endswith(long):
            return word.removesuffix(long) + short
    return SHORT_WORDS.get(word, word)


def fold_code(text: str) -> str:
    """A house number or postcode without spaces and case: "12 A" and "12a" are the same."""
    return re.sub(r"\s", "", text.casefold()).replace("–", "-")


def number_span(house_number: str) -> tuple[int, int] | None:
    """First and last number behind a door: (12, 12) for "12a", (12, 14) for "12-14"."""
    numbers = re.match(r"(\d{1,6})[a-z]?(?:-(\d{1,6}))?", fold_code(house_number))
    if numbers is None:
        return None
    first = int(numbers[1])
    return first, max(first, int(numbers[2] or first))
