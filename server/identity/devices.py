"""Drivers' phones: paired with a code that the office reads out, revoked when lost. And trackers
that are no app of ours: all that they may do is to say where their driver is."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.access import Principal, Role
from server.identity.audit import record_audit
from server.identity.events import DevicePaired, DeviceRevoked
from server.identity.models import Device, PairingCode, Person
from server.identity.sessions import SEEN_EVERY
from server.identity.tokens import keyed_hash, new_code, new_token, read_code
from server.kit import clock
from server.kit.db import is_any
from server.kit.errors import Invalid, NotFound
from server.kit.ids import new_id
from server.kit.outbox import emit

CODE_LIFETIME = timedelta(minutes=10)


class UnknownDriver(NotFound):
    """There is no active driver {driver_id}."""

    code = "identity.unknown_driver"


class UnknownDevice(NotFound):
    """There is no phone {device_id}."""

    code = "identity.unknown_device"


class WrongPairingCode(Invalid):
    """This pairing code is wrong, used or older than 10 minutes. Ask the office for a new one."""

    code = "identity.wrong_pairing_code"


class PairedDevice(msgspec.Struct, frozen=True):
    """token: what the phone sends as `Authorization: Bearer`, and a tracker as its identifier. It
    is told once."""

    device_id: UUID
    driver_id: UUID
    token: str


class DeviceView(msgspec.Struct, frozen=True):
    id: UUID
    driver_id: UUID
    model: str
    is_tracker: bool
    paired_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None


async def create_pairing_code(session: AsyncSession, driver_id: UUID, *, by: str) -> str:
    """A code that pairs one phone within CODE_LIFETIME; the driver's earlier ones end.

    Raises
    ------
    UnknownDriver
    """
    if await _lock_driver(session, driver_id) is None:
        raise UnknownDriver(driver_id=driver_id)
    await _withdraw_codes(session, driver_id)
    code = new_code()
    session.add(
        PairingCode(
            code_hash=keyed_hash(code),
            driver_id=driver_id,
            expires_at=clock.real_now() + CODE_LIFETIME,
        )
    )
    await record_audit(session, by=by, action="pairing_code.created", subject=f"person:{driver_id}")
    await session.flush()
    return code


async def pair_device(
    session: AsyncSession, code: str, model: str, *, address: str
) -> PairedDevice:
    """Turn a code into a phone that may speak for its driver. A code works once, whoever races.

    Guesses are limited by `admit_pairing` (throttle.py), which commits before this is called.

    Raises
    ------
    WrongPairingCode
    """
    code_hash, now = keyed_hash(read_code(code)), clock.real_now()
    driver_id = await session.scalar(
        select(PairingCode.driver_id).where(PairingCode.code_hash == code_hash)
    )
    if driver_id is None or await _lock_driver(session, driver_id) is None:
        raise WrongPairingCode
    used = await session.scalar(
        update(PairingCode)
        .where(
            PairingCode.code_hash == code_hash,
            PairingCode.used_at.is_(None),
            PairingCode.expires_at > now,
        )
        .values(used_at=now)
        .returning(PairingCode.code_hash)
    )
    if used is None:
        raise WrongPairingCode
    paired = _add_device(session, driver_id, model, is_tracker=False)
    await record_audit(
        session,
        by=f"device:{paired.device_id}",
        action="device.paired",
        subject=f"device:{paired.device_id}",
        details={"driver_id": driver_id, "model": model, "address": address},
    )
    emit(session, DevicePaired(device_id=paired.device_id, driver_id=driver_id))
    await session.flush()
    return paired


async def add_tracker(
    session: AsyncSession, driver_id: UUID, model: str, *, by: str
) -> PairedDevice:
    """A tracker that speaks for this driver: its token goes into the tracker's own settings.

    Raises
    ------
    UnknownDriver
    """
    if await _lock_driver(session, driver_id) is None:
        raise UnknownDriver(driver_id=driver_id)
    added = _add_device(session, driver_id, model, is_tracker=True)
    await record_audit(
        session,
        by=by,
        action="tracker.added",
        subject=f"device:{added.device_id}",
        details={"driver_id": driver_id, "model": model},
    )
    await session.flush()
    return added


def _add_device(
    session: AsyncSession, driver_id: UUID, model: str, *, is_tracker: bool
) -> PairedDevice:
    device_id, token, now = new_id(), new_token("pt_" if is_tracker else "pd_"), clock.real_now()
    session.add(
        Device(
            id=device_id,
            driver_id=driver_id,
            token_hash=keyed_hash(token),
            model=model,
            is_tracker=is_tracker,
            paired_at=now,
            last_seen_at=now,
        )
    )
    return PairedDevice(device_id, driver_id, token)


async def principal_of_device(session: AsyncSession, token: str) -> Principal | None:
    """The driver for whom this phone speaks; None when it was revoked or never paired, or is only
    a tracker."""
    return await _principal_of(session, token, is_tracker=False)


async def principal_of_any_device(session: AsyncSession, token: str) -> Principal | None:
    """The driver for whom this phone speaks or once spoke, whether or not it was revoked, and
    whether or not the driver still works here: only for what such a phone has not sent yet."""
    found = (
        await session.execute(
            select(Device, Person.name)
            .join(Person, Person.id == Device.driver_id)
            .where(Device.token_hash == keyed_hash(token), Device.is_tracker.is_(False))
        )
    ).one_or_none()
    if found is None:
        return None
    device, name = found
    return Principal(
        role=Role.DRIVER,
        person_id=device.driver_id,
        name=name,
        device_id=device.id,
        signed_out_at=device.revoked_at,
    )


async def principal_of_tracker(session: AsyncSession, token: str) -> Principal | None:
    """The driver whose tracker this is; None when it was revoked or never added."""
    return await _principal_of(session, token, is_tracker=True)


async def principal_of_tracker_id(session: AsyncSession, device_id: UUID) -> Principal | None:
    """The same by its id, for those whom somebody else has let in."""
    return await _find_principal(session, Device.id == device_id, is_tracker=True)


async def _principal_of(session: AsyncSession, token: str, *, is_tracker: bool) -> Principal | None:
    has_token = Device.token_hash == keyed_hash(token)
    return await _find_principal(session, has_token, is_tracker=is_tracker)


async def _find_principal(
    session: AsyncSession, which: ColumnElement[bool], *, is_tracker: bool
) -> Principal | None:
    now = clock.real_now()
    found = (
        await session.execute(
            select(Device, Person)
            .join(Person, Person.id == Device.driver_id)
            .where(
                which,
                Device.is_tracker == is_tracker,
                Device.revoked_at.is_(None),
                Person.active,
                Person.role == Role.DRIVER,
            )
        )
    ).one_or_none()
    if found is None:
        return None
    device, driver = found
    if now - device.last_seen_at >= SEEN_EVERY:
        await session.execute(update(Device).where(Device.id == device.id).values(last_seen_at=now))
    return Principal(role=Role.DRIVER, person_id=driver.id, name=driver.name, device_id=device.id)


async def list_devices(
    session: AsyncSession,
    *,
    driver_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> list[DeviceView]:
    """In the order in which they were paired, revoked ones too."""
    query = select(Device).order_by(Device.id).limit(limit)
    if driver_id is not None:
        query = query.where(Device.driver_id == driver_id)
    if after is not None:
        query = query.where(Device.id > after)
    return [
        DeviceView(
            id=row.id,
            driver_id=row.driver_id,
            model=row.model,
            is_tracker=row.is_tracker,
            paired_at=row.paired_at,
            last_seen_at=row.last_seen_at,
            revoked_at=row.revoked_at,
        )
        for row in await session.scalars(query)
    ]


async def revoke_device(session: AsyncSession, device_id: UUID, *, by: str) -> None:
    """Never hear this phone again. A second time changes nothing.

    Raises
    ------
    UnknownDevice
    """
    device = await session.scalar(select(Device).where(Device.id == device_id).with_for_update())
    if device is None:
        raise UnknownDevice(device_id=device_id)
    if device.revoked_at is None:
        await _revoke(session, device, by=by)


async def revoke_devices_of(session: AsyncSession, driver_id: UUID, *, by: str) -> None:
    """Revoke every phone of this person, and every code that could pair one."""
    await _withdraw_codes(session, driver_id)
    query = select(Device).where(Device.driver_id == driver_id, Device.revoked_at.is_(None))
    for device in await session.scalars(query.order_by(Device.id).with_for_update()):
        await _revoke(session, device, by=by)


async def revoked_devices(session: AsyncSession, device_ids: Collection[UUID]) -> set[UUID]:
    """Those of them that were revoked; asked again and again for the phones that are connected."""
    query = select(Device.id).where(is_any(Device.id, device_ids), Device.revoked_at.is_not(None))
    return set(await session.scalars(query))


async def forget_old_codes(session: AsyncSession) -> None:
    await session.execute(delete(PairingCode).where(PairingCode.expires_at <= clock.real_now()))


async def _lock_driver(session: AsyncSession, driver_id: UUID) -> UUID | None:
    """The driver, locked before any code or phone of theirs, so that nobody waits in a circle."""
    return await session.scalar(
        select(Person.id)
        .where(Person.id == driver_id, Person.active, Person.role == Role.DRIVER)
        .with_for_update(key_share=True)
    )


async def _withdraw_codes(session: AsyncSession, driver_id: UUID) -> None:
    await session.execute(
        delete(PairingCode).where(PairingCode.driver_id == driver_id, PairingCode.used_at.is_(None))
    )


async def _revoke(session: AsyncSession, device: Device, *, by: str) -> None:
    device.revoked_at = clock.real_now()
    await record_audit(session, by=by, action="device.revoked", subject=f"device:{device.id}")
    emit(session, DeviceRevoked(device_id=device.id, driver_id=device.driver_id))
