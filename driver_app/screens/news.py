"""What others tell the driver: messages, a changed run, refused work; and what still waits."""

from driver_app.core.changes import Change
from driver_app.core.outbox import WaitingCommand
from driver_app.core.progress import state_after
from driver_app.core.view import RunView
from driver_app.screens.design.components import Card, Chips
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page, clock_time
from driver_app.screens.today import link_chip
from driver_app.texts import Speaker
from server.protocol.from_driver import CollectReturn, ScanParcels


class MessagesPage(Page):
    def build(self, run: RunView) -> None:
        self.title(self.say("messages.title"))
        if not run.notices:
            self.add(self.banner(self.say("messages.none"), "idle", "message"))
            return
        for notice in run.notices:
            card = Card()
            card.add(
                Txt(said=notice.message),
                Txt(said=clock_time(notice.received_at), size_of="small", tone="ink_2"),
            )
            self.add(card)
        newest = run.notices[0].received_at.isoformat()
        self.add_foot(self.button(self.say("messages.read"), "check", lambda: self._read(newest)))

    def _read(self, newest: str) -> None:
        self.app.store.put_setting("read_notice", newest)
        self.app.back()


class ChangesPage(Page):
    def build(self, run: RunView) -> None:
        self.title(self.say("changes.title"))
        icons = {"added": "plus", "removed": "minus", "moved": "sync", "next": "forward"}
        tones = {"added": "good", "removed": "bad", "next": "primary"}
        for change in self.app.driver.list_changes():
            text = describe_change(self.say, change)
            tone = tones.get(change.kind, "warn")
            self.add(self.banner(text, tone, icons.get(change.kind, "clock")))
        self.add_foot(self.button(self.say("changes.seen"), "check", self._see))

    def _see(self) -> None:
        self.app.driver.take_note_of_run()
        self.app.back()


class AttentionPage(Page):
    def build(self, run: RunView) -> None:
        self.title(self.say("attention.title"))
        if not run.needs_attention:
            self.add(self.banner(self.say("attention.none"), "good", "check"))
            return
        self.add(Txt(said=self.say("attention.intro"), tone="ink_2"))
        for command in run.needs_attention:
            self.add(self._show(command))

    def _show(self, command: WaitingCommand) -> Card:
        card = Card(tone="bad")
        code = command.reject_code or ""
        reason = self.say(code) if self.say.knows(code) else command.reject_message or code
        card.add(
            Txt(said=describe_command(self.say, command), bold=True),
            Txt(said=reason, tone="bad"),
            self.button(
                self.say("attention.again"), "again", lambda: self._again(command.id), "soft"
            ),
        )
        if code.startswith(("phone.file", "kit.blob", "live.blob", "blobs.")):
            card.add(
                self.button(
                    self.say("attention.without"),
                    "camera",
                    lambda: self._again(command.id, without_files=True),
                    "soft",
                )
            )
        card.add(
            self.button(
                self.say("attention.settled"),
                "delete",
                lambda: self.app.ask(
                    self.say("attention.settled_ask"),
                    lambda: self._dismiss(command.id),
                    danger=True,
                ),
                "plain",
            )
        )
        return card

    def _again(self, command_id: str, *, without_files: bool = False) -> None:
        self.act(lambda: self.app.driver.send_again(command_id, without_files=without_files))
        self.refresh()

    def _dismiss(self, command_id: str) -> None:
        self.act(lambda: self.app.driver.dismiss(command_id))
        self.refresh()


class WaitingPage(Page):
    def build(self, run: RunView) -> None:
        self.title(self.say("waiting.title"))
        chips = Chips()
        chips.add(link_chip(self, run))
        self.add(chips)
        if not run.on_its_way and not run.unsent_fixes:
            self.add(self.banner(self.say("waiting.none"), "good", "sent"))
            return
        self.add(Txt(said=self.say("waiting.intro"), tone="ink_2"))
        for command in run.on_its_way:
            card = Card()
            at = clock_time(command.body.occurred_at)
            card.add(Txt(said=f"{at} · {describe_command(self.say, command)}"))
            if command.attempts:
                tries = self.say("waiting.tries", count=command.attempts)
                card.add(Txt(said=tries, size_of="small", tone="ink_2"))
            self.add(card)
        if run.unsent_fixes:
            self.add(Txt(said=self.say("waiting.fixes", count=run.unsent_fixes), tone="ink_2"))


def describe_command(say: Speaker, command: WaitingCommand) -> str:
    """What the driver did, and where."""
    body = command.body
    state = state_after(body)
    if state is not None:
        deed = say(f"state.{state}")
    elif isinstance(body, CollectReturn):
        deed = say("return.title")
    elif isinstance(body, ScanParcels):
        deed = say("load.title" if body.purpose == "load" else "debrief.scan_back")
    else:
        deed = say("shift.title")
    return f"{deed}: {command.place}" if command.place else deed


def describe_change(say: Speaker, change: Change) -> str:
    at = clock_time(change.at) if change.at else ""
    return say(
        f"changes.{change.kind}",
        place=change.place,
        number=change.number,
        old=change.old,
        time=at,
    )
