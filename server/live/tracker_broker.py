"""OwnTracks by MQTT: a broker that the company runs, heard by one worker at a time.

Who a message is from is in its topic, `owntracks/{device id}/...`: the broker lets a tracker write
nowhere else (docs/trackers.md has the lines for that). A message is acknowledged once it is stored,
so the broker keeps what comes while the database is away.
"""

import asyncio
import logging
from uuid import UUID

from server.identity import service as identity
from server.kit.db import AWAY, Database
from server.kit.errors import PostriderError
from server.kit.logs import begin_trace
from server.kit.mqtt import BrokerAway, Listener, Message
from server.live.owntracks import read_owntracks
from server.live.tracker_report import Report
from server.live.trackers import keep_report

log = logging.getLogger(__name__)

TOPIC = "owntracks/+/+"
"""Locations. What OwnTracks says of regions, cards and commands lies one level deeper."""

OUR_NAME = "postrider"
RETRY_S = 5.0


async def hear_trackers(db: Database, url: str) -> None:
    """Hear the broker, and keep what trackers say. Runs until cancelled; several may be started,
    one of them does it."""
    while True:
        try:
            async with db.exclusive("trackers' broker") as mine:
                if mine:
                    async with Listener.open(url, name=OUR_NAME, topics=[TOPIC]) as broker:
                        log.info("trackers are heard by their broker")
                        while True:
                            message = await broker.hear()
                            await take(db, message)
                            await broker.acknowledge(message)
        except BrokerAway as error:
            log.warning("the trackers' broker cannot be heard; trying again: %s", error)
        except AWAY as error:
            log.warning("trackers wait at their broker until the database is back: %s", error)
        await asyncio.sleep(RETRY_S)


async def take(db: Database, message: Message) -> None:
    """Keep one message. What can never be used is told of and passed over: it would come again."""
    begin_trace()
    device_id = _device_id(message.topic)
    if message.body is None or device_id is None:
        log.warning("passed over what is no message of a tracker, at %.200r", message.topic)
        return
    try:
        report = read_owntracks(message.body)
        if report == Report():
            return
        async with db.transaction() as session:
            tracker = await identity.principal_of_tracker_id(session, device_id)
            if tracker is None:
                log.warning("passed over a message of a tracker that is not ours: %s", device_id)
                return
            await keep_report(session, tracker, report)
    except PostriderError as refusal:
        log.warning("passed over a message of tracker %s: %s", device_id, refusal)


def _device_id(topic: str) -> UUID | None:
    _, _, rest = topic.partition("/")
    try:
        return UUID(rest.partition("/")[0])
    except ValueError:
        return None
