"""Secrets that we draw at random, and the keyed hashes under which they are stored.

They are long enough to need no slow hash; the key (POSTRIDER_SECRET) makes a stolen database
useless even for the short pairing codes. A new POSTRIDER_SECRET therefore ends every session and
invalidates every API key and every phone's token.
"""

import hmac
import secrets

from server.kit.settings import read_secret

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0 O, 1 I L, and U beside V: a code is read aloud and typed on a phone."""

CODE_LENGTH = 8


def new_token(prefix: str = "") -> str:
    """256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def new_code() -> str:
    """39 random bits that a person can type."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def read_code(typed: str) -> str:
    """The code in what a person typed: any case, with spaces or hyphens."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())


def keyed_hash(secret: str) -> str:
    return hmac.digest(read_secret().encode(), secret.encode(), "sha256").hex()
