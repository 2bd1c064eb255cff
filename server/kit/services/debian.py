"""Fetches PostgreSQL, PostGIS and Redis as Debian or Ubuntu packages into a cache folder.

Nothing on the system changes and no root is needed: apt downloads, `dpkg-deb -x` unpacks, and
the programs run where they lie.
"""

import fcntl
import getpass
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from server.kit.services.binaries import (
    EXTENSIONS,
    Binaries,
    find_binaries,
    library_path,
    read_system,
)
from server.kit.services.errors import ServicesError

# Reached by parts that we never load: just-in-time compilation, rasters, solids.
_UNUSED = ("libllvm", "libgdal", "libsfcgal")
_DOCUMENTS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian")


class PackagesUnavailable(ServicesError):
    """The packages of Debian or Ubuntu cannot be fetched here."""

    code = "services.packages_unavailable"


def fetch_binaries(cache: Path, say: Callable[[str], None]) -> Binaries:
    """The programs in `cache`, fetched first when they are not there; safe to run twice at once."""
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise PackagesUnavailable(f"There is no {tool} here.")
    system = read_system()
    release = system.get("VERSION_ID", "rolling")
    root = cache / f"{system.get('ID', 'linux')}-{release}-{platform.machine()}"
    if not root.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "fetch.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not root.exists():
                _fetch(root, say)
    binaries = find_binaries(root)
    if not binaries:
        raise PackagesUnavailable(f"{root} is damaged: delete it and start again.")
    return binaries


@dataclass(frozen=True)
class Program:
    """One that was fetched, and what it needs in its environment."""

    path: Path
    environ: dict[str, str]


def fetch_program(cache: Path, package: str, path: str, say: Callable[[str], None]) -> Program:
    """Another program, such as a broker for tests: the system's own, or else one in `cache`, where
    its package puts it at `path`.

    Raises
    ------
    PackagesUnavailable
    """
    if installed := shutil.which(Path(path).name):
        return Program(Path(installed), {})
    root = cache / f"{package}-{platform.machine()}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            unfinished = Path(tempfile.mkdtemp(prefix=f"{root.name}.unfinished-", dir=cache))
            try:
                apt = _Apt(unfinished / "apt")
                if not apt.run("apt-cache", "search", "--names-only", f"^{package}$"):
                    apt.refresh_own_lists()
                tree = unfinished / "tree"
                tree.mkdir()
                wanted = apt.missing([package]) & {package, *apt.reachable_libraries([package])}
                _download(apt, wanted, say, package)
                _extract(apt.downloads, tree)
                tree.rename(root)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    if not (root / path).exists():
        raise PackagesUnavailable(f"{package} has no {path} in {root}.")
    return Program(root / path, {"LD_LIBRARY_PATH": library_path(root)})


def _fetch(root: Path, say: Callable[[str], None]) -> None:
    """Fill a temporary folder and rename it: a folder with the right name is always whole."""
    for leftover in root.parent.glob(f"{root.name}.unfinished-*"):
        shutil.rmtree(leftover)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{root.name}.unfinished-", dir=root.parent))
    try:
        apt = _Apt(unfinished / "apt")
        roots = _wanted_packages(apt, say)
        tree = unfinished / "tree"
        tree.mkdir()
        closure = apt.missing(roots)
        libraries = apt.reachable_libraries(roots)
        for packages in (closure & (libraries | set(roots)), closure):
            _download(apt, packages, say, "PostgreSQL, PostGIS and Redis")
            _extract(apt.downloads, tree)
            binaries = find_binaries(tree)
            absent = _absent_libraries(tree, binaries) if binaries else {"the programs themselves"}
            if not absent:
                break
        else:
            raise PackagesUnavailable(f"Not in the packages: {', '.join(sorted(absent))}.")
        for folder in [*_DOCUMENTS, *map(str, tree.glob("usr/lib/postgresql/*/lib/bitcode"))]:
            shutil.rmtree(tree / folder, ignore_errors=True)
        tree.chmod(0o755)
        tree.rename(root)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


