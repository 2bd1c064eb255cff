"""The background process: a foreground service, so that Android lets it follow the driver."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from driver_app.device.android.bridge import activity, context, java, system
from driver_app.texts import Speaker, find_language

SERVICE = "ServiceTracker"
CHANNEL = "run"
IMPORTANCE_LOW = 2
"""Seen, not heard: it stays all day."""
TYPE_LOCATION = 8
NOTIFICATION_ID = 1
"""Ours replaces the one with which python-for-android has started the service."""
PARTIAL_WAKE_LOCK = 1
AWAKE_MS = 20_000
"""After a position: long enough to send it, too short to be felt in the battery."""


def start_background(folder: Path) -> None:
    """Only while the app is in sight: Android starts no location service from behind."""
    screens = activity()
    service = java(f"{screens.getPackageName()}.{SERVICE}")
    service.start(screens, json.dumps({"folder": str(folder)}))


def find_folder(argument: str) -> Path:
    """The phone's folder, which the screens named; after Android restarted us by itself, nobody
    did, but it is always the same."""
    named = json.loads(argument)["folder"] if argument else None
    return Path(named) if named else home()


def home() -> Path:
    """Where this phone keeps its data: the app's own folder, which no other app can read."""
    folder = Path(context().getFilesDir().getAbsolutePath()) / "phone"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def show_notification(language: str) -> None:
    """In the driver's language, on a channel of its own; a tap opens the app."""
    service, say = context(), Speaker(find_language(language))
    channel = java("android.app.NotificationChannel")(CHANNEL, say("service.run"), IMPORTANCE_LOW)
    system("notification", "android.app.NotificationManager").createNotificationChannel(channel)
    intents = java("android.app.PendingIntent")
    launch = service.getPackageManager().getLaunchIntentForPackage(service.getPackageName())
    opens = intents.getActivity(service, 0, launch, intents.FLAG_IMMUTABLE)
    notification = (
        java("android.app.Notification$Builder")(service, CHANNEL)
        .setContentTitle(say("service.run"))
        .setContentText(say("service.followed"))
        .setContentIntent(opens)
        .setSmallIcon(service.getApplicationInfo().icon)
        .setOngoing(True)
        .build()
    )
    service.startForeground(NOTIFICATION_ID, notification, TYPE_LOCATION)


class WakeLock:
    """Keeps the processor awake for a moment, so that what has just been recorded is also sent."""

    def __init__(self) -> None:
        power = system("power", "android.os.PowerManager")
        self._lock: Any = power.newWakeLock(PARTIAL_WAKE_LOCK, "postrider:send")
        self._lock.setReferenceCounted(False)

    def around(self, heard: Callable[[Any], None]) -> Callable[[Any], None]:
        def awake(reading: Any) -> None:
            self._lock.acquire(AWAKE_MS)
            heard(reading)

        return awake
