"""Every page as a picture, to be looked at: `python -m tests.driver_app.screens.pictures FOLDER`.

One sheet for each appearance; a folder of single pictures beside it.
"""

import sys
import tempfile
from pathlib import Path

from tests.driver_app.screens import window  # isort: skip - first of all that knows Kivy

from PIL import Image

from driver_app.core.store import Store
from driver_app.screens.app import PostriderApp
from driver_app.screens.pair import PairPage
from tests.driver_app.phones import FrozenClock, pairing_with
from tests.driver_app.screens.gallery import PAGES, make_busy, show
from tests.driver_app.screens.handsets import Handset, a_full_run

LOOKS: dict[str, dict[str, str]] = {
    "light": {},
    "dark": {"palette": "dark"},
    "sunlight": {"palette": "sunlight"},
    "large": {"text_scale": "1.3", "language": "de"},
    "arabic": {"language": "ar"},
    "spanish": {"language": "es", "hand": "left"},
}
STANDARD = {"palette": "light", "text_scale": "1.0", "language": "en", "hand": "right"}
COLUMNS = 9


def main() -> None:
    folder = Path(sys.argv[1])
    wanted = sys.argv[2:] or list(LOOKS)
    with tempfile.TemporaryDirectory() as home:
        phone = Path(home)
        store = Store(phone)
        store.save_pairing(pairing_with("http://127.0.0.1:9", "token"))
        store.save_manifest(a_full_run())
        store.put_setting("shift", "on")
        handset = Handset(phone)
        app = window.start(phone, handset.device(), FrozenClock())
        make_busy(app, store, handset)
        # The offer comes up once; after that the pages can be seen.
        app.look()
        for look in wanted:
            for name, value in (STANDARD | LOOKS[look]).items():
                app.set_look(name, value)
            single = folder / look
            single.mkdir(parents=True, exist_ok=True)
            paths = []
            for number, (page, given) in enumerate(PAGES):
                show(app, page, given)
                paths.append(single / f"{number:02}-{page.__name__}.png")
                window.picture(paths[-1])
                shown = app.pages[-1]
                if shown.body.height > shown.scroll.height and shown.scroll.parent:
                    shown.scroll.scroll_y = 0
                    paths.append(single / f"{number:02}-{page.__name__}-below.png")
                    window.picture(paths[-1])
            app.ask(app.say("shift.end_ask", count=3), lambda: None, danger=True)
            app.tell(app.say("proof.no_photo"))
            paths.append(single / "99-question.png")
            window.picture(paths[-1])
            window.tap(app.say("app.cancel"))
            paths.append(single / "99-signed-out.png")
            picture_signed_out(app, store, paths[-1])
            lay_out(paths, folder / f"{look}.png")
            print(folder / f"{look}.png")
        window.stop(app)
        store.close()


def picture_signed_out(app: PostriderApp, store: Store, path: Path) -> None:
    """The pairing page of a phone that was wiped before it could hand in everything."""
    store.put_setting("lost", "2")
    pairing = store.get_pairing()
    store.db.execute("DELETE FROM settings WHERE name = 'token'")
    show(app, PairPage, {})
    window.picture(path)
    if pairing is not None:
        store.save_pairing(pairing)


def lay_out(paths: list[Path], sheet: Path) -> None:
    pictures = [Image.open(path) for path in paths]
    width, height = pictures[0].size
    rows = -(-len(pictures) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * (width + 8), rows * (height + 8)), "#808080")
    for number, picture in enumerate(pictures):
        whole.paste(picture, (number % COLUMNS * (width + 8), number // COLUMNS * (height + 8)))
    whole.save(sheet)


if __name__ == "__main__":
    main()
