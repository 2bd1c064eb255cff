"""A phone's window without a screen: drawn in software, moved on frame by frame, touched by tests.

Nothing sleeps and no main loop runs: `frames` draws as many frames as the test wants.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("KIVY_HOME", tempfile.mkdtemp(prefix="kivy-"))
os.environ.update(
    SDL_AUDIODRIVER="dummy",
    KIVY_NO_ARGS="1",
    KIVY_NO_CONFIG="1",
    KIVY_NO_FILELOG="1",
    KIVY_LOG_MODE="PYTHON",
    KIVY_METRICS_DENSITY="1",
    KIVY_METRICS_FONTSCALE="1",
    KIVY_DPI="160",
)
if "DISPLAY" not in os.environ:
    os.environ["SDL_VIDEODRIVER"] = "offscreen"

from kivy.config import Config

SMALL = (360, 640)
"""The smallest phone that is still sold, in dp."""

Config.set("graphics", "width", str(SMALL[0]))
Config.set("graphics", "height", str(SMALL[1]))
Config.set("graphics", "multisamples", "0")
Config.set("graphics", "maxfps", "0")
Config.set("kivy", "keyboard_mode", "")
Config.set("kivy", "log_level", "warning")
for name, _ in Config.items("input"):
    Config.remove_option("input", name)

from kivy.base import EventLoop, runTouchApp
from kivy.clock import Clock as Ticks
from kivy.core.image import ImageLoader
from kivy.core.window import Window
from kivy.graphics.opengl import GL_RGB, GL_UNSIGNED_BYTE, glFinish, glReadPixels
from kivy.lang import Builder
from kivy.tests.common import UnitTestTouch
from kivy.uix.recycleview import RecycleView
from kivy.uix.scrollview import ScrollView
from kivy.uix.widget import Widget

from driver_app.core.driver import Clock, read_clock
from driver_app.core.steps import SinceBoot
from driver_app.device.ports import Device
from driver_app.screens.app import PostriderApp
from driver_app.screens.design.components import Field, Touched
from driver_app.screens.design.lettering import Txt


def start(
    folder: Path,
    device: Device,
    clock: Clock = read_clock,
    since_boot: SinceBoot | None = None,
) -> PostriderApp:
    """The app as on a phone, but frames come when the test wants them."""
    app = PostriderApp(folder, device, clock=clock, since_boot=since_boot)
    app._run_prepare()
    runTouchApp(embedded=True)
    frames(3)
    return app


def stop(app: PostriderApp) -> None:
    app.stop()
    for child in list(Window.children):
        Window.remove_widget(child)


def frames(count: int = 3) -> None:
    """Each until its last pixel is there: the flip, which waits for that on a phone, does nothing
    in a window that is nowhere, and the work would pile up."""
    for _ in range(count):
        EventLoop.idle()
        glFinish()


def layouts(count: int = 3) -> None:
    """As `frames`, without drawing: enough for where everything is, in a quarter of the time."""
    for _ in range(count):
        Ticks.tick()
        Builder.sync()
        Ticks.tick_draw()
        Builder.sync()


def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Draw frames until something that another thread or process does has been seen."""
    ends_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends_s, "it did not happen; on the screen: " + " | ".join(texts())
        frames(1)
        time.sleep(0.005)


def picture(path: Path) -> None:
    """Draw now and read before the flip: never a black frame."""
    frames(2)
    Window.canvas.ask_update()
    Window.dispatch("on_draw")
    glFinish()
    width, height = Window.system_size
    pixels = glReadPixels(0, 0, width, height, GL_RGB, GL_UNSIGNED_BYTE)
    saver = next(each for each in ImageLoader.loaders if each.can_save("png", False))
    saver.save(str(path), width, height, "rgb", pixels, True, "png")


def widgets[Kind: Widget](kind: type[Kind]) -> Iterator[Kind]:
    """All that is on the screen, of this kind; what was removed is not."""
    for top in list(Window.children):
        for widget in top.walk():
            if isinstance(widget, kind):
                yield widget


def texts() -> list[str]:
    return [text.said for text in widgets(Txt) if text.said]


def find(said: str) -> Touched:
    """What can be touched and says this; the topmost, such as a dialog's, first."""
    found = [each for each in widgets(Widget) if getattr(each, "said", None) == said]
    touchable = [each for each in found if hasattr(each, "trigger_action")]
    for each in found:
        parent = each.parent
        while not touchable and parent is not None and parent is not Window:
            if hasattr(parent, "trigger_action"):
                touchable.append(parent)
            parent = parent.parent
    assert touchable, f"{said!r} is not among {texts()}"
    return touchable[0]


def tap(said: str) -> None:
    """Touch it as a finger does, scrolled into sight before."""
    show(find(said))
    # Meanwhile the page may have been built anew, again and again on a slow machine.
    tries = 0
    while not in_sight(find(said)) and tries < 20:
        show(find(said))
        tries += 1
    touch(find(said))


def in_sight(widget: Widget) -> bool:
    x, y = widget.to_window(widget.center_x, widget.center_y)
    return bool(0 <= x <= Window.width and 0 <= y <= Window.height)


def touch(widget: Any, across: float = 0.5, down: float = 0.5) -> None:
    x, y = widget.to_window(widget.x + widget.width * across, widget.top - widget.height * down)
    assert 0 <= x <= Window.width and 0 <= y <= Window.height, f"{widget} is off the screen"
    finger = UnitTestTouch(x, y)
    finger.touch_down()
    frames(1)
    finger.touch_up()
    layouts(1)
    frames(1)


def show(widget: Widget) -> None:
    parent = widget.parent
    while parent is not None and parent is not Window:
        # A recycled row is only there because it is in sight.
        if isinstance(parent, ScrollView) and not isinstance(parent, RecycleView):
            parent.scroll_to(widget, animate=False)
        parent = parent.parent
    layouts(2)


def draw_on(widget: Any, points: list[tuple[float, float]]) -> None:
    """A finger's line over the widget, in shares from its upper left corner."""
    show(widget)
    places = [
        widget.to_window(widget.x + widget.width * x, widget.top - widget.height * y)
        for x, y in points
    ]
    finger = UnitTestTouch(*places[0])
    finger.touch_down()
    for place in places[1:]:
        finger.touch_move(*place)
    finger.touch_up()
    frames(2)


def type_into(label: str, text: str, *, enter: bool = False) -> None:
    """Touch the field with this label and type."""
    field = next(each for each in widgets(Field) if each.label == label)
    show(field)
    touch(field.ids.entry)
    assert field.ids.entry.focus, f"no cursor in {label}"
    field.ids.entry.text = ""
    field.ids.entry.insert_text(text)
    if enter:
        field.ids.entry.dispatch("on_text_validate")
    frames(3)
