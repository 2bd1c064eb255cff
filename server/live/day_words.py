"""Days as people outside read them, such as "Mon 23 Nov", in the words of their language."""

from collections.abc import Mapping
from datetime import date


def say_day(day: date, texts: Mapping[str, str]) -> str:
    return texts["date"].format(
        weekday=texts["weekdays"].split()[day.weekday()],
        day=day.day,
        month=texts["months"].split()[day.month - 1],
    )
