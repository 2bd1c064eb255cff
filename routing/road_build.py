"""Turns an OpenStreetMap file into road graphs, with the programs that the OSRM package brings."""

import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from routing.road_errors import BuildFailed, UnknownProfile
from routing.road_process import GRAPH_NAME
from routing.speed_limits import write_speed_limits

MANIFEST = "roads.json"


def build_roads(
    map_path: Path,
    folder: Path,
    profiles: Sequence[str] = ("car", "bicycle"),
    progress: Callable[[str], None] | None = None,
) -> None:
    """Extract and contract the road graph of each profile, and note the speed limits.

    Parameters
    ----------
    map_path : .osm.pbf, .osm.bz2 or .osm file
    folder : replaced as a whole when everything is built; until then the old map stays
    profiles : names of OSRM profiles: car, bicycle, foot
    progress : called with a short sentence before each step

    Raises
    ------
    BuildFailed, UnknownProfile
    """
    package = _find_package()
    say = progress or (lambda _: None)
    if not map_path.is_file():
        raise BuildFailed(f"There is no file {map_path}.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise BuildFailed(f"{folder} holds something other than roads and would be replaced.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    fresh.chmod(0o755)
    try:
        for profile in profiles:
            script = package / "share" / "profiles" / f"{profile}.lua"
            if not script.is_file():
                raise UnknownProfile(f"OSRM has no profile {profile!r}.")
            graph = fresh / profile / GRAPH_NAME
            graph.parent.mkdir()
            say(f"{profile}: reading {map_path.name}")
            _run(package, "osrm-extract", map_path, "--profile", script, "--output", graph)
            say(f"{profile}: finding shortcuts")
            _run(package, "osrm-contract", graph)
        say(f"speed limits: reading {map_path.name}")
        write_speed_limits(map_path, fresh)
        manifest = {"profiles": list(profiles), "map": map_path.name}
        (fresh / MANIFEST).write_text(json.dumps(manifest))
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _find_package() -> Path:
    found = importlib.util.find_spec("osrm")
    if found is None or found.origin is None:
        raise BuildFailed("The package osrm-bindings is not installed.")
    return Path(found.origin).parent


def _run(package: Path, program: str, *arguments: str | Path) -> None:
    command = [str(package / "bin" / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise BuildFailed(f"{program} said: {' '.join(said[-3:])}")
