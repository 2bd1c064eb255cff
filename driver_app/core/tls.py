"""TLS to the server: as the phone's authorities say, or to the one key that the pairing link names.

A pin is the SHA-256 of the public key in the server's certificate, in URL-safe base64 without
padding. With a pin the key alone decides: who renews the certificate keeps it, who lies in between
with a certificate that some authority gave away has another, and a server with a certificate of its
own needs no authority at all. The key is looked at before the first byte of ours is sent.
"""

import base64
import hashlib
import ssl

PIN_CHARACTERS = 43


class WrongKey(ssl.SSLError):
    """Whoever answered is not the server with which this phone was paired."""


def make_tls(pin: str | None) -> ssl.SSLContext:
    """For http.client and for websockets alike."""
    if pin is None:
        return ssl.create_default_context()
    wanted = pin

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            _require_key(self.getpeercert(binary_form=True), wanted)

    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            _require_key(self.getpeercert(binary_form=True), wanted)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = PinnedSocket
    context.sslobject_class = PinnedObject
    return context


def read_pin(certificate: bytes) -> str:
    """The pin of a certificate in DER."""
    digest = hashlib.sha256(_find_public_key(certificate)).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _require_key(certificate: bytes | None, pin: str) -> None:
    if certificate is None or read_pin(certificate) != pin:
        raise WrongKey("the server's key is not the one that the pairing link named")


def _find_public_key(certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo, whole: the sixth part of what is signed, after the version."""
    try:
        parts = _parts(_content(_parts(_content(certificate))[0]))
        version = 1 if parts[0][0] == 0xA0 else 0
        return parts[version + 5]
    except IndexError as error:
        raise WrongKey("this is not a certificate") from error


def _content(element: bytes) -> bytes:
    return element[_header_size(element) :]


def _parts(content: bytes) -> list[bytes]:
    found = []
    while content:
        size = _header_size(content) + _content_size(content)
        found.append(content[:size])
        content = content[size:]
    return found


def _header_size(element: bytes) -> int:
    return 2 + (element[1] & 0x7F if element[1] & 0x80 else 0)


def _content_size(element: bytes) -> int:
    if element[1] & 0x80:
        return int.from_bytes(element[2 : _header_size(element)])
    return element[1]
