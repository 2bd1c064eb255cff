"""Finding orders by the words that are written on them, newest first.

The index knows each word under the week of its order, as in "2963.berg". A search takes week after
week and stops when its page is full, so it reads what it shows, however common the words are. A
word is found by its beginning. The account is kept beside the words, so that who may only see one
account's orders does not wade through all others.
"""

import re
from datetime import datetime
from uuid import UUID

SLICE_S = 7 * 24 * 3600
MAX_WORDS = 8
LOCAL_DIGITS = 7
"""A telephone number is also found by its last digits: people leave out what goes before them."""

SEPARATORS = r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000]+"
"""What PostgreSQL and Python both cut words at."""

PHONE_DIGITS = "regexp_replace(regexp_replace(consignee_phone, '[^0-9]', '', 'g'), '^00', '')"
WRITTEN = (
    "' ' || lower(number || ' ' || coalesce(external_id, '') || ' ' || reference || ' ' ||"
    " consignee_name || ' ' || coalesce(consignor_name, '') || ' ' || consignee_email || ' ' ||"
    " consignee_address || ' ' || coalesce(consignor_address, '') || ' ' ||"
    f" {PHONE_DIGITS} || ' ' || right({PHONE_DIGITS}, {LOCAL_DIGITS}))"
)
SLICE = f"floor(extract(epoch from captured_at - timestamptz 'epoch') / {SLICE_S})"
WORDS = (
    f"array_to_tsvector(string_to_array(ltrim(regexp_replace({WRITTEN}, '{SEPARATORS}',"
    f" ' ' || {SLICE} || '.', 'g')) || ' ' || {SLICE} || '@' || account_id, ' '))"
)

PHONE = re.compile(r"\s*[0-9+(][0-9 ()/.+-]{4,}")


def slice_of(at: datetime) -> int:
    """The week in which an order of this time is found."""
    return int(at.timestamp() // SLICE_S)


def pattern_of(text: str, account_id: UUID | None) -> str | None:
    """What to look for in one slice, as a tsquery in which each ? stands for the slice; None when
    there is no letter and no digit. Single letters count only when there is nothing else. Of a row
    of numbers only the last may be unfinished."""
    words = [word for word in re.split(SEPARATORS, text.lower()) if word]
    if not words:
        return None
    *earlier, last = ([word for word in words if len(word) > 1] or words[:1])[:MAX_WORDS]
    # Each group only begun would be half of all telephone numbers.
    is_phone = PHONE.fullmatch(text) is not None
    ways = [" & ".join([*map(_whole if is_phone else _beginning, earlier), _beginning(last)])]
    if is_phone:
        digits = re.sub("[^0-9]", "", text).removeprefix("00")
        ways += [_beginning(digits), _beginning(digits[-LOCAL_DIGITS:])]
    pattern = " | ".join(f"({way})" for way in dict.fromkeys(ways))
    return f"({pattern}) & '?@{account_id}'" if account_id else pattern


def _whole(word: str) -> str:
    return f"'?.{word}'"


def _beginning(word: str) -> str:
    return f"'?.{word}':*"
