"""What these tests rely on: a stopped server is nobody's, and comes back where it was."""

import errno
import socket

import pytest

from tests.driver_app.reference_server import ReferenceServer


async def test_stopped_server_refuses_who_comes_and_nobody_else_gets_its_place(
    server: ReferenceServer,
) -> None:
    place = ("127.0.0.1", server.port)
    with socket.create_connection(place):
        pass
    for _ in range(3):
        await server.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place)
        # As a connection on its way out would take it.
        with socket.socket() as other, pytest.raises(OSError) as taken:
            other.bind(place)
        assert taken.value.errno == errno.EADDRINUSE
        await server.start()
        with socket.create_connection(place):
            pass
