"""Passwords: argon2id, in a thread, because one check takes about 50 ms of a core."""

import asyncio
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from server.kit.errors import Invalid

SHORTEST = 10
LONGEST = 200

HASHER = PasswordHasher()


class PasswordTooShort(Invalid):
    """A password has at least {shortest} characters. Three or four unrelated words are good."""

    code = "identity.password_too_short"


class PasswordTooLong(Invalid):
    """A password has at most {longest} characters."""

    code = "identity.password_too_long"


async def hash_password(password: str) -> str:
    if len(password) < SHORTEST:
        raise PasswordTooShort(shortest=SHORTEST)
    if len(password) > LONGEST:
        raise PasswordTooLong(longest=LONGEST)
    return await asyncio.to_thread(HASHER.hash, _normal(password))


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the one. Without a hash the answer is no, after the same work."""
    return await asyncio.to_thread(_verify, _normal(password), password_hash)


def needs_rehash(password_hash: str) -> bool:
    """Whether it was made with other parameters than those of today."""
    return HASHER.check_needs_rehash(password_hash)


def new_one_time_password() -> str:
    """80 random bits in four groups, to be read from a terminal and typed once."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    groups = ("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def _verify(password: str, password_hash: str | None) -> bool:
    try:
        HASHER.verify(password_hash or _hash_of_nobody(), password)
    except VerifyMismatchError:
        return False
    return password_hash is not None


@cache
def _hash_of_nobody() -> str:
    return HASHER.hash(secrets.token_urlsafe())


def _normal(password: str) -> str:
    """The same password from every keyboard: é may be one code point or two."""
    return unicodedata.normalize("NFKC", password)
