"""Small greyscale PNGs without any library: a signature's lines, a desktop camera's stand-in."""

import struct
import zlib
from collections.abc import Sequence

Strokes = Sequence[Sequence[tuple[float, float]]]


def draw_strokes(strokes: Strokes, *, width_px: int = 600, height_px: int = 240) -> bytes:
    """A PNG of lines that are given in shares of the picture from its upper left corner."""
    rows = [bytearray(b"\xff" * width_px) for _ in range(height_px)]
    for stroke in strokes:
        points = [(x * (width_px - 1), y * (height_px - 1)) for x, y in stroke]
        for (x_a, y_a), (x_b, y_b) in zip(points, points[1:] or points, strict=False):
            steps = max(int(max(abs(x_b - x_a), abs(y_b - y_a))), 1)
            for step in range(steps + 1):
                x = round(x_a + (x_b - x_a) * step / steps)
                y = round(y_a + (y_b - y_a) * step / steps)
                for row in rows[max(y - 1, 0) : y + 2]:
                    row[max(x - 1, 0) : x + 2] = bytes(len(row[max(x - 1, 0) : x + 2]))
    return encode_png(rows)


def encode_png(rows: Sequence[bytes | bytearray]) -> bytes:
    """8-bit greyscale; all rows are equally long."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = b"".join(b"\0" + bytes(row) for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )
