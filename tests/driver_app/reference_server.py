"""The smallest server that keeps the promises of the wire, over real TCP, with faults on request.

It is the phone's counterpart in these tests: it dedupes commands by id, stores fixes by seq, takes
files by hash. What it received is plain data to assert on.
"""

import asyncio
import hashlib
import json
import logging
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from driver_app.core.outbox import list_files
from server.protocol.codec import MalformedFrame, decode, decode_batch, encode, encode_batch
from server.protocol.envelope import COMMANDS, Envelope
from server.protocol.from_driver import Fix, Fixes, Heartbeat, Hello, ManifestReceived
from server.protocol.to_driver import BLOB_MISSING, Ack, Manifest, Reject

_quiet = logging.getLogger("reference_server")
_quiet.setLevel(logging.WARNING)


@dataclass
class Account:
    """All that the server holds for one driver's phone."""

    token: str
    manifest: Manifest
    revoked: bool = False
    effects: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, Reject] = field(default_factory=dict)
    fixes: dict[int, Fix] = field(default_factory=dict)
    confirmed: list[int] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)
    heartbeats: list[Heartbeat] = field(default_factory=list)
    repeats: int = 0
    last_words: dict[str, Any] = field(default_factory=dict)
    """What it handed in after it was revoked."""
    wiped_with: list[int] = field(default_factory=list)
    """How many acts were lost, each time that the phone said that it wipes itself."""


@dataclass
class Faults:
    """lose_answers: so many requests take effect, then the connection breaks instead of answering.
    fail_requests: so many requests break before they take effect.
    reject: codes for the next new commands.
    stumble_over: ids of commands and hashes of files that are answered by 500.
    break_uploads_after: so many bytes of the next files that come in parts, then nothing.
    """

    refuse_sockets: bool = False
    swallow_sockets: bool = False
    login_page: bool = False
    fail_requests: int = 0
    lose_answers: int = 0
    lose_blobs: int = 0
    damage_uploads: int = 0
    break_uploads_after: list[int] = field(default_factory=list)
    upload_status: int | None = None
    reject: list[str] = field(default_factory=list)
    refuse_hello: bool = False
    bad_fixes: set[int] = field(default_factory=set)
    stumble_over: set[str] = field(default_factory=set)
    ack_too_far: int = 0
    last_words_over: bool = False


class Lost(Exception):
    """Break the connection now."""


