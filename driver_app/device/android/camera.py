"""Photos, scanning, calls, maps: what other apps of the phone do for this one, and hand back."""

import logging
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from driver_app.device.android.bridge import JavaException, activity, cast, in_thread, java
from driver_app.device.ports import Shot

log = logging.getLogger(__name__)

FULL_EDGE_PX, FULL_JPEG_PERCENT = 2560, 85
SMALL_EDGE_PX, SMALL_JPEG_PERCENT = 1024, 70
OK = -1
SCANNER = "com.journeyapps.barcodescanner.CaptureActivity"
SCAN = "com.google.zxing.client.android.SCAN"
DEGREES_OF_ORIENTATION = {3: 180, 6: 90, 8: 270}
"""What EXIF says about how the phone was held."""

Answered = Callable[[Any], None]


class Errands:
    """Starts other apps and waits for what they bring back."""

    def __init__(self) -> None:
        self._numbers = count(4100)
        self._waiting: dict[int, Answered] = {}

    def listen(self) -> None:
        from android import activity as results  # noqa: PLC0415

        results.bind(on_activity_result=self._hear)

    def send(self, intent: Any, answered: Answered) -> None:
        """answered: gets the intent that came back, None when the driver went back."""
        number = next(self._numbers)
        self._waiting[number] = answered
        try:
            activity().startActivityForResult(intent, number)
        except JavaException as error:
            log.warning("no app for this: %s", error)
            self._waiting.pop(number)(None)

    def _hear(self, number: int, result: int, data: Any) -> None:
        answered = self._waiting.pop(number, None)
        if answered is not None:
            # A camera that wrote to our place may bring back no intent at all.
            answered((data or java("android.content.Intent")()) if result == OK else None)


class AndroidCamera:
    """The phone's own camera app, which knows its lens, its flash and the dark."""

    def __init__(self, folder: Path, errands: Errands) -> None:
        self._folder = folder
        self._errands = errands

    def take(self, taken: Callable[[Shot | None], None]) -> None:
        resolver = activity().getContentResolver()
        media = java("android.provider.MediaStore$Images$Media")
        values = java("android.content.ContentValues")()
        values.put("mime_type", "image/jpeg")
        place = resolver.insert(media.EXTERNAL_CONTENT_URI, values)
        intent = java("android.content.Intent")("android.media.action.IMAGE_CAPTURE")
        intent.putExtra("output", cast("android.os.Parcelable", place))

        def answered(data: Any) -> None:
            in_thread(lambda: taken(self._fetch(resolver, place) if data else None))

        self._errands.send(intent, answered)

    def _fetch(self, resolver: Any, place: Any) -> Shot | None:
        """The photo, upright, in two sizes; nothing stays in the gallery."""
        try:
            turn = float(_read_turn(resolver, place))
            stream = resolver.openInputStream(place)
            found = java("android.graphics.BitmapFactory").decodeStream(stream)
            stream.close()
            if found is None:
                return None
            full = self._folder / f"photo-{uuid4().hex}.jpg"
            small = full.with_stem(f"{full.stem}-small")
            _write_jpeg(found, full, turn, FULL_EDGE_PX, FULL_JPEG_PERCENT)
            _write_jpeg(found, small, turn, SMALL_EDGE_PX, SMALL_JPEG_PERCENT)
            return Shot(full, small)
        except JavaException as error:
            log.warning("the photo could not be read: %s", error)
            return None
        finally:
            resolver.delete(place, None, None)


def _write_jpeg(found: Any, path: Path, turn: float, edge_px: int, percent: int) -> None:
    width, height = found.getWidth(), found.getHeight()
    upright = java("android.graphics.Matrix")()
    upright.postRotate(turn)
    share = min(1.0, edge_px / max(width, height))
    upright.postScale(share, share)
    made = java("android.graphics.Bitmap").createBitmap(found, 0, 0, width, height, upright, True)
    out = java("java.io.FileOutputStream")(str(path))
    made.compress(java("android.graphics.Bitmap$CompressFormat").JPEG, percent, out)
    out.close()


def _read_turn(resolver: Any, place: Any) -> int:
    stream = resolver.openInputStream(place)
    try:
        tags = java("android.media.ExifInterface")(stream)
        return DEGREES_OF_ORIENTATION.get(tags.getAttributeInt("Orientation", 1), 0)
    finally:
        stream.close()


class AndroidScanner:
    """The scanner that is built into the APK (zxing-android-embedded)."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands

    def scan(self, scanned: Callable[[str | None], None]) -> None:
        intent = java("android.content.Intent")(SCAN)
        intent.setClassName(activity().getPackageName(), SCANNER)
        intent.putExtra("PROMPT_MESSAGE", "")
        intent.putExtra("BEEP_ENABLED", True)
        self._errands.send(
            intent, lambda data: scanned(data.getStringExtra("SCAN_RESULT") if data else None)
        )


class OtherApps:
    """Hands over to them and does not wait."""

    def navigate(self, lon: float, lat: float, name: str) -> None:
        """To the map app's own navigation; a map app that has none shows the place."""
        here = f"{lat:.6f},{lon:.6f}"
        if not self._view("android.intent.action.VIEW", f"google.navigation:q={here}"):
            self._view("android.intent.action.VIEW", f"geo:{here}?q={here}({quote(name)})")

    def call(self, number: str) -> None:
        """The number is dialled, not called: the driver presses the button."""
        self._view("android.intent.action.DIAL", f"tel:{quote(number)}")

    def write(self, number: str) -> None:
        self._view("android.intent.action.SENDTO", f"smsto:{quote(number)}")

    def share(self, file: Path) -> None:
        intent = java("android.content.Intent")("android.intent.action.SEND")
        intent.setType("text/plain")
        intent.putExtra("android.intent.extra.TEXT", file.read_text())
        chooser = java("android.content.Intent").createChooser(intent, None)
        activity().startActivity(chooser)

    def _view(self, action: str, uri: str) -> bool:
        intent = java("android.content.Intent")(action, java("android.net.Uri").parse(uri))
        try:
            activity().startActivity(intent)
        except JavaException as error:
            log.warning("no app for %s: %s", uri.split(":", 1)[0], error)
            return False
        return True
