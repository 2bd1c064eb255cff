"""The launcher, in copies of it with a stand-in for the server and a lock of two tiny packages;
and the files beside it that start the same processes elsewhere."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uv
import yaml

from server.kit.settings import ROOT

TOOLS = ("sh", "cat", "cksum", "env", "grep", "mkdir", "readlink", "rm", "rmdir", "uname")
PYTHON = Path(sys._base_executable)  # type: ignore[attr-defined]
SHOW = """
import json, os, sys
def is_open(descriptor):
    try:
        return bool(os.fstat(descriptor))
    except OSError:
        return False
print(json.dumps({
    "arguments": sys.argv[1:],
    "cwd": os.getcwd(),
    "open": [descriptor for descriptor in range(3, 20) if is_open(descriptor)],
    "prefix": sys.prefix,
    "server": __file__,
    "version": sys.version_info[:2],
}))
"""


@dataclass
class Project:
    """A copy of the launcher beside a server that shows how it was started."""

    root: Path
    wheels: Path
    programs: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.root / "server", self.wheels, self.programs):
            folder.mkdir(parents=True)
        shutil.copy(ROOT / "postrider", self.root)
        shutil.copy(ROOT / ".python-version", self.root)
        (self.root / "server/__main__.py").write_text(SHOW)
        for tool in TOOLS:
            self.add_program(tool, Path(shutil.which(tool) or pytest.fail(f"no {tool}")))
        self.environ = {
            "PATH": str(self.programs),
            "HOME": str(self.wheels),
            "LANG": "C.UTF-8",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_OFFLINE": "1",
            "UV_FIND_LINKS": str(self.wheels),
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_CACHE_DIR": str(self.wheels / "uv"),
        }
        self.lock("letter", "parcel")

    def add_program(self, name: str, target: Path | str) -> None:
        """A program on the launcher's PATH: a link to a real one, or a script."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        if isinstance(target, Path):
            path.symlink_to(target)
        else:
            path.write_text(f"#!/bin/sh\n{target}\n")
            path.chmod(0o755)

    def lock(self, *packages: str) -> None:
        lines = [
            f"{name}==1.0 --hash=sha256:{hashlib.sha256(make_wheel(self.wheels, name)).hexdigest()}"
            for name in packages
        ]
        (self.root / "requirements.lock").write_text("\n".join(lines) + "\n")

    def run(
        self, *arguments: str, cwd: Path | None = None, launcher: Path | str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [launcher or self.root / "postrider", *arguments],
            check=False,
            cwd=cwd or self.wheels,
            env=self.environ,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "postrider"],
            cwd=self.wheels,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def modules(self) -> list[str]:
        return sorted(path.name for path in self.root.glob(".venv/lib/*/site-packages/*.py"))


def make_wheel(folder: Path, name: str) -> bytes:
    """The smallest wheel that pip installs; the same bytes every time."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(zipfile.ZipInfo(file), text)
    return path.read_bytes()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose PATH holds no Python and no uv yet."""
    return Project(tmp_path / "a project", tmp_path / "wheels", tmp_path / "bin")


@pytest.fixture
def ready(project: Project) -> Project:
    """The same with a suitable Python: the one that runs these tests."""
    project.add_program("python3.12", PYTHON)
    return project


@pytest.fixture
def with_uv(project: Project) -> Project:
    """The same with nothing but uv, which finds the Python among those it has installed itself."""
    program = project.wheels / ".local/bin/uv"  # where installers put it, on the PATH or not
    program.parent.mkdir(parents=True)
    program.symlink_to(uv.find_uv_bin())
    version = ".".join(map(str, sys.version_info[:3]))
    system = f"linux-{os.uname().machine}-gnu" if sys.platform == "linux" else "macos-aarch64-none"
    installed = project.wheels / f"pythons/cpython-{version}-{system}"
    # uv changes files beside the standard library, so these are copies: the others are not ours.
    base = Path(sys.base_prefix)
    library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
    (installed / library).mkdir(parents=True)
    (installed / "bin").symlink_to(base / "bin")
    for each in (base / library).iterdir():
        if each.is_dir():
            (installed / library / each.name).symlink_to(each)
        else:
            shutil.copy(each, installed / library)
    project.environ["UV_PYTHON_INSTALL_DIR"] = str(installed.parent)
    return project


