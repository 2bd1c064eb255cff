"""Every page in every language and size, on the smallest phone: nothing is cut or out of sight."""

from typing import Any

import pytest
from kivy.core.window import Window

from driver_app.core.store import Store
from driver_app.screens.app import PostriderApp
from driver_app.screens.design.components import Touched
from driver_app.screens.design.lettering import Txt
from driver_app.screens.design.tokens import TARGET_DP
from driver_app.texts import LANGUAGES
from tests.driver_app.screens import window
from tests.driver_app.screens.gallery import PAGES, make_busy, show
from tests.driver_app.screens.handsets import Handset


@pytest.fixture
def busy_app(app: PostriderApp, phone_store: Store, handset: Handset) -> PostriderApp:
    make_busy(app, phone_store, handset)
    return app


@pytest.mark.parametrize("scale", ["1.0", "1.3"])
@pytest.mark.parametrize("language", [language.code for language in LANGUAGES])
def test_no_text_is_cut_on_any_page(busy_app: PostriderApp, language: str, scale: str) -> None:
    busy_app.set_look("language", language)
    busy_app.set_look("text_scale", scale)
    wrong = []
    for page, given in PAGES:
        show(busy_app, page, given)
        window.layouts()
        shown = [text for text in window.widgets(Txt) if text.said and text.height]
        assert shown, page
        for text in shown:
            x, _ = text.to_window(text.x, text.y)
            outside = x < -1 or x + text.width > Window.width + 1
            if text.is_cut() or outside or overflows(text):
                wrong.append(f"{page.__name__}: {text.said!r} {text.size} {text.texture_size}")
    assert wrong == []


def overflows(text: Txt) -> bool:
    """Higher than what it stands in: it would lie over its neighbour."""
    parent = text.parent
    while parent is not Window and not isinstance(parent, Touched):
        parent = parent.parent
    return parent is not Window and text.height > parent.height + 1


def test_everything_that_is_touched_is_large_enough_for_gloves(busy_app: PostriderApp) -> None:
    small = []
    for page, given in PAGES:
        show(busy_app, page, given)
        window.layouts()
        for touched in window.widgets(Touched):
            if min(touched.size) < TARGET_DP:
                small.append(f"{page.__name__}: {getattr(touched, 'said', touched)} {touched.size}")
    assert small == []


def test_every_page_is_drawn_in_every_appearance(busy_app: PostriderApp, tmp_path: Any) -> None:
    """A picture of one colour would be an empty page."""
    for palette in ("light", "dark", "sunlight"):
        busy_app.set_look("palette", palette)
        for number, (page, given) in enumerate(PAGES[:6]):
            show(busy_app, page, given)
            path = tmp_path / f"{palette}-{number}.png"
            window.picture(path)
            assert path.stat().st_size > 8_000, path.name
