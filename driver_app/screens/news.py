"""What others tell the driver: messages, a changed run, refused work; and what still waits."""

from datetime import datetime
from functools import partial

from driver_app.core.changes import Change
from driver_app.core.news import Line, list_heard, list_said
from driver_app.core.outbox import WaitingCommand
from driver_app.core.progress import state_after
from driver_app.core.view import RunView
from driver_app.screens.design.components import Card, Chips, Field, Pick
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page, clock_time
from driver_app.screens.today import link_chip
from driver_app.texts import Speaker
from server.protocol.from_driver import (
    AddEvidence,
    CollectReturn,
    ReportCost,
    ScanParcels,
    SendMessage,
)

PHRASES = ("late", "vehicle", "address", "call_me")


class MessagesPage(Page):
    def build(self, run: RunView) -> None:
        self.title(self.say("messages.title"))
        lines = list_said(run, self.app.driver.list_written())
        if not lines:
            self.add(self.banner(self.say("messages.none"), "idle", "message"))
        for line in lines:
            card = Card(tone="primary" if line.by_driver else "surface")
            who = self.say("messages.me" if line.by_driver else "messages.office")
            card.add(
                Txt(said=line.text),
                Txt(said=f"{who} · {clock_time(line.at)}", size_of="small", tone="ink_2"),
            )
            self.add(card)
        self.add_foot(
            self.button(self.say("messages.write"), "pen", lambda: self.app.open(WritePage), "soft")
        )
        if heard := list_heard(run):
            newest = heard[0].at.isoformat()
            self.add_foot(
                self.button(self.say("messages.read"), "check", lambda: self._read(newest))
            )

    def _read(self, newest: str) -> None:
        self.app.store.put_setting("read_notice", newest)
        self.app.back()


def has_unread(run: RunView, read: str | None) -> Line | None:
    """The newest message, if the driver has not read it. read: the moment up to which he has."""
    heard = list_heard(run)
    if not heard or (read and heard[0].at <= datetime.fromisoformat(read)):
        return None
    return heard[0]


class WritePage(Page):
    """A message to the office: one of four sentences by a tap, or typed."""

    keeps_still = True

    def open(self) -> None:
        self.text = ""

    def build(self, run: RunView) -> None:
        self.title(self.say("messages.write"))
        for phrase in PHRASES:
            text = self.say(f"messages.phrase.{phrase}")
            self.add(Pick(said=text, end_icon="right", act=partial(self._send, text)))
        field = Field(label=self.say("messages.own_words"), text=self.text)
        field.bind(text=lambda _, text: self._type(text))
        self.add(field)
        self.done = self.button(
            self.say("messages.send"), "message", lambda: self._send(self.text), "off"
        )
        self.add_foot(self.done)
        self._type(self.text)

    def _type(self, text: str) -> None:
        self.text = text
        self.done.kind = "primary" if text.strip() else "off"

    def _send(self, text: str) -> None:
        if self.act(lambda: self.app.driver.write_to_office(text, self.app.position())):
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
    elif isinstance(body, AddEvidence):
        deed = say("evidence.title")
    elif isinstance(body, ReportCost):
        deed = say("cost.title")
    elif isinstance(body, SendMessage):
        deed = say("messages.title")
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
