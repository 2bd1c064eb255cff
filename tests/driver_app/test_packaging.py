"""What goes into the APK, as far as it can be proven without building one. The two tests that ask
python-for-android itself run where it is installed: in the workflow that builds."""

import ast
import configparser
import json
import re
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from driver_app.packaging.stage import stage

REPO = Path(__file__).parents[2]
ANDROID = "{http://schemas.android.com/apk/res/android}"
PROVIDED = {"jnius": "pyjnius", "android": "android"}
"""Module -> requirement, where the names differ."""


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apk") / "stage"
    stage(folder)
    return folder


@pytest.fixture(scope="module")
def spec(staged: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(staged / "buildozer.spec")
    return parser["app"]


def pins(spec: configparser.SectionProxy) -> dict[str, str]:
    """Requirement -> pinned version, empty where python-for-android's own recipe decides."""
    parts = [each.strip().partition("==") for each in spec["requirements"].split(",")]
    return {name: version for name, _, version in parts}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module
            yield node.module


def test_everything_that_is_imported_is_in_the_apk(
    staged: Path, spec: configparser.SectionProxy
) -> None:
    required, missing = pins(spec), []
    for path in sorted(staged.rglob("*.py")):
        for module in imports_of(path):
            top = module.split(".")[0]
            if top in ("driver_app", "server"):
                place = staged / module.replace(".", "/")
                # Only on a desktop is the background started as a module.
                known = place.with_suffix(".py").exists() or (place / "__init__.py").exists()
                known = known or (path.name, module) == (
                    "background.py", "driver_app.device.desktop",
                )  # fmt: skip
            else:
                known = top in sys.stdlib_module_names or PROVIDED.get(top, top) in required
            if not known:
                missing.append(f"{path.relative_to(staged)}: {module}")
    assert missing == []


def test_nothing_but_the_app_and_the_wire_is_in_the_apk(staged: Path) -> None:
    inside = {path.relative_to(staged).as_posix() for path in staged.rglob("*.py")}
    assert {path.split("/")[0] for path in inside} == {
        "driver_app", "main.py", "server", "service.py",
    }  # fmt: skip
    assert {path.split("/")[1] for path in inside if path.startswith("server/")} == {
        "__init__.py", "protocol",
    }  # fmt: skip
    assert not any("packaging" in path or "desktop" in path for path in inside)


def test_libraries_of_the_apk_are_those_that_were_tested(spec: configparser.SectionProxy) -> None:
    lock = (REPO / "requirements.lock").read_text()
    for name in ("kivy", "websockets"):
        assert re.search(rf"^{name}==(\S+)", lock, re.MULTILINE)[1] == pins(spec)[name]  # type: ignore[index]
    assert pins(spec)["python3"] == pins(spec)["hostpython3"]


def test_every_permission_that_is_asked_for_is_declared(
    staged: Path, spec: configparser.SectionProxy
) -> None:
    declared = {each.strip() for each in spec["android.permissions"].split(",")}
    checks = (staged / "driver_app/device/android/checks.py").read_text()
    asked = set(re.findall(r'"android\.permission\.(\w+)"', checks))
    assert asked and asked <= declared
    assert {"FOREGROUND_SERVICE", "FOREGROUND_SERVICE_LOCATION", "WAKE_LOCK"} <= declared
    # A permission that nobody uses is one that a driver is asked to trust us with for nothing.
    needed_by_code = {"INTERNET", "ACCESS_NETWORK_STATE", "REQUEST_IGNORE_BATTERY_OPTIMIZATIONS"}
    services = {"FOREGROUND_SERVICE", "FOREGROUND_SERVICE_LOCATION", "WAKE_LOCK"}
    assert declared == asked | needed_by_code | services


def test_service_is_started_by_the_name_under_which_it_is_built(
    staged: Path, spec: configparser.SectionProxy
) -> None:
    name, entry, *options = spec["services"].split(":")
    code = (staged / "driver_app/device/android/service.py").read_text()
    assert f'SERVICE = "Service{name}"' in code
    assert (staged / entry).exists()
    assert options == ["foreground", "sticky", "foregroundServiceType=location"]


@pytest.mark.parametrize("name", ["icon", "icon-foreground", "icon-background", "presplash"])
def test_pictures_are_drawn_as_android_wants_them(staged: Path, name: str) -> None:
    with Image.open(staged / f"{name}.png") as picture:
        assert picture.width == picture.height >= 512
        if name == "icon-foreground":
            left, top, right, bottom = picture.getchannel("A").getbbox() or (0, 0, 0, 0)
            margin = picture.width * (1 - 0.66) / 2
            assert min(left, top) >= margin, "Android may cut off what is further out"
            assert max(right, bottom) <= picture.width - margin


PHONE = """
import sys, types
from unittest.mock import MagicMock
jnius = types.ModuleType("jnius")
class JavaClass: pass
jnius.PythonJavaClass, jnius.JavaException = JavaClass, type("JavaException", (Exception,), {})
jnius.java_method = lambda *_, **__: lambda method: method
jnius.cast = lambda _, thing: thing
jnius.autoclass = MagicMock()
jnius.detach = lambda: None
sys.modules["jnius"] = jnius
android = types.ModuleType("android")
android.activity = MagicMock()
sys.modules["android"] = android
sys.path.insert(0, sys.argv[1])
import driver_app
assert driver_app.__file__.startswith(sys.argv[1]), driver_app.__file__
"""


def on_a_mute_phone(staged: Path, code: str) -> None:
    """Run it in the staged folder alone, on a Java that answers everything with nothing."""
    subprocess.run([sys.executable, "-I", "-c", PHONE + code, str(staged)], check=True, timeout=60)


def test_app_of_the_apk_can_be_put_together(staged: Path) -> None:
    on_a_mute_phone(
        staged,
        """
from pathlib import Path
import driver_app.phone
from driver_app.device.android import device
device.make_device(Path("."))
device.hide_from_switcher()
""",
    )


def test_readings_of_either_method_come_with_the_phones_own_time(staged: Path) -> None:
    on_a_mute_phone(
        staged,
        """
import time
from datetime import UTC, datetime, timedelta
from driver_app.device.android.location import Listener, read_location
place = MagicMock()
place.getElapsedRealtimeNanos.return_value = (time.clock_gettime(time.CLOCK_BOOTTIME) - 30) * 1e9
place.hasSpeed.return_value = False
heard = []
listener = Listener(heard.append)
listener.onLocationChanged(place)
several = MagicMock()
several.size.return_value = 2
listener.on_locations(several)
assert len(heard) == 3
reading = read_location(place)
assert abs(datetime.now(UTC) - timedelta(seconds=30) - reading.taken_at) < timedelta(seconds=2)
assert reading.speed_mps is None
""",
    )


def test_answer_of_another_app_reaches_the_one_who_asked(staged: Path) -> None:
    on_a_mute_phone(
        staged,
        """
from driver_app.device.android import camera
errands, answers = camera.Errands(), []
errands.send("scan", lambda data: answers.append(("scan", data)))
errands.send("photo", lambda data: answers.append(("photo", data)))
errands._hear(4101, camera.OK, "a picture")
errands._hear(4100, 0, "whatever")
errands._hear(4100, camera.OK, "once more")
assert answers == [("photo", "a picture"), ("scan", None)], answers
jnius.autoclass("x").mActivity.startActivityForResult.side_effect = jnius.JavaException()
camera.activity().startActivityForResult.side_effect = jnius.JavaException()
errands.send("nothing", lambda data: answers.append(("nothing", data)))
assert answers[-1] == ("nothing", None), answers
""",
    )


# Where python-for-android is installed


def test_manifest_declares_the_service_and_its_kind(
    spec: configparser.SectionProxy,
) -> None:
    pythonforandroid = pytest.importorskip("pythonforandroid")
    jinja2 = pytest.importorskip("jinja2")
    bootstraps = Path(pythonforandroid.__file__).parent / "bootstraps"
    name, entry, *options = spec["services"].split(":")
    kind = options[-1].partition("=")[2]

    class Arguments(types.SimpleNamespace):
        def __getattr__(self, name: str) -> str:
            return ""

    permissions = [
        Arguments(name=f"android.permission.{each.strip()}")
        for each in spec["android.permissions"].split(",")
    ]
    arguments = Arguments(
        package=f"{spec['package.domain']}.{spec['package.name']}",
        numeric_version="1",
        permissions=permissions,
        min_sdk_version=int(spec["android.minapi"]),
        android_entrypoint="org.kivy.android.PythonActivity",
        allow_backup=spec["android.allow_backup"],
    )

    def render(path: str, **known: Any) -> str:
        template = jinja2.Environment().from_string((bootstraps / path).read_text())
        return str(template.render(args=arguments, **known))

    manifest = ElementTree.fromstring(
        render(
            "_sdl_common/build/templates/AndroidManifest.tmpl.xml",
            service_data=[(name, kind)],
            android_api=int(spec["android.api"]),
        )
    )
    (service,) = manifest.iter("service")
    assert service.get(f"{ANDROID}name") == f"org.postrider.driver.Service{name}"
    assert service.get(f"{ANDROID}foregroundServiceType") == "location"
    assert len(list(manifest.iter("uses-permission"))) == len(permissions)
    java = render(
        "common/build/templates/Service.tmpl.java",
        name=name, entrypoint=entry, foreground=True, sticky=True, service_id=1,
        base_service_class="PythonService",
    )  # fmt: skip
    assert "START_STICKY" in java and entry in java


def test_every_requirement_can_be_packaged(spec: configparser.SectionProxy, tmp_path: Path) -> None:
    pytest.importorskip("pythonforandroid")
    from packaging.utils import canonicalize_name, parse_wheel_filename  # noqa: PLC0415
    from pythonforandroid.bootstrap import Bootstrap  # noqa: PLC0415
    from pythonforandroid.build import Context  # noqa: PLC0415
    from pythonforandroid.graph import get_recipe_order_and_bootstrap  # noqa: PLC0415
    from pythonforandroid.recipe import Recipe  # noqa: PLC0415

    context = Context()
    context.setup_dirs(str(tmp_path))
    context.local_recipes = None
    context._ndk_api, context._android_api = int(spec["android.ndk_api"]), int(spec["android.api"])
    wanted = pins(spec)
    sdl2 = Bootstrap.get_bootstrap("sdl2", context)
    recipes, modules, _ = get_recipe_order_and_bootstrap(context, list(wanted), sdl2)
    for name in recipes:
        version = Recipe.get_recipe(name, context).version
        assert wanted.get(name, "") in ("", version), f"{name}: the recipe builds {version}"
    built = {canonicalize_name(name) for name in recipes}
    python = ".".join(wanted["python3"].split(".")[:2])
    unusable = []
    for module in modules:
        pinned = f"{module}=={wanted[module]}" if wanted.get(module) else module
        report = tmp_path / "report.json"
        subprocess.run(
            [
                sys.executable, "-m", "pip", "install", "--quiet", "--dry-run",
                "--ignore-installed", "--only-binary=:all:", "--report", str(report),
                "--target", str(tmp_path / "none"), "--python-version", python,
                f"--platform=android_{context._ndk_api}_arm64_v8a", pinned,
            ],
            check=True,
            timeout=300,
        )  # fmt: skip
        for found in json.loads(report.read_text())["install"]:
            file = found["download_info"]["url"].rsplit("/", 1)[-1]
            tags = parse_wheel_filename(file)[3]
            usable = all(tag.platform == "any" or "android" in tag.platform for tag in tags)
            if canonicalize_name(found["metadata"]["name"]) not in built and not usable:
                unusable.append(file)
    assert unusable == []
