"""`postrider test` itself."""

import subprocess
from typing import Any

import pytest

from server.app.checks import CHECKS, run_checks


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Each command that is run, with its environment; those of pytest fail."""
    ran: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        ran.append((command[1:], how["env"]))
        return subprocess.CompletedProcess(command, returncode=int("pytest" in command))

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def test_what_fails_is_named_and_all_else_is_checked_all_the_same(
    commands: list[tuple[list[str], dict[str, str]]],
) -> None:
    said: list[str] = []
    assert run_checks([], said.append) == 1
    assert said[-1] == "FAILED: tests"
    assert [command for command, _ in commands][: len(CHECKS)] == [check for _, check in CHECKS]
    assert run_checks(["tests/api"], said.append) == 1
    assert commands[-1][0] == ["-m", "pytest", "tests/api"]
    assert len(commands) == len(CHECKS) + 2


def test_python_keeps_what_it_has_compiled_also_where_it_is_told_not_to(
    commands: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("POSTRIDER_LOG", "json")
    run_checks(["tests/api"], lambda _: None)
    ((_, environ),) = commands
    assert "PYTHONDONTWRITEBYTECODE" not in environ
    assert environ["POSTRIDER_LOG"] == "json"
