"""How Lighthouse judges a page, on the slow phone that it plays by itself. tests/load/lighthouse
says which Lighthouse it is."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import Callable

import msgspec

from server.app.bench.browser import find_chromium
from server.app.bench.node_packages import install_packages, node
from server.kit.settings import ROOT

SETUP = ROOT / "tests/load/lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
TIMEOUT_S = 120.0


class LighthouseFailed(RuntimeError):
    """Lighthouse could not judge the page; what it said follows."""


class Judgement(msgspec.Struct, frozen=True):
    """scores: of 100, by category. lost: what took points away, in its words."""

    scores: dict[str, int]
    lost: tuple[str, ...]


class _Audit(msgspec.Struct, frozen=True):
    title: str
    score: float | None


class _Weight(msgspec.Struct, frozen=True):
    id: str
    weight: float


class _Category(msgspec.Struct, frozen=True, rename="camel"):
    score: float | None
    audit_refs: list[_Weight]


class _Report(msgspec.Struct, frozen=True):
    categories: dict[str, _Category]
    audits: dict[str, _Audit]


async def judge_page(url: str, say: Callable[[str], None]) -> Judgement:
    """A phone's view of a page.

    Raises
    ------
    NotInstalled, LighthouseFailed
    """
    folder = await asyncio.to_thread(install_packages, SETUP, say)
    flags = ["--headless=new", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    process = await asyncio.create_subprocess_exec(
        node(),
        folder / "node_modules/lighthouse/cli/index.js",
        url,
        "--quiet",
        "--output=json",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-flags={' '.join(flags)}",
        "--no-enable-error-reporting",
        env={**os.environ, "CHROME_PATH": find_chromium()},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            told, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise LighthouseFailed(complaint.decode(errors="replace"))
    return _judgement(msgspec.json.decode(told, type=_Report))


def _judgement(report: _Report) -> Judgement:
    scores, lost = {}, []
    for name in CATEGORIES:
        category = report.categories[name]
        if category.score is None:
            raise LighthouseFailed(f"It gave no score for {name}.")
        scores[name] = round(category.score * 100)
        for each in category.audit_refs:
            audit = report.audits[each.id]
            if each.weight > 0 and audit.score is not None and audit.score < 1:
                lost.append(f"{name}: {audit.title} ({audit.score:.2f})")
    return Judgement(scores, tuple(lost))