class _Apt:
    """apt with its own cache, and with its own package lists when the system's are of no use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.downloads = folder / "downloads"
        for name in ("state/lists/partial", "cache/archives/partial", "downloads"):
            (folder / name).mkdir(parents=True)
        self.options = [
            f"--option=Dir::Cache={folder}/cache",
            f"--option=APT::Sandbox::User={getpass.getuser()}",
        ]

    def run(self, program: str, *arguments: str) -> str:
        environ = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        result = subprocess.run(
            [program, *self.options, *arguments],
            check=False,
            env=environ,
            cwd=self.downloads,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise PackagesUnavailable(f"{program} {arguments[0]} failed: {result.stderr.strip()}")
        return result.stdout

    def refresh_own_lists(self) -> None:
        self.options += [
            f"--option=Dir::State={self.folder}/state",
            f"--option=Dir::State::lists={self.folder}/state/lists",
            "--option=Dir::State::status=/var/lib/dpkg/status",
        ]
        self.run("apt-get", "update", "--error-on=any")

    def missing(self, packages: Iterable[str]) -> set[str]:
        """These packages and all they depend on, without what the system has installed."""
        plan = self.run("apt-get", "install", "-s", "--no-install-recommends", *packages)
        return set(re.findall(r"^Inst (\S+)", plan, re.MULTILINE)) | set(packages)

    def reachable_libraries(self, packages: Iterable[str]) -> set[str]:
        """The shared libraries these packages need: all else serves their installation only."""
        listing = self.run("apt-cache", "depends", "--recurse", "--important", *packages)
        needs: dict[str, list[str]] = {}
        for line in listing.splitlines():
            if not line.startswith(" "):
                needs[owner := line.strip()] = []
            else:
                needs[owner].append(line.split()[-1])
        reached: set[str] = set()
        queue = list(packages)
        while queue:
            name = queue.pop()
            if name not in reached:
                reached.add(name)
                queue += [
                    need
                    for need in needs.get(name, [])
                    if need.startswith(("lib", "lua")) and not need.startswith(_UNUSED)
                ]
        return reached


def _wanted_packages(apt: _Apt, say: Callable[[str], None]) -> list[str]:
    pattern = r"^postgresql-[0-9]+-postgis-[0-9]+$"
    if not (found := apt.run("apt-cache", "search", "--names-only", pattern)):
        say("Reading the list of packages ...")
        apt.refresh_own_lists()
        found = apt.run("apt-cache", "search", "--names-only", pattern)
    versions = re.findall(r"^postgresql-(\d+)-postgis-(\d+)", found, re.MULTILINE)
    if not versions:
        raise PackagesUnavailable("The package sources of this system have no PostGIS.")
    postgres, postgis = max(versions, key=lambda found: (int(found[0]), int(found[1])))
    extension = f"postgresql-{postgres}-postgis-{postgis}"
    return [
        f"postgresql-{postgres}",
        f"postgresql-client-{postgres}",
        extension,
        f"{extension}-scripts",
        "proj-data",
        "redis-server",
        "redis-tools",
    ]


def _download(apt: _Apt, packages: Iterable[str], say: Callable[[str], None], what: str) -> None:
    names = sorted(packages)
    say(f"Fetching {what} ({len(names)} packages, once) ...")
    try:
        apt.run("apt-get", "download", *names)
    except PackagesUnavailable:
        # The system's lists may name files that the mirror has replaced since.
        apt.refresh_own_lists()
        apt.run("apt-get", "download", *names)


def _extract(downloads: Path, tree: Path) -> None:
    for package in sorted(downloads.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
        package.unlink()
    # Installation would make these links by update-alternatives.
    for control in tree.glob("usr/share/postgresql/*/extension/*-[0-9].control"):
        link = control.with_name(re.sub(r"-\d\.control$", ".control", control.name))
        if not link.exists():
            link.symlink_to(control.name)


def _absent_libraries(tree: Path, binaries: Binaries) -> set[str]:
    programs = [binaries.redis, *(binaries.postgres / name for name in ("postgres", "initdb"))]
    for extension in EXTENSIONS:
        for name in (f"{extension}.so", f"{extension}-[0-9].so"):
            programs += tree.glob(f"usr/lib/postgresql/*/lib/{name}")
    absent: set[str] = set()
    for program in programs:
        linked = subprocess.run(
            ["ldd", program],
            check=False,
            env={**os.environ, **binaries.environ},
            capture_output=True,
            text=True,
        )
        absent |= set(re.findall(r"(\S+) => not found", linked.stdout))
    return absent
