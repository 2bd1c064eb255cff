"""What kind of picture some bytes are, by what they themselves say."""

from litestar import Response

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"


def picture_type(content: bytes) -> str | None:
    """A media type that browsers may be shown; None for everything else. A name or a header may
    say anything, the bytes are what is drawn."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WEBP
    return None


def show_picture(content: bytes) -> Response[bytes]:
    """To somebody who may see it and nobody else; what is no picture is only ever saved, for a
    browser that showed it might run it."""
    kind = picture_type(content)
    headers = {
        "Content-Disposition": "inline" if kind else "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=kind or "application/octet-stream", headers=headers)
