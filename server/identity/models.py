"""The tables of identity. Secrets are stored only as hashes: argon2 for passwords that people
choose, keyed SHA-256 for tokens that we draw (tokens.py)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.kit.db import Base
from server.kit.ids import new_id


class Person(Base):
    """password_hash: None for people who cannot sign in with a password (yet)."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint(
            "role in ('admin', 'dispatcher', 'warehouse', 'clerk', 'driver', 'account_user')",
            name="role",
        ),
        CheckConstraint("(role = 'account_user') = (account_id is not null)", name="account"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str]
    account_id: Mapped[UUID | None]
    active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class BrowserSession(Base):
    """One signed-in browser. expires_at slides with use, up to a limit after created_at."""

    __tablename__ = "browser_session"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "person_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    csrf_token: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ApiKey(Base):
    """account_id: the account to which the key is confined; None for the company's own."""

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "person_id"), Index(None, "account_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key_hash: Mapped[str]
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    account_id: Mapped[UUID | None]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Device(Base):
    """A driver's phone. It stays here after it was revoked, because fixes and proofs name it.

    is_tracker: it is no app of ours, and only says where the driver is.
    """

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("token_hash"), Index(None, "driver_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    token_hash: Mapped[str]
    model: Mapped[str]
    is_tracker: Mapped[bool] = mapped_column(server_default=false())
    paired_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PairingCode(Base):
    __tablename__ = "pairing_code"
    __table_args__ = (Index(None, "driver_id"),)

    code_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    driver_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginAttempt(Base):
    """What throttle.py remembers of one source of guesses. Emails and addresses are hashed:
    people type passwords into the wrong field."""

    __tablename__ = "login_attempt"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures"),
        Index(None, "last_at"),
    )

    subject_hash: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    paused_until: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what. A trigger refuses update, delete and truncate."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "subject", "id"), Index(None, "by", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    occurred_at: Mapped[datetime]
    by: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
