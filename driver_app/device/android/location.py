"""Positions from Android's own location service, without Google's library."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from driver_app.core.sampling import Sampling
from driver_app.device.android.bridge import PythonJavaClass, java, java_method, sdk, system
from driver_app.device.android.service import WakeLock
from driver_app.device.ports import Reading

FUSED_SINCE_SDK = 31


class Listener(PythonJavaClass):
    """Android calls one method or the other, as its version likes."""

    __javainterfaces__ = ["android/location/LocationListener"]  # noqa: RUF012

    def __init__(self, heard: Callable[[Any], None]) -> None:
        super().__init__()
        self._heard = heard

    @java_method("(Landroid/location/Location;)V")  # type: ignore[untyped-decorator]
    def onLocationChanged(self, location: Any) -> None:  # noqa: N802
        self._heard(location)

    @java_method("(Ljava/util/List;)V", name="onLocationChanged")  # type: ignore[untyped-decorator]
    def on_locations(self, locations: Any) -> None:
        for index in range(locations.size()):
            self._heard(locations.get(index))

    @java_method("(I)V")  # type: ignore[untyped-decorator]
    def onFlushComplete(self, code: int) -> None: ...  # noqa: N802

    @java_method("(Ljava/lang/String;)V")  # type: ignore[untyped-decorator]
    def onProviderEnabled(self, provider: str) -> None: ...  # noqa: N802

    @java_method("(Ljava/lang/String;)V")  # type: ignore[untyped-decorator]
    def onProviderDisabled(self, provider: str) -> None: ...  # noqa: N802

    @java_method("(Ljava/lang/String;ILandroid/os/Bundle;)V")  # type: ignore[untyped-decorator]
    def onStatusChanged(self, provider: str, status: int, extras: Any) -> None: ...  # noqa: N802


class AndroidLocation:
    """Readings come on a thread of their own, never on the main one: a busy interpreter there would
    be an app that does not answer."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._manager: Any = None
        self._threads: Any = None

    def start(self, sampling: Sampling, heard: Callable[[Reading], None]) -> None:
        self.stop()
        if self._manager is None:
            self._manager = system("location", "android.location.LocationManager")
            self._threads = java("java.util.concurrent.Executors").newSingleThreadExecutor()
            self._thread = java("android.os.HandlerThread")("positions")
            self._thread.start()
            self._awake = WakeLock()
        hear = self._awake.around(heard)
        # Kept here: Java alone does not keep a listener that is written in Python.
        self._listener = Listener(lambda location: hear(read_location(location)))
        interval_ms = sampling.interval_s * 1000
        if sdk() >= FUSED_SINCE_SDK and self._manager.hasProvider("fused"):
            request = (
                java("android.location.LocationRequest$Builder")(interval_ms)
                .setQuality(java("android.location.LocationRequest").QUALITY_HIGH_ACCURACY)
                .setMaxUpdateDelayMillis(sampling.batch_s * 1000)
                .build()
            )
            self._manager.requestLocationUpdates("fused", request, self._threads, self._listener)
        else:
            self._manager.requestLocationUpdates(
                "gps", interval_ms, 0.0, self._listener, self._thread.getLooper()
            )

    def stop(self) -> None:
        if self._listener is not None:
            self._manager.removeUpdates(self._listener)
            self._listener = None


def read_location(location: Any) -> Reading:
    """The time is told by the phone's clock, right or wrong, as for everything that the phone says:
    the server knows how wrong that is. The GPS has a clock of its own."""
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - location.getElapsedRealtimeNanos() / 1e9
    return Reading(
        lon=location.getLongitude(),
        lat=location.getLatitude(),
        accuracy_m=location.getAccuracy(),
        taken_at=datetime.now(UTC) - timedelta(seconds=max(age_s, 0.0)),
        speed_mps=location.getSpeed() if location.hasSpeed() else None,
        heading_deg=location.getBearing() if location.hasBearing() else None,
    )