def shown(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def succeeds(
    *command: str | Path, environ: dict[str, str] | None = None, cwd: Path | None = None
) -> bool:
    done = subprocess.run(command, check=False, env=environ, cwd=cwd, capture_output=True)
    return done.returncode == 0


# -- running


def test_first_use_makes_the_environment_and_the_next_only_runs_the_command(
    ready: Project,
) -> None:
    first = ready.run()
    assert shown(first)["prefix"] == str(ready.root / ".venv")
    assert [line.split(" ")[:2] for line in first.stderr.splitlines()] == [
        ["postrider:", "making"],
        ["postrider:", "installing"],
        ["postrider:", "the"],
    ]
    assert "installing 2 packages" in first.stderr
    assert ready.modules() == ["letter.py", "parcel.py"]

    second = ready.run()
    assert shown(second)
    assert second.stderr == ""

    # The launcher itself costs next to nothing.
    def best_s(command: Sequence[str | Path]) -> float:
        def once_s() -> float:
            began = time.perf_counter()
            environ = {**ready.environ, "PYTHONPATH": str(ready.root), "PYTHONSAFEPATH": "1"}
            subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
            return time.perf_counter() - began

        return min(once_s() for _ in range(5))

    bare_s = best_s([ready.root / ".venv/bin/python", "-m", "server"])
    assert best_s([ready.root / "postrider"]) - bare_s < 0.05

    arguments = ["import", "a file.csv", "", "*", "--say=it's $HOME", "-c"]
    elsewhere = ready.wheels / "some where"
    (elsewhere / "server").mkdir(parents=True)
    (elsewhere / "server/__main__.py").write_text("raise SystemExit('not this server')")
    (ready.wheels / "link").symlink_to(ready.root / "postrider")
    (elsewhere / "postrider").symlink_to("../link")
    for launcher in (ready.root / "postrider", "./postrider"):
        started = shown(ready.run(*arguments, cwd=elsewhere, launcher=launcher))
        assert started["arguments"] == arguments
        assert started["cwd"] == str(elsewhere)
        assert started["server"] == str(ready.root / "server/__main__.py")

    assert succeeds("sh", "postrider", environ=ready.environ, cwd=ready.root)

    (ready.root / "server/__main__.py").write_text("raise SystemExit(7)")
    assert ready.run().returncode == 7


# -- the environment


def test_environment_follows_the_lock(ready: Project) -> None:
    wheel = ready.wheels / "parcel-1.0-py3-none-any.whl"
    right = wheel.read_bytes()
    with zipfile.ZipFile(wheel, "a") as changed:
        changed.writestr("evil.py", "")
    refused = ready.run()
    assert refused.returncode == 1
    assert "HASHES" in refused.stderr
    assert refused.stderr.splitlines()[-1].startswith("postrider: the packages could not be")
    assert refused.stdout == ""

    # What is half made, as now or after a kill, is made anew.
    wheel.write_bytes(right)
    again = ready.run()
    assert "making" in again.stderr
    assert shown(again)
    assert ready.modules() == ["letter.py", "parcel.py"]

    ready.lock("letter", "parcel", "stamp")
    changed_lock = ready.run()
    assert "making" not in changed_lock.stderr
    assert "installing 3 packages" in changed_lock.stderr
    assert ready.modules() == ["letter.py", "parcel.py", "stamp.py"]
    assert ready.run().stderr == ""


def test_two_first_uses_at_once_make_one_environment(with_uv: Project) -> None:
    started = [with_uv.start() for _ in range(3)]
    ends = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ends
    assert sum("making the Python" in said for _, said in ends) == 1
    # A server that inherited the lock would make the next change of the environment wait for it.
    assert [json.loads(answer)["open"] for answer, _ in ends] == [[], [], []]


def test_environment_can_be_elsewhere_but_never_replaces_a_folder_of_other_things(
    with_uv: Project, tmp_path: Path
) -> None:
    treasure = tmp_path / "treasure"
    (treasure / "gold").mkdir(parents=True)
    with_uv.environ["POSTRIDER_ENV"] = str(treasure)
    refused = with_uv.run()
    assert refused.returncode == 1
    assert "holds something else" in refused.stderr
    assert (treasure / "gold").exists()

    with_uv.environ["POSTRIDER_ENV"] = str(tmp_path / "else where" / "env")
    assert shown(with_uv.run())["prefix"] == str(tmp_path / "else where" / "env")
    assert not (with_uv.root / ".venv").exists()


def test_folder_that_cannot_be_written_gives_one_clear_line(ready: Project) -> None:
    (ready.wheels / "file").touch()  # a folder below a file can be made by nobody, root neither
    ready.environ["POSTRIDER_ENV"] = str(ready.wheels / "file" / "env")
    refused = ready.run()
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "cannot write to" in refused.stderr
    assert "POSTRIDER_ENV" in refused.stderr


# -- which Python


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ('ID=debian\nVERSION_ID="12"', "sudo apt-get install pipx && pipx install uv"),
        ('ID=debian\nVERSION_ID="13"', "sudo apt-get install python3-venv"),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"', "pipx install uv"),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"', "sudo apt-get install python3-venv"),
        ("ID=fedora\nVERSION_ID=42", "sudo dnf install python3"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.5"', "dnf install python3.12"),
        ("ID=arch", "sudo pacman -S python"),
        ("ID=plan9", "with your packages"),
    ],
)
def test_machine_without_python_and_uv_gets_one_line_for_its_system(
    project: Project, release: str, command: str
) -> None:
    os_release = project.wheels / "os-release"
    os_release.write_text(release)
    launcher = project.root / "postrider"
    launcher.write_text(launcher.read_text().replace("/etc/os-release", str(os_release)))
    refused = project.run("demo")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert re.fullmatch(r"postrider: needs Python 3\.12.*, or uv: .*\n", refused.stderr)
    assert refused.stderr.strip().endswith(command)


