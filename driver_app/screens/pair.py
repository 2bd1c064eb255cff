"""Whose phone this is: a code from the dispatcher, scanned or typed."""

import threading

from driver_app.core.errors import PhoneError
from driver_app.core.pairing import read_pairing_link
from driver_app.core.view import RunView
from driver_app.screens.design.components import Field, IconAction
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page


class PairPage(Page):
    keeps_still = True

    def open(self) -> None:
        self.server_url = self.app.store.get_setting("server_url") or ""
        self.code = ""
        self.tls_pin: str | None = None
        self.asking = False

    def build(self, run: RunView) -> None:
        from driver_app.screens.settings import SettingsPage  # noqa: PLC0415

        menu = IconAction(icon="settings", act=lambda: self.app.open(SettingsPage))
        self.title(self.say("pair.title"), actions=(menu,), home=True)
        self.told = self._tell(run)
        if self.told:
            self.add(self.banner(self.told, "bad", "lock"))
        self.add(Txt(said=self.say("pair.intro")))
        self.add(self.button(self.say("pair.scan"), "qr", self._scan, "soft"))
        server = Field(label=self.say("pair.server"), text=self.server_url, input_type="url")
        server.bind(text=lambda _, text: setattr(self, "server_url", text))
        code = Field(label=self.say("pair.code"), text=self.code, entered=lambda _: self._pair())
        code.bind(text=lambda _, text: setattr(self, "code", text))
        self.add(server, code)
        if self.asking:
            self.add_foot(self.button(self.say("pair.asking"), "sync", lambda: None, "off"))
        else:
            self.add_foot(self.button(self.say("pair.do"), "lock", self._pair))

    def tell_again(self, run: RunView) -> None:
        """What becomes of a phone that was signed out; nothing else is built anew meanwhile."""
        if self._tell(run) != self.told:
            self.refresh()

    def _tell(self, run: RunView) -> str:
        if run.revoked:
            waiting = len(run.on_its_way) + run.full_photos
            return self.say("pair.revoked" if waiting else "pair.wiping", count=waiting)
        if run.lost is None:
            return ""
        return self.say("pair.lost" if run.lost else "pair.wiped", count=run.lost)

    def _scan(self) -> None:
        self.app.device.scanner.scan(lambda text: self.app.soon(lambda: self._take(text)))

    def _take(self, text: str | None) -> None:
        found = read_pairing_link(text or "")
        if found is None:
            self.app.tell(self.say("pair.not_a_code"))
            return
        self.server_url, self.code, self.tls_pin = found.server_url, found.code, found.tls_pin
        self._pair()

    def _pair(self) -> None:
        """Asks beside the screens' thread: the one act that needs network."""
        if self.asking:
            return
        self.asking = True
        self.refresh()
        server_url, code, tls_pin = self.server_url, self.code, self.tls_pin

        def ask() -> None:
            try:
                self.app.driver.pair(server_url, code, tls_pin)
            except PhoneError as error:
                text = self.say.explain(error)
                self.app.soon(lambda: self._fail(text))
            else:
                self.app.soon(self._go_on)

        threading.Thread(target=ask, daemon=True).start()

    def _fail(self, text: str) -> None:
        self.asking = False
        self.refresh()
        self.app.tell(text)

    def _go_on(self) -> None:
        from driver_app.screens.settings import CheckPage  # noqa: PLC0415

        self.app.go_home()
        self.app.open(CheckPage)
