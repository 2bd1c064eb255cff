"""Ports of this machine for servers that we start ourselves."""

import errno
import secrets
import socket
from contextlib import ExitStack

FIRST, LAST = 20_000, 32_000
"""Below those that systems give to whoever asks for any (from 32,768 on Linux): else one of the
many connections of a busy machine may get it between our look and the server's start."""


def free_port(host: str = "127.0.0.1") -> int:
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """So many different ports on which nobody listens now."""
    ports: list[int] = []
    with ExitStack() as probes:
        while len(ports) < count:
            port = FIRST + secrets.randbelow(LAST - FIRST)
            try:
                probes.enter_context(socket.create_server((host, port)))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                ports.append(port)
    return ports
