"""Which requests of a browser count: it sends its cookie whatever page asked for it, so a cookie
counts for changes and for sockets only when the request comes from one of our own pages."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from server.kit.errors import Forbidden

SESSION_COOKIE = "postrider_session"


class ForeignPage(Forbidden):
    """This request comes from a page of another site. Use Postrider's own pages."""

    code = "identity.foreign_page"


class PasswordMustChange(Forbidden):
    """Change your one-time password first: POST /api/me/password."""

    code = "identity.password_must_change"


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def refuse_foreign_page(
    headers: Mapping[str, str], own_origin: str, *, says_where: bool = False
) -> None:
    """Programs send neither header; browsers send Origin with every change and socket.

    says_where: refuse also who does not say from which page it comes.

    Raises
    ------
    ForeignPage
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForeignPage
    origin = headers.get("origin")
    if origin is None:
        if says_where:
            raise ForeignPage
    elif origin != own_origin and origin.partition("://")[2] != headers.get("host"):
        raise ForeignPage
