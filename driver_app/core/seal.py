"""How the token is kept so that a copied file does not tell it."""

from typing import Protocol


class SealBroken(Exception):
    """The key is gone, as on a phone that was restored from another one's backup."""


class Seal(Protocol):
    """Keeps a secret so that the file alone does not tell it: Android's keystore."""

    def close(self, secret: str) -> str: ...

    def open(self, sealed: str) -> str:
        """Raises SealBroken."""
        ...


class NoSeal:
    """Where the file's mode is all the protection there is."""

    def close(self, secret: str) -> str:
        return secret

    def open(self, sealed: str) -> str:
        return sealed