def test_mac_is_told_to_use_brew(project: Project) -> None:
    project.add_program("uname", "echo Darwin")
    assert project.run().stderr.strip().endswith("brew install python@3.12")


def test_python_that_is_too_old_or_broken_or_without_venv_is_passed_over(project: Project) -> None:
    old = "import sys; sys.version_info = (3, 11, 9)"
    bare = "import sys; sys.modules['ensurepip'] = None"
    project.add_program("python3", f'shift; exec {PYTHON} -c "{old}\n$1"')
    project.add_program("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    project.add_program("python3.13", f'shift; exec {PYTHON} -c "{bare}\n$1"')
    assert "needs Python" in project.run().stderr

    # pyenv has one, although its shims are not on the PATH.
    version = project.wheels / ".pyenv/versions/3.12.99/bin"
    version.mkdir(parents=True)
    (version / "python3").symlink_to(PYTHON)
    assert shown(project.run())


def test_chosen_python_that_will_not_do_is_refused(ready: Project) -> None:
    ready.environ["POSTRIDER_PYTHON"] = str(ready.programs / "cat")
    refused = ready.run()
    assert refused.returncode == 1
    assert "POSTRIDER_PYTHON=" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_uv_is_enough(with_uv: Project) -> None:
    done = with_uv.run()
    assert shown(done)["prefix"] == str(with_uv.root / ".venv")
    assert with_uv.modules() == ["letter.py", "parcel.py"]
    with_uv.lock("letter", "parcel", "stamp")
    assert "installing 3 packages" in with_uv.run().stderr
    assert with_uv.modules() == ["letter.py", "parcel.py", "stamp.py"]
    assert with_uv.run().stderr == ""


# -- the same processes elsewhere


@pytest.fixture(scope="module")
def compose() -> dict[str, dict[str, dict[str, object]]]:
    loaded = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_compose_runs_the_processes_of_up(compose: dict[str, dict[str, dict[str, object]]]) -> None:
    services = compose["services"]
    assert set(services) == {"postgis", "redis", "migrate", "web", "gateway", "worker", "proxy"}
    assert all("healthcheck" in services[name] for name in ("postgis", "redis", "web", "proxy"))
    assert all("ports" not in services[name] for name in services if name != "proxy")
    assert all("container_name" not in service for service in services.values()), "replicas"
    for service in services.values():
        for volume in service.get("volumes", ()):  # type: ignore[attr-defined]
            assert volume.split(":")[0] in compose["volumes"]


def test_compose_passes_on_each_setting_of_the_readme(
    compose: dict[str, dict[str, dict[str, object]]],
) -> None:
    rows = re.findall(r"^\| ([A-Z_0-9, ]+) \|", (ROOT / "README.md").read_text(), re.M)
    settings = {name for row in rows for name in row.split(", ")}
    assert {"DATABASE_URL", "POSTRIDER_SECRET", "POSTRIDER_LOG"} <= settings
    assert settings <= compose["x-postrider"]["environment"].keys()


def test_compose_needs_secrets_and_holds_none() -> None:
    lines = [
        line
        for line in (ROOT / "compose.yaml").read_text().splitlines()
        if re.search(r"(SECRET|PASSWORD|DATABASE_URL):? ", line) and not line.startswith("#")
    ]
    assert len(lines) == 3
    assert all(re.search(r"\$\{POSTRIDER_(SECRET|DB_PASSWORD):\?\w", line) for line in lines)


def test_compose_calls_commands_that_exist(
    compose: dict[str, dict[str, dict[str, object]]],
) -> None:
    for name in ("migrate", "web", "gateway", "worker"):
        command = compose["services"][name]["command"]
        assert isinstance(command, list)
        assert command[:3] == ["python", "-m", "server"]
        told = subprocess.run(
            [sys.executable, "-m", "server", command[3], "--help"],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert told.returncode == 0, told.stderr
        for option in command[4:]:
            assert not option.startswith("--") or option in told.stdout


def test_compose_file_is_valid_for_compose_itself() -> None:
    if not shutil.which("docker") or not succeeds("docker", "compose", "version"):
        pytest.skip("docker compose is not installed")
    config = ("docker", "compose", "--file", ROOT / "compose.yaml", "config", "--quiet")
    environ = {**os.environ, "POSTRIDER_SECRET": "s", "POSTRIDER_DB_PASSWORD": "p"}
    assert succeeds(*config, environ=environ)
    del environ["POSTRIDER_SECRET"]
    assert not succeeds(*config, environ=environ)


@pytest.mark.parametrize("script", ["postrider", ".ci/run"])
def test_scripts_parse_and_may_be_run(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    shell = "sh" if script == "postrider" else "bash"
    assert succeeds(shell, "-n", path)
