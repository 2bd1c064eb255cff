"""How the app looks, what the phone must allow, and what helps to find a fault."""

from driver_app import VERSION
from driver_app.core.view import RunView
from driver_app.device.ports import PERMISSIONS
from driver_app.screens.afterwards import CostPage
from driver_app.screens.design.components import Pick
from driver_app.screens.design.lettering import Txt
from driver_app.screens.news import MessagesPage, WaitingPage
from driver_app.screens.page import Page
from driver_app.screens.shift import ShiftPage
from driver_app.texts import LANGUAGES, find_language


class SettingsPage(Page):
    def build(self, run: RunView) -> None:
        self.title(self.say("settings.title"))
        if run.paired:
            for key, icon, page in (
                ("shift", "clock", ShiftPage),
                ("waiting", "waiting", WaitingPage),
                ("messages", "message", MessagesPage),
                ("cost", "cash", CostPage),
            ):
                self.add(
                    Pick(
                        said=self.say(f"settings.{key}"),
                        icon=icon,
                        end_icon="right",
                        act=lambda page=page: self.app.open(page),
                    )
                )
        self.add(
            Pick(
                said=self.say("settings.check"),
                icon="phone",
                end_icon="right",
                act=lambda: self.app.open(CheckPage),
            )
        )
        languages = [(language.code, language.name) for language in LANGUAGES]
        spoken = find_language(self.app.get_look("language")).code
        self._offer("language", languages, spoken)
        sizes = [("1.0", "text_100"), ("1.15", "text_115"), ("1.3", "text_130")]
        self._offer_named("text_scale", "text", sizes)
        looks = [(each, each) for each in ("light", "dark", "sunlight")]
        self._offer_named("palette", "look", looks)
        self._offer_named("hand", "hand", [("right", "right"), ("left", "left")])
        self.add(
            Pick(
                said=self.say("settings.diagnostics"),
                detail=self.say("settings.diagnostics_detail"),
                icon="share",
                act=lambda: self.app.device.handover.share(self.app.write_report()),
            ),
            Txt(said=self.say("settings.about", version=VERSION), size_of="small", tone="ink_2"),
        )

    def _offer_named(self, name: str, heading: str, options: list[tuple[str, str]]) -> None:
        named = [(value, self.say(f"settings.{key}")) for value, key in options]
        self._offer(name, named, self.app.get_look(name), heading)

    def _offer(
        self, name: str, options: list[tuple[str, str]], chosen: str, heading: str = ""
    ) -> None:
        self.add(self.heading(self.say(f"settings.{heading or name}")))
        for value, text in options:
            self.add(
                Pick(
                    said=text,
                    chosen=value == chosen,
                    act=lambda value=value: self.app.set_look(name, value),
                )
            )


class CheckPage(Page):
    """What the phone must allow, with a plain way to put each right."""

    def build(self, run: RunView) -> None:
        self.title(self.say("check.title"))
        self.add(Txt(said=self.say("check.intro"), tone="ink_2"))
        checks = self.app.device.checks
        for permission in PERMISSIONS:
            allowed = checks.is_allowed(permission)
            self.add(
                Pick(
                    said=self.say(f"check.{permission}"),
                    detail="" if allowed else self.say("check.fix"),
                    icon="check" if allowed else "alert",
                    tone="good" if allowed else "bad",
                    end_icon="" if allowed else "right",
                    act=None if allowed else lambda p=permission: checks.fix(p),
                )
            )
        if all(checks.is_allowed(permission) for permission in PERMISSIONS):
            self.add(self.banner(self.say("check.well"), "good", "check"))
        self.add_foot(self.button(self.say("app.continue"), "forward", self.app.go_home, "primary"))