class ReferenceServer:
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.blobs: dict[str, bytes] = {}
        self.doors: dict[str, bytes] = {}
        self.halves: dict[str, bytearray] = {}
        self.begun_at: dict[str, list[int]] = {}
        """For each file that came in parts, where each part began."""
        self.begun_anew = 0
        """Files that went from zero again after half of them had arrived."""
        self.faults = Faults()
        self.requests: list[str] = []
        self.codes: dict[str, str] = {}
        # Never listening, so that who comes while the server is stopped is refused; but no other,
        # not even a connection on its way out, gets the port until the server is there again.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port: int = self._reserved.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._sockets: dict[asyncio.StreamWriter, tuple[str, ServerProtocol]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = (f"answer-{number}" for number in count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self.accept, "127.0.0.1", self.port, reuse_address=True
        )

    async def stop(self) -> None:
        """No network any more: nobody listens, and every open connection breaks."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server = None

    async def close(self) -> None:
        """For good; the port is free for others."""
        await self.stop()
        self._reserved.close()

    def add_driver(self, token: str, manifest: Manifest) -> Account:
        account = self.accounts[token] = Account(token=token, manifest=manifest)
        return account

    def push(self, account: Account, body: Any) -> None:
        """Say something unasked through every open socket of this driver."""
        for writer, (token, protocol) in self._sockets.items():
            if token == account.token:
                protocol.send_text(encode(self._wrap(body)).encode())
                _flush(protocol, writer)

    def revoke(self, account: Account) -> None:
        account.revoked = True
        for writer, (token, protocol) in list(self._sockets.items()):
            if token == account.token:
                protocol.send_close(4401, "revoked")
                _flush(protocol, writer)

    # One connection

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            method, path, _ = lines[0].split(" ")
            headers = {
                name.lower(): value
                for name, value in (line.split(": ", 1) for line in lines[1:] if line)
            }
            self.requests.append(f"{method} {path}")
            if headers.get("upgrade", "").lower() == "websocket":
                await self._serve_socket(head, headers, reader, writer)
                return
            size = int(headers.get("content-length", 0))
            if method == "PATCH":
                body = await self._read_part(path, size, reader)
            else:
                body = await reader.readexactly(size)
            status, content_type, answer = self._handle(method, path, headers, body)
            writer.write(
                f"HTTP/1.1 {status} -\r\nContent-Type: {content_type}\r\n"
                f"Content-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode()
                + answer
            )
            await writer.drain()
            writer.close()
        except (Lost, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._sockets.pop(writer, None)
            if not writer.is_closing():
                writer.transport.abort()

    async def _read_part(self, path: str, size: int, reader: asyncio.StreamReader) -> bytes:
        """What arrives is kept at once, also when the connection breaks in the middle."""
        url = urlsplit(path)
        sha256, offset = url.path.rpartition("/")[2], int(parse_qs(url.query)["offset"][0])
        if sha256 in self.blobs:
            await reader.readexactly(size)
            return self.blobs[sha256]
        half = self.halves.setdefault(sha256, bytearray())
        assert offset <= len(half), "the phone left something out"
        self.begun_at.setdefault(sha256, []).append(offset)
        if offset == 0 and len(half) > int(parse_qs(url.query)["size"][0]) / 2:
            self.begun_anew += 1
        breaks_at = self.faults.break_uploads_after
        left = min(size, breaks_at.pop(0)) if breaks_at else size
        size -= left
        while left and (data := await reader.read(min(left, 65536))):
            half[offset : offset + len(data)] = data
            offset += len(data)
            left -= len(data)
        if left or size:
            raise Lost
        return bytes(half)

    async def _serve_socket(
        self,
        head: bytes,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        protocol = ServerProtocol(logger=_quiet)
        protocol.receive_data(head)
        (request,) = protocol.events_received()
        account = self._account(headers)
        if self.faults.refuse_sockets or account is None:
            protocol.send_response(protocol.reject(403, ""))
            _flush(protocol, writer)
            writer.close()
            return
        protocol.send_response(protocol.accept(request))
        _flush(protocol, writer)
        self._sockets[writer] = (account.token, protocol)
        while data := await reader.read(65536):
            if self.faults.swallow_sockets:
                continue
            protocol.receive_data(data)
            for event in protocol.events_received():
                assert isinstance(event, Frame)
                if event.opcode in (Opcode.TEXT, Opcode.BINARY):
                    envelope = decode(bytes(event.data))
                    self._break_before()
                    for answer in self._act(account, envelope, always_manifest=True):
                        protocol.send_text(encode(answer).encode())
                    self._break_after(envelope)
            _flush(protocol, writer)

    # HTTP

    def _handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        path = urlsplit(path).path
        if self.faults.login_page:
            return 200, "text/html; charset=utf-8", b"<h1>Free Wi-Fi</h1>"
        if path == "/api/driver/pair":
            return self._pair(json.loads(body))
        if path.startswith("/api/driver/last-words"):
            return self._hear_last_words(path, headers, body)
        account = self._account(headers)
        if account is None:
            return _problem(401, "identity.unknown_device", "This phone was revoked.")
        self._break_before()
        if path == "/api/driver/envelopes":
            return self._post(account, body)
        if path.startswith("/api/driver/doors/"):
            photo = self.doors.get(path.rpartition("/")[2])
            if photo is None:
                return _problem(404, "live.unknown_door", "No door in your run.")
            return 200, "application/octet-stream", photo
        parts = path.removeprefix("/api/driver/blobs/").split("/")
        if parts[1:] == ["received"]:
            received = len(self.blobs.get(parts[0]) or self.halves.get(parts[0], b""))
            return 200, "application/json", json.dumps({"received_bytes": received}).encode()
        assert method in ("PUT", "PATCH") and len(parts) == 1
        return self._put(parts[0], body)

    def _pair(self, given: dict[str, str]) -> tuple[int, str, bytes]:
        token = self.codes.pop(given["code"], None)
        if token is None:
            return _problem(404, "identity.unknown_code", "This code is wrong or has expired.")
        answer = {"device_id": f"device-{token}", "driver_id": f"driver-{token}", "token": token}
        return 201, "application/json", json.dumps(answer).encode()

    def _post(self, account: Account, body: bytes) -> tuple[int, str, bytes]:
        answers: list[Envelope] = []
        for index, item in enumerate(decode_batch(body)):
            assert not isinstance(item, MalformedFrame), item
            assert isinstance(item.body, Hello) == (index == 0)
            if item.id in self.faults.stumble_over:
                return _problem(500, "server.fault", "The server stumbled.")
            answers.extend(self._act(account, item, always_manifest=False))
        self._break_after(None)
        return 200, "application/json", encode_batch(answers).encode()

    def _put(self, sha256: str, body: bytes) -> tuple[int, str, bytes]:
        if self.faults.upload_status is not None:
            return _problem(self.faults.upload_status, "blobs.refused", "This file is too large.")
        if sha256 in self.faults.stumble_over:
            return _problem(500, "server.fault", "The server stumbled.")
        if self.faults.damage_uploads:
            self.faults.damage_uploads -= 1
            body = body[:-1]
        self.halves.pop(sha256, None)
        if hashlib.sha256(body).hexdigest() != sha256:
            return _problem(422, "blobs.wrong_hash", "The file is not what its name says.")
        known = sha256 in self.blobs
        self.blobs[sha256] = body
        self._break_after(None)
        return (200 if known else 201), "application/json", b"{}"

    # Last words

    def _hear_last_words(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        account = self.accounts.get(headers.get("authorization", "").removeprefix("Bearer "))
        if account is None:
            return _problem(401, "unauthenticated", "Nobody knows this phone.")
        if not account.revoked:
            return _problem(409, "live.not_signed_out", "Send as usual.")
        self._break_before()
        said = path.removeprefix("/api/driver/last-words").strip("/").split("/")
        if said == ["end"]:
            account.wiped_with.append(json.loads(body)["lost"])
            self._break_after(None)
            return 204, "application/json", b""
        if self.faults.last_words_over or account.wiped_with:
            return _problem(410, "live.last_words_over", "Nothing more is taken.")
        if said[0] == "blobs" and said[2:] == ["received"]:
            received = len(self.blobs.get(said[1]) or self.halves.get(said[1], b""))
            return 200, "application/json", json.dumps({"received_bytes": received}).encode()
        if said[0] == "blobs":
            return self._put(said[1], body)
        answers = []
        for item in decode_batch(body) if body else ():
            assert isinstance(item, Envelope) and type(item.body) in COMMANDS, item
            answer = self._obey(account, item)
            if isinstance(answer.body, Ack):
                account.last_words[item.id] = item.body
            answers.append(answer)
        if body:
            self._break_after(None)
        return 200, "application/json", encode_batch(answers).encode()

    # Frames

    def _act(
        self, account: Account, envelope: Envelope, *, always_manifest: bool
    ) -> list[Envelope]:
        match envelope.body:
            case Hello() as hello:
                account.hellos.append(hello)
                if self.faults.refuse_hello:
                    return [self._reject(envelope, "live.app_too_old", "Update the app to go on.")]
                newer = account.manifest.version > hello.manifest_version
                return [self._wrap(account.manifest)] if newer or always_manifest else []
            case Fixes(fixes=fixes):
                return [self._store(account, envelope, fixes)]
            case ManifestReceived(version=version):
                account.confirmed.append(version)
                return []
            case Heartbeat() as heartbeat:
                account.heartbeats.append(heartbeat)
                return []
            case body:
                assert type(body) in COMMANDS
                return [self._obey(account, envelope)]

    def _store(self, account: Account, envelope: Envelope, fixes: tuple[Fix, ...]) -> Envelope:
        assert 1 <= len(fixes) <= 100
        assert [fix.seq for fix in fixes] == sorted({fix.seq for fix in fixes})
        if self.faults.bad_fixes & {fix.seq for fix in fixes}:
            return self._reject(envelope, "tracking.unusable", "A fix cannot be used.")
        for fix in fixes:
            assert account.fixes.setdefault(fix.seq, fix) == fix, "a seq was used twice"
        return self._wrap(Ack(fixes_through=fixes[-1].seq + self.faults.ack_too_far))

    def _obey(self, account: Account, envelope: Envelope) -> Envelope:
        if envelope.id in account.refused:
            return self._wrap(account.refused[envelope.id])
        if envelope.id in account.effects:
            account.repeats += 1
            assert account.effects[envelope.id] == envelope.body
            return self._wrap(Ack(envelope_ids=(envelope.id,)))
        if self.faults.lose_blobs and list_files(envelope.body):
            self.faults.lose_blobs -= 1
            self.blobs.clear()
        needed = [file.small_sha256 or file.sha256 for file in list_files(envelope.body)]
        if not set(needed) <= set(self.blobs):
            return self._reject(envelope, BLOB_MISSING, "A file of this is not here.", account)
        if self.faults.reject:
            return self._reject(envelope, self.faults.reject.pop(0), "Not possible.", account)
        account.effects[envelope.id] = envelope.body
        return self._wrap(Ack(envelope_ids=(envelope.id,)))

    def _reject(
        self, envelope: Envelope, code: str, message: str, account: Account | None = None
    ) -> Envelope:
        reject = Reject(envelope_id=envelope.id, code=code, message=message)
        if account is not None:
            account.refused[envelope.id] = reject
        return self._wrap(reject)

    def _wrap(self, body: Any) -> Envelope:
        return Envelope(id=next(self._ids), sent_at=datetime.now(UTC), body=body)

    def _account(self, headers: dict[str, str]) -> Account | None:
        account = self.accounts.get(headers.get("authorization", "").removeprefix("Bearer "))
        return None if account is None or account.revoked else account

    def _break_before(self) -> None:
        if self.faults.fail_requests:
            self.faults.fail_requests -= 1
            raise Lost

    def _break_after(self, envelope: Envelope | None) -> None:
        if self.faults.lose_answers and not (envelope and isinstance(envelope.body, Hello)):
            self.faults.lose_answers -= 1
            raise Lost


def _flush(protocol: ServerProtocol, writer: asyncio.StreamWriter) -> None:
    for data in protocol.data_to_send():
        if data:
            writer.write(data)
        else:
            writer.close()


def _problem(status: int, code: str, detail: str) -> tuple[int, str, bytes]:
    problem = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return status, "application/problem+json", json.dumps(problem).encode()
