"""The app: which page is open, what has changed in the store, how it looks."""

import ctypes
import gc
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.base import EventLoop
from kivy.clock import Clock as Frames
from kivy.core.window import Window
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout

from driver_app.core.doors import Doors
from driver_app.core.driver import Clock, Driver, read_clock
from driver_app.core.news import find_offer
from driver_app.core.steps import SinceBoot
from driver_app.core.store import ChangeWatch, Store
from driver_app.device.ports import Device
from driver_app.screens.design.theme import theme
from driver_app.screens.dialog import Dialog, Toast
from driver_app.screens.page import Page
from driver_app.screens.photos import forget_lost_photos
from driver_app.texts import Speaker, find_language
from server.protocol.from_driver import Position

LOOK_S = 0.25
"""Between two looks at what the background has written."""
POSITION_FRESH_S = 120
REST_S = 2.0
"""So long after the last page was shown, a fifth of a second is nobody's loss."""
LEFT_BEHIND_MAX = 1
"""Pages; more than that would be felt in the memory of the phone."""
GIVE_BACK_AFTER = 16
"""So often pages are cleared away without a rest before the memory goes back to the system."""
YOUNG, MIDDLE, NEVER = 700, 10, 1_000_000_000


class PostriderApp(App):
    """The screens' process."""

    def __init__(
        self,
        folder: Path,
        device: Device,
        *,
        clock: Clock = read_clock,
        since_boot: SinceBoot | None = None,
    ) -> None:
        super().__init__()
        self.title = "Postrider"
        self.folder = folder
        self.device = device
        self.clock = clock
        self.store = Store(folder, seal=device.seal)
        self.driver = Driver(
            self.store, clock=clock, device_model=device.model, since_boot=since_boot
        )
        self.doors = Doors(self.store)
        self.say = Speaker(find_language(None))
        self.pages: list[Page] = []
        self._asked: Dialog | None = None
        self._watch = ChangeWatch(self.store)
        self._stale = False
        self._offered: tuple[str, ...] = ()
        self._left_behind = self._cleared = 0
        # glibc keeps what was freed; Android's own allocator does not know this call.
        self._give_back = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)
        self._shown_s = 0.0

    def build(self) -> BoxLayout:
        self.device.hide_from_switcher()
        forget_lost_photos(self.folder)
        self._dress()
        self.room = FloatLayout()
        self._frame = BoxLayout()
        self._frame.add_widget(self.room)
        self._keep_clear()
        self.go_home()
        # The keyboard moves the page up instead of covering the field.
        Window.softinput_mode = "below_target"
        Window.bind(on_keyboard=self._on_key, on_resize=self._keep_clear)
        # What is there by now stays. What pages leave behind is cleared away when nobody waits for
        # the next one: in between, that took a fifth of a second.
        gc.freeze()
        gc.set_threshold(YOUNG, MIDDLE, NEVER)
        self._looking = Frames.schedule_interval(lambda _: self.look(), LOOK_S)
        return self._frame

    def _keep_clear(self, *_: object) -> None:
        """Nothing lies below the system's own bars."""
        covered = self.device.read_insets()
        self._frame.padding = (
            covered.left_px, covered.top_px, covered.right_px, covered.bottom_px,
        )  # fmt: skip

    def on_stop(self) -> None:
        gc.set_threshold(YOUNG, MIDDLE, MIDDLE)
        self._looking.cancel()
        Window.unbind(on_keyboard=self._on_key, on_resize=self._keep_clear)
        self.store.close()

    def on_pause(self) -> bool:
        return True

    # Which page

    def go_home(self) -> None:
        """To the first page: pairing until the phone is somebody's, then today's run."""
        from driver_app.screens.pair import PairPage  # noqa: PLC0415
        from driver_app.screens.today import TodayPage  # noqa: PLC0415

        view = self.driver.view()
        self.pages = []
        self.open(TodayPage if view.paired and not view.revoked else PairPage)

    def open(self, page: type[Page], **given: Any) -> None:
        self.pages.append(page(self, **given))
        self._show()

    def back(self) -> None:
        if len(self.pages) > 1:
            self.pages.pop()
            self._show()

    def after_task(self, task_id: str) -> None:
        """Back to the stop while something is to do there, else home to the next one."""
        stop = self.driver.view().find_stop_of(task_id)
        if stop is None or stop.finished:
            self.go_home()
        else:
            self.back()

    def _show(self) -> None:
        self._shown_s = time.monotonic()
        self._left_behind += 1
        self.room.clear_widgets()
        self.room.add_widget(self.pages[-1])
        self.pages[-1].refresh()

    def _on_key(self, _: object, key: int, *__: object) -> bool:
        """Android's back, which is escape on a keyboard."""
        if key != 27:
            return False
        if self._asked is not None:
            self._asked.close()
            self._asked = None
            return True
        if len(self.pages) > 1:
            self.back()
            return True
        return False

    # What has changed

    def look(self) -> None:
        """Show what the background, or this page, has written since the last look."""
        self._tidy_up()
        self._stale = self._watch.has_changed() or self._is_over() or self._stale
        # A page that is built anew under a finger would swallow the tap.
        if not self._stale or EventLoop.touches:
            return
        self._stale = False
        self._see_revocation()
        self._see_offer()
        if not self.pages[-1].keeps_still:
            self._left_behind += 1
            self.pages[-1].refresh()

    def _is_over(self) -> bool:
        until = self.pages[-1].shown_until
        return until is not None and self.clock() >= until

    def _see_offer(self) -> None:
        """It comes up by itself, once, unless the driver is entering something."""
        from driver_app.screens.offer import OfferPage  # noqa: PLC0415

        if self.pages[-1].keeps_still:
            return
        offer = find_offer(self.driver.view(), self.clock())
        if offer is not None and offer.task_ids != self._offered:
            self._offered = offer.task_ids
            self.open(OfferPage)

    def _tidy_up(self) -> None:
        rests = time.monotonic() > self._shown_s + REST_S and not EventLoop.touches
        if self._left_behind > (0 if rests else LEFT_BEHIND_MAX):
            gc.collect()
            self._left_behind = 0
            self._cleared += 1
            if rests or self._cleared >= GIVE_BACK_AFTER:
                self._give_back(0)
                self._cleared = 0

    def _see_revocation(self) -> None:
        from driver_app.screens.pair import PairPage  # noqa: PLC0415

        view, first = self.driver.view(), self.pages[0]
        if isinstance(first, PairPage):
            first.tell_again(view)
        elif view.revoked or not view.paired:
            self.go_home()

    def soon(self, deed: Callable[[], Any]) -> None:
        """Do it in the screens' own thread."""
        Frames.schedule_once(lambda _: deed(), 0)

    # How it looks

    def set_look(self, name: str, value: str) -> None:
        """One of language, text_scale, palette, hand."""
        self.store.put_setting(f"look_{name}", value)
        self._dress()
        self.pages = [type(page)(self, **page.given) for page in self.pages]
        self._show()

    def get_look(self, name: str) -> str:
        default = {"language": self.device.language, "text_scale": "1.0", "palette": "light"}
        return self.store.get_setting(f"look_{name}") or default.get(name, "right")

    def _dress(self) -> None:
        self.say = Speaker(find_language(self.get_look("language")))
        theme.apply(
            palette=self.get_look("palette"),
            text_scale=float(self.get_look("text_scale")),
            rtl=self.say.language.right_to_left,
            left_handed=self.get_look("hand") == "left",
        )

    # Saying and asking

    def tell(self, text: str) -> None:
        """A sentence over the page, for as long as it takes to read it."""
        for child in list(self.room.children):
            if isinstance(child, Toast):
                self.room.remove_widget(child)
        self.room.add_widget(Toast(text, self.room.remove_widget))

    def ask(self, text: str, yes: Callable[[], Any], *, danger: bool = False) -> None:
        """A question over the page; only yes does anything."""
        self._asked = Dialog(
            text, self.say("app.yes"), self.say("app.cancel"), yes, self.room, danger=danger
        )

    # What acts carry with them

    def position(self) -> Position | None:
        """Where the phone is, if it has known that within the last two minutes."""
        fix = self.store.get_last_fix()
        if fix is None or abs((self.clock() - fix.taken_at).total_seconds()) > POSITION_FRESH_S:
            return None
        return Position(lon=fix.lon, lat=fix.lat, accuracy_m=fix.accuracy_m)

    def write_report(self) -> Path:
        """What helps to find a fault: figures and states, no names, addresses or secrets."""
        view = self.driver.view()
        health = self.device.checks.read_health()
        lines = {
            "model": self.device.model,
            "link": view.link,
            "shift": view.shift,
            "stops": len(view.stops),
            "finished": view.finished_stops,
            "on_its_way": len(view.on_its_way),
            "attempts": [command.attempts for command in view.on_its_way],
            "refused": [command.reject_code for command in view.needs_attention],
            "unsent_fixes": view.unsent_fixes,
            "health": health,
            "free_mb": shutil.disk_usage(self.folder).free >> 20,
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        path = self.folder / "report.txt"
        path.write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
        return path
