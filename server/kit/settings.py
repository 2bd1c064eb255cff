"""Settings come from the environment, once, and are then just values."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

UTC_ZONE = ZoneInfo("UTC")

LAST_PORT = 65_535

ROOT = Path(__file__).parents[2]
"""The folder that holds the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs from one installation to the next.

    data_dir: blobs, roads, and the private services' data.
    secret: signs nothing that is stored; keys the hashes of tokens. Must be set to serve others.
    base_url: how customers reach the tracking page.
    timezone: the company's; cut-offs and days are counted in it.
    currency: ISO 4217, of amounts that say none.
    gs1_prefix: the company's GS1 company prefix; with it, labels bear an SSCC.
    mqtt_url: the broker to which trackers send; empty where there is none.
    tls_pin: the one key that phones shall accept, which the pairing link then names.
    last_words_h: so long a phone that was signed out may hand in what it had not sent.
    """

    database_url: str
    redis_url: str
    data_dir: Path
    secret: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = "http://127.0.0.1:8000"
    timezone: ZoneInfo = UTC_ZONE
    currency: str = "EUR"
    gs1_prefix: str = ""
    mqtt_url: str = field(default="", repr=False)
    tls_pin: str = ""
    last_words_h: int = 72

    @property
    def blobs_dir(self) -> Path:
        return self.data_dir / "blobs"

    @property
    def gateways_dir(self) -> Path:
        """Where the gateways of this machine take in connections."""
        return self.data_dir / "gateways"

    @property
    def roads_dir(self) -> Path:
        return self.data_dir / "roads"


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process.

    Raises
    ------
    SystemExit
        With the name of the variable that is missing or wrong.
    """

    def url(name: str, *schemes: str) -> str:
        given = environ.get(name)
        if not given:
            raise SystemExit(f"{name} is not set. `./postrider up` sets it, or set it yourself.")
        if not given.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise SystemExit(f"{name} must start with {'://, '.join(schemes)}://.")
        return given

    port = environ.get("POSTRIDER_PORT", "8000")
    if not port.isdecimal() or int(port) > LAST_PORT:
        raise SystemExit(f"POSTRIDER_PORT is {port}, which is not a port: 0 to {LAST_PORT}.")
    timezone = environ.get("POSTRIDER_TIMEZONE", "UTC")
    if timezone not in available_timezones():
        raise SystemExit(f"POSTRIDER_TIMEZONE is {timezone}; write it like Europe/Vaduz.")
    gs1_prefix = environ.get("POSTRIDER_GS1_PREFIX", "")
    if gs1_prefix and not re.fullmatch(r"[0-9]{4,12}", gs1_prefix):
        raise SystemExit(
            f"POSTRIDER_GS1_PREFIX is {gs1_prefix}; a GS1 company prefix is 4 to 12 digits."
        )
    mqtt_url = environ.get("POSTRIDER_MQTT_URL", "")
    if mqtt_url and not mqtt_url.startswith(("mqtt://", "mqtts://")):
        raise SystemExit("POSTRIDER_MQTT_URL must start with mqtt:// or mqtts://.")
    tls_pin = environ.get("POSTRIDER_TLS_PIN", "")
    if tls_pin and not re.fullmatch(r"[A-Za-z0-9_-]{43}", tls_pin):
        raise SystemExit(
            f"POSTRIDER_TLS_PIN is {tls_pin}; it is 43 characters, the SHA-256 of the public key in"
            " URL-safe base64: see docs/driver-app.md."
        )
    last_words_h = environ.get("POSTRIDER_LAST_WORDS_HOURS", "72")
    if not re.fullmatch(r"[0-9]{1,4}", last_words_h):
        raise SystemExit(f"POSTRIDER_LAST_WORDS_HOURS is {last_words_h}; write hours, 0 to 9999.")
    return Settings(
        database_url=url("DATABASE_URL", "postgresql+asyncpg"),
        redis_url=url("REDIS_URL", "redis", "rediss", "unix", "redis+cluster", "rediss+cluster"),
        data_dir=Path(environ.get("POSTRIDER_DATA", ROOT / ".postrider")),
        secret=read_secret(environ),
        host=environ.get("POSTRIDER_HOST", "127.0.0.1"),
        port=int(port),
        base_url=environ.get("POSTRIDER_BASE_URL", f"http://127.0.0.1:{port}"),
        timezone=ZoneInfo(timezone),
        currency=environ.get("POSTRIDER_CURRENCY", "EUR"),
        gs1_prefix=gs1_prefix,
        tls_pin=tls_pin,
        last_words_h=int(last_words_h),
        mqtt_url=mqtt_url,
    )


def read_secret(environ: Mapping[str, str] = os.environ) -> str:
    """The secret alone, for code deep down that hashes a token."""
    return environ.get("POSTRIDER_SECRET", "")


class SecretNotSet(SystemExit):
    """Others could connect, and nobody has chosen a secret."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"To listen on {host}, set POSTRIDER_SECRET to at least 16 random characters, "
            "the same for every process."
        )


def is_loopback(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def refuse_open_door(host: str, environ: Mapping[str, str] = os.environ) -> None:
    """Raise SecretNotSet when other machines could connect without a secret of our own."""
    if not is_loopback(host) and len(environ.get("POSTRIDER_SECRET", "")) < 16:
        raise SecretNotSet(host)
