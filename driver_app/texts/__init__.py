"""What the app says, as one plain table per language; and how a language writes.

    english.py, german.py, spanish.py, arabic.py   key -> sentence with {facts}
    script.py                                      lines from right to left

A test compares the tables: the same keys and the same facts in each.
"""

from dataclasses import dataclass

from driver_app.core.errors import PhoneError
from driver_app.texts import arabic, english, german, spanish


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """name: in itself, so that whoever cannot read the others finds it."""

    code: str
    name: str
    texts: dict[str, str]
    right_to_left: bool = False


LANGUAGES = (
    Language(code="de", name="Deutsch", texts=german.TEXTS),
    Language(code="en", name="English", texts=english.TEXTS),
    Language(code="es", name="Español", texts=spanish.TEXTS),
    Language(code="ar", name="العربية", texts=arabic.TEXTS, right_to_left=True),
)


def find_language(code: str | None) -> Language:
    """The language of this code, such as `de` or `de_AT`; English when there is none."""
    known = {language.code: language for language in LANGUAGES}
    return known.get((code or "")[:2].lower(), known["en"])


class Speaker:
    """Says things in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, /, **facts: object) -> str:
        return self.language.texts[key].format(**facts)

    def knows(self, key: str) -> bool:
        return key in self.language.texts

    def explain(self, error: PhoneError) -> str:
        """In the driver's language, or in the words of whoever refused it."""
        return self(error.code) if self.knows(error.code) else str(error)
