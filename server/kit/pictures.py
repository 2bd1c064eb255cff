"""What kind of picture some bytes are, by what they themselves say."""

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
