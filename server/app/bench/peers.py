"""Others with a task like ours, to compare with: Mosquitto from the packages of Debian or Ubuntu,
and Socket.IO with its Redis adapter from npm. Both are put into the cache folder, not the system.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.app.bench.live_machine import SOURCES
from server.app.bench.node_packages import NotInstalled, install_packages, node
from server.kit.services.debian import fetch_program
from server.kit.services.errors import ServicesError

MOSQUITTO = "usr/sbin/mosquitto"
SOCKETIO = SOURCES / "socketio"


class PeerMissing(Exception):
    """The peer cannot be installed here."""


@dataclass(frozen=True, slots=True)
class Peer:
    """How to start it, listening at `port` of 127.0.0.1."""

    command: Sequence[str]
    environ: dict[str, str] = field(default_factory=dict)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "postrider"


async def prepare_mosquitto(folder: Path, port: int, say: Callable[[str], None]) -> Peer:
    """With QoS 1 kept in memory only. folder: for its configuration.

    Raises
    ------
    PeerMissing
    """
    try:
        program = await asyncio.to_thread(fetch_program, _cache(), "mosquitto", MOSQUITTO, say)
    except ServicesError as error:
        raise PeerMissing(f"apt-get install mosquitto ({error})") from error
    settings = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence false",
        "set_tcp_nodelay true",
        "max_queued_messages 0",
        "log_type error",
        *(["user root"] if os.geteuid() == 0 else []),
    ]
    (folder / "mosquitto.conf").write_text("\n".join([*settings, ""]))
    return Peer([str(program.path), "-c", str(folder / "mosquitto.conf")], program.environ)


async def prepare_socketio(port: int, redis_url: str, say: Callable[[str], None]) -> Peer:
    """
    Raises
    ------
    PeerMissing
    """
    try:
        folder = await asyncio.to_thread(install_packages, SOCKETIO, say)
        shutil.copy(SOCKETIO / "server.js", folder)
    except (NotInstalled, ImportError) as error:
        raise PeerMissing(str(error)) from error
    return Peer(
        [str(node()), str(folder / "server.js")], {"PORT": str(port), "REDIS_URL": redis_url}
    )
