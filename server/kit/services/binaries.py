"""Finds the programs of PostgreSQL (with PostGIS) and Redis under a root folder.

The root is `/` for the system's own programs and a cache folder for extracted packages.
"""

import os
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EXTENSIONS = ("postgis", "pg_trgm")

# Where distributions put the programs of PostgreSQL, and its share folder seen from there.
_LAYOUTS = (
    ("usr/lib/postgresql/*/bin", "usr/share/postgresql/{version}"),  # Debian, Ubuntu
    ("usr/pgsql-*/bin", "usr/pgsql-{version}/share"),  # PGDG for Fedora and RHEL
    ("usr/libexec/postgresql*", "usr/share/postgresql{version}"),  # Alpine
    ("usr/bin", "usr/share/pgsql"),  # Fedora, RHEL
    ("usr/bin", "usr/share/postgresql"),  # Arch
    ("opt/homebrew/opt/postgresql@*/bin", "opt/homebrew/share/postgresql@{version}"),
    ("usr/local/opt/postgresql@*/bin", "usr/local/share/postgresql@{version}"),
)

_INSTALL = {
    "debian": "sudo apt-get install postgresql-postgis redis-server",
    "fedora": "sudo dnf install postgresql-server postgresql-contrib postgis valkey",
    "rhel": "sudo dnf install postgresql-server postgresql-contrib postgis redis",
    "arch": "sudo pacman -S postgresql postgis valkey",
    "alpine": "sudo apk add postgresql postgresql-contrib postgis redis",
    "macos": "brew install postgresql@17 postgis redis",
}


@dataclass(frozen=True)
class Binaries:
    """The folder of PostgreSQL's programs, the Redis server, and where their libraries are."""

    postgres: Path
    redis: Path
    library_path: str = ""

    @property
    def environ(self) -> dict[str, str]:
        return {"LD_LIBRARY_PATH": self.library_path} if self.library_path else {}


def find_binaries(root: Path, major: str | None = None) -> Binaries | None:
    """The newest PostgreSQL that has our extensions, when a Redis is there too.

    `major` asks for the PostgreSQL that made the data of an existing cluster.
    """
    redis = _find_redis(root)
    candidates = [
        (version, folder)
        for pattern, share in _LAYOUTS
        for folder in root.glob(pattern)
        for version in re.findall(r"\d+(?=/bin$|$)", str(folder)) or [""]
        if (folder / "postgres").exists()
        and major in (None, version)
        and all(
            (root / share.format(version=version) / f"extension/{name}.control").exists()
            for name in EXTENSIONS
        )
    ]
    if not redis or not candidates:
        return None
    _, best = max(candidates, key=lambda found: int(found[0] or 0))
    return Binaries(best, redis, library_path(root))


def install_line(system: Mapping[str, str] | None = None) -> str:
    """The command that installs what is missing on this system, or on the one described."""
    system = read_system() if system is None else system
    for name in [system.get("ID", ""), *system.get("ID_LIKE", "").split()]:
        if line := _INSTALL.get(name):
            return line
    return "install PostgreSQL with PostGIS and contrib, and Redis or Valkey, with your packages"


def read_system() -> Mapping[str, str]:
    """What /etc/os-release says, or as much of it for a Mac."""
    if platform.system() == "Darwin":
        return {"ID": "macos"}
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _find_redis(root: Path) -> Path | None:
    folders = os.environ.get("PATH", os.defpath) if root == Path("/") else str(root / "usr/bin")
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=folders):
            return Path(found)
    return None


def library_path(root: Path) -> str:
    """Where programs below this root find their libraries; empty for the system's own."""
    if root == Path("/"):
        return ""
    folders = [*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")]
    return ":".join([*map(str, folders), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
