"""What the phone allows, where that is put right, and how the phone is doing."""

import shutil
from pathlib import Path
from typing import Any, Literal

from driver_app.device.android.bridge import activity, context, java, sdk, system
from driver_app.device.ports import STORAGE_NEEDED_BYTES, Permission
from server.protocol.from_driver import Heartbeat

GRANTED = 0
FINE = "android.permission.ACCESS_FINE_LOCATION"
COARSE = "android.permission.ACCESS_COARSE_LOCATION"
BACKGROUND = "android.permission.ACCESS_BACKGROUND_LOCATION"
CAMERA = "android.permission.CAMERA"
NOTIFY = "android.permission.POST_NOTIFICATIONS"
NOTIFY_ASKED_SINCE_SDK = 33
ASKED = 77
"""Under this number Android would tell the answer; we look again instead."""
CAPACITY = 4
"""BatteryManager.BATTERY_PROPERTY_CAPACITY"""
WIFI, CELLULAR = 1, 0


class AndroidChecks:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked: set[str] = set()

    def is_allowed(self, permission: Permission) -> bool:
        match permission:
            case "location":
                return _has(FINE) and _has(BACKGROUND)
            case "gps":
                manager = system("location", "android.location.LocationManager")
                return bool(manager.isLocationEnabled())
            case "notifications":
                manager = system("notification", "android.app.NotificationManager")
                return bool(manager.areNotificationsEnabled())
            case "battery":
                power = system("power", "android.os.PowerManager")
                return bool(power.isIgnoringBatteryOptimizations(context().getPackageName()))
            case "camera":
                return _has(CAMERA)
            case "storage":
                return self.free_storage_bytes() >= STORAGE_NEEDED_BYTES
            case "clock":
                settings = java("android.provider.Settings$Global")
                return bool(settings.getInt(context().getContentResolver(), "auto_time", 0))

    def fix(self, permission: Permission) -> None:
        """Ask for it, or open the page of the phone's settings where it is put right. Android asks
        only once or twice; after that only its settings help."""
        match permission:
            case "location" if not _has(FINE):
                self._ask(FINE, COARSE)
            case "location":
                # Must be asked for alone, after the other one.
                self._ask(BACKGROUND)
            case "camera":
                self._ask(CAMERA)
            case "notifications" if sdk() >= NOTIFY_ASKED_SINCE_SDK:
                self._ask(NOTIFY)
            case "notifications":
                _open_app_settings()
            case "gps":
                _open("android.settings.LOCATION_SOURCE_SETTINGS")
            case "battery":
                _open("android.settings.REQUEST_IGNORE_BATTERY_OPTIMIZATIONS", _our_package())
            case "storage":
                _open("android.settings.INTERNAL_STORAGE_SETTINGS")
            case "clock":
                _open("android.settings.DATE_SETTINGS")

    def free_storage_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free

    def read_health(self) -> Heartbeat:
        power = system("power", "android.os.PowerManager")
        battery = system("batterymanager", "android.os.BatteryManager")
        level = int(battery.getIntProperty(CAPACITY))
        return Heartbeat(
            battery_percent=level if 0 <= level <= 100 else None,
            charging=bool(battery.isCharging()),
            network=_read_network(),
            gps=self._read_gps(),
            battery_saver=bool(power.isPowerSaveMode()),
        )

    def _read_gps(self) -> Literal["on", "off", "denied"]:
        if not self.is_allowed("location"):
            return "denied"
        return "on" if self.is_allowed("gps") else "off"

    def _ask(self, *permissions: str) -> None:
        if permissions[0] in self._asked:
            _open_app_settings()
            return
        self._asked.add(permissions[0])
        activity().requestPermissions(list(permissions), ASKED)


def _has(permission: str) -> bool:
    return bool(context().checkSelfPermission(permission) == GRANTED)


def _read_network() -> Literal["wifi", "cellular", "none", "unknown"]:
    manager = system("connectivity", "android.net.ConnectivityManager")
    able = manager.getNetworkCapabilities(manager.getActiveNetwork())
    if able is None:
        return "none"
    if able.hasTransport(WIFI):
        return "wifi"
    return "cellular" if able.hasTransport(CELLULAR) else "unknown"


def _our_package() -> Any:
    return java("android.net.Uri").parse(f"package:{context().getPackageName()}")


def _open_app_settings() -> None:
    _open("android.settings.APPLICATION_DETAILS_SETTINGS", _our_package())


def _open(action: str, about: Any = None) -> None:
    intent = java("android.content.Intent")(action)
    if about is not None:
        intent.setData(about)
    activity().startActivity(intent)
