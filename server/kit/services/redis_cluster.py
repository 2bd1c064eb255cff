"""A Redis Cluster of this machine, from the same program as the one Redis: to try and to test what
a company runs on several machines."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from server.kit.ports import free_ports
from server.kit.services.binaries import Binaries
from server.kit.services.errors import StartFailed

SLOTS = 16_384
READY_WITHIN_S = 20.0


class Node:
    """One of them. It keeps its own name and its slots, and no data."""

    def __init__(self, command: Sequence[str | Path], environ: dict[str, str]) -> None:
        self._command = command
        self._environ = {**os.environ, **environ}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, env=self._environ, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class RedisCluster:
    """url: as REDIS_URL takes it."""

    url: str = field(repr=False)
    nodes: list[Node]


@contextmanager
def running_cluster(home: Path, binaries: Binaries, *, nodes: int = 3) -> Iterator[RedisCluster]:
    """So many masters without replicas, each with its part of the slots; nothing is kept."""
    password = secrets.token_hex(16)
    ports = free_ports(2 * nodes)
    serving, gossip = ports[:nodes], ports[nodes:]
    started: list[Node] = []
    try:
        for port, bus in zip(serving, gossip, strict=True):
            folder = home / str(port)
            folder.mkdir(parents=True, mode=0o700)
            settings = folder / "redis.conf"
            settings.touch(mode=0o600)
            settings.write_text(
                f'bind 127.0.0.1\nport {port}\ncluster-port {bus}\ndir "{folder}"\n'
                f"requirepass {password}\nmasterauth {password}\ncluster-enabled yes\n"
                'cluster-node-timeout 2000\nsave ""\nappendonly no\n'
            )
            started.append(Node([binaries.redis, settings], binaries.environ))
        _join(password, serving, gossip)
        hosts = ",".join(f"127.0.0.1:{port}" for port in serving)
        yield RedisCluster(f"redis+cluster://:{password}@{hosts}", started)
    finally:
        for node in started:
            node.kill()


def _join(password: str, ports: Sequence[int], gossip: Sequence[int]) -> None:
    """Give each node its slots, let them meet, and wait until all know of all."""
    deadline = time.monotonic() + READY_WITHIN_S
    for number, port in enumerate(ports):
        first, last = number * SLOTS // len(ports), (number + 1) * SLOTS // len(ports) - 1
        while not _tell(port, password, f"CLUSTER ADDSLOTSRANGE {first} {last}").startswith("+OK"):
            _go_on(deadline)
        if number:
            _tell(port, password, f"CLUSTER MEET 127.0.0.1 {ports[0]} {gossip[0]}")
    while not all(_is_ready(port, password, len(ports)) for port in ports):
        _go_on(deadline)


def _is_ready(port: int, password: str, nodes: int) -> bool:
    said = _tell(port, password, "CLUSTER INFO")
    return "cluster_state:ok" in said and f"cluster_known_nodes:{nodes}" in said


def _go_on(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise StartFailed("Redis Cluster", "its nodes do not find each other")
    time.sleep(0.02)


def _tell(port: int, password: str, command: str) -> str:
    """What a node answers; nothing when it is not there yet."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(f"AUTH {password}\r\n{command}\r\n".encode())
            said = b""
            while said.count(b"\r\n") < 2:
                if not (more := connection.recv(65_536)):
                    break
                said += more
            if said.partition(b"\r\n")[2].startswith(b"$"):
                length = int(said.partition(b"$")[2].partition(b"\r\n")[0])
                while len(said.partition(b"$")[2].partition(b"\r\n")[2]) < length:
                    said += connection.recv(65_536)
            return said.partition(b"\r\n")[2].decode()
    except OSError:
        return ""
