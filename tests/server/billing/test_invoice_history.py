"""Whatever is charged, issued, credited, paid and taken back, in whatever order and with the power
failing between any two steps: after every step the books are true to the cent.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing import service as billing
from server.billing.service import CreditedLine, InvoiceView, NewPayment
from server.kit import clock
from server.kit.db import Database, OneConnectionDatabase
from server.kit.errors import Conflict
from server.kit.ids import new_id
from tests.conftest import Databases
from tests.server.billing.bookkeeping import NOON, Office
from tests.server.histories import play_histories

AMOUNTS = st.lists(st.sampled_from([0, 1, 3, 13, 99, 1_234, 50_000]), min_size=1, max_size=3)
VAT_CODES = st.sampled_from(["standard", "reduced", "zero", "exempt"])
EVER = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=360)}
SIGNS = {"invoice": 1, "credit_note": -1}


class PowerCut(Exception):
    """The process dies before it can commit."""


class InvoiceHistory(RuleBasedStateMachine):
    """Beside the office runs a model that only adds up what was said to happen.

    seen: how often each thing really happened, over all histories.
    """

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self, runner: asyncio.Runner, db: Database) -> None:
        super().__init__()
        self.run = runner.run
        self.connection = self.run(db.engine.connect().__aenter__())
        self.outer = self.run(self.connection.begin().__aenter__())
        self.office = Office(OneConnectionDatabase(self.connection))
        self.clock = clock.running(lambda: self.office.now)
        self.clock.__enter__()
        self.run(self.office.open())
        self.owners = [self.run(self.office.account(code)) for code in ("ACME", "BETA")]
        self.charges: list[UUID] = []
        self.invoices: list[UUID] = []
        self.notes: list[UUID] = []
        self.billed: Counter[UUID] = Counter()
        self.paid: Counter[UUID] = Counter()
        self.payments: dict[UUID, UUID] = {}  # payment -> account
        self.unassigned: dict[UUID, int] = {}  # payment -> minor units
        self.standing: list[UUID] = []  # matches made by hand

    def teardown(self) -> None:
        self.clock.__exit__(None, None, None)
        self.run(self.outer.rollback())
        self.run(self.connection.close())

    def act(self, work: Callable[[AsyncSession], Awaitable[Any]], *, crash: bool = False) -> Any:
        """What one transaction answers. crash: the power fails at its end, and somebody tries
        again."""

        async def in_transaction(crash: bool) -> Any:
            async with self.office.db.transaction() as session:
                answer = await work(session)
                if crash:
                    raise PowerCut
            return answer

        if crash:
            with pytest.raises(PowerCut):
                self.run(in_transaction(crash=True))
        return self.run(in_transaction(crash=False))

    def note_issued(self, paper: InvoiceView) -> None:
        """Its own sums are exact; the model takes it up."""
        assert paper.net_minor == sum(line.net_minor for line in paper.lines)
        assert paper.net_minor == sum(group.net_minor for group in paper.vat)
        assert paper.vat_minor == sum(group.vat_minor for group in paper.vat)
        assert paper.gross_minor == paper.net_minor + paper.vat_minor
        (self.invoices if paper.kind == "invoice" else self.notes).append(paper.id)
        self.billed[paper.account_id] += SIGNS[paper.kind] * paper.gross_minor
        self.seen[f"issued {paper.kind}"] += 1

    def invoice_all(self, owner: UUID, crash: bool, discard: bool = False) -> None:
        """Draft what waits, discard it once if asked, draft it again, issue it."""
        until = self.office.now
        for again in (True, False) if discard else (False,):
            drafts = self.act(
                lambda s: billing.draft_invoices(s, owner, until=until, by="test"), crash=crash
            )
            for draft in reversed(drafts.items) if again else ():
                self.act(lambda s, i=draft.id: billing.discard_draft(s, i, by="test"))
                self.seen["discarded"] += 1
        for draft in drafts.items:
            self.note_issued(
                self.act(lambda s, i=draft.id: billing.issue_invoice(s, i, by="test"), crash=crash)
            )

    @initialize()
    def trade_begins(self) -> None:
        for owner in self.owners:
            self.charges += self.run(self.office.charge(owner, 1_234, 13))
            self.invoice_all(owner, crash=False)

    @rule(
        beta=st.booleans(),
        amounts=AMOUNTS,
        vat_code=VAT_CODES,
        days=st.integers(0, 9),
        crash=st.booleans(),
        discard=st.booleans(),
    )
    def sell(
        self,
        beta: bool,
        amounts: list[int],
        vat_code: str,
        days: int,
        crash: bool,
        discard: bool,
    ) -> None:
        self.office.now += timedelta(days=days)
        owner = self.owners[beta]
        self.charges += self.run(self.office.charge(owner, *amounts, vat_code=vat_code))
        self.invoice_all(owner, crash, discard)

    @precondition(lambda self: self.charges)
    @rule(data=st.data(), crash=st.booleans())
    def refund(self, data: st.DataObject, crash: bool) -> None:
        """Refused when somebody has credited the line already; then it waits as a draft."""
        charge_id = data.draw(st.sampled_from(self.charges))
        self.charges.remove(charge_id)
        charge = self.act(lambda s: billing.get_charges(s, [charge_id]))[charge_id]
        if charge.net_minor == 0:
            return
        self.act(lambda s: billing.reverse_charge(s, charge_id, reason="lost", by="test"))
        self.office.now += timedelta(seconds=1)
        try:
            self.invoice_all(charge.account_id, crash)
        except Conflict:
            self.seen["refund refused"] += 1

    @rule(data=st.data(), part=st.sampled_from([None, 1, 7]), crash=st.booleans())
    def credit(self, data: st.DataObject, part: int | None, crash: bool) -> None:
        invoice_id = data.draw(st.sampled_from(self.invoices))
        invoice = self.run(self.office.get(invoice_id))
        line = data.draw(st.sampled_from(invoice.lines))
        left = line.net_minor - line.credited_minor
        asked = CreditedLine(line=line.number, net_minor=part)

        async def credit(session: AsyncSession) -> InvoiceView:
            return await billing.credit_invoice(
                session, invoice_id, lines=[asked], reason="Damaged", by="test"
            )

        if left < (part or 1):
            with pytest.raises(Conflict):
                self.act(credit)
        else:
            note = self.act(credit, crash=crash)
            assert note.net_minor == (part or left)
            self.note_issued(note)

    @rule(
        data=st.data(),
        minor=st.sampled_from([1, 500, 1_484, 60_000]),
        how=st.sampled_from(["named", "account", "nobody"]),
        crash=st.booleans(),
        times=st.integers(1, 2),
    )
    def pay(self, data: st.DataObject, minor: int, how: str, crash: bool, times: int) -> None:
        words, owner = "", None
        if how == "named":
            paper = self.run(self.office.get(data.draw(st.sampled_from(self.invoices))))
            words = f"thanks for {paper.number}"
        elif how == "account":
            owner = data.draw(st.sampled_from(self.owners))
        new = NewPayment(
            company="MAIN",
            bank_reference=f"bank:{new_id()}",
            amount_minor=minor,
            currency="EUR",
            received_on=self.office.now.date(),
            remittance=words,
            account_id=owner,
        )
        for _ in range(times):
            payment = self.act(lambda s: billing.record_payment(s, new, by="test"), crash=crash)
        if payment.account_id:
            self.payments[payment.id] = payment.account_id
            self.paid[payment.account_id] += minor
        else:
            self.unassigned[payment.id] = minor

    @precondition(lambda self: self.unassigned)
    @rule(beta=st.booleans(), times=st.integers(1, 2), crash=st.booleans())
    def assign(self, beta: bool, times: int, crash: bool) -> None:
        payment_id, minor = self.unassigned.popitem()
        owner = self.owners[beta]
        for _ in range(times):
            self.act(lambda s: billing.assign_payment(s, payment_id, owner, by="test"), crash=crash)
        self.payments[payment_id] = owner
        self.paid[owner] += minor
        self.seen["assigned"] += 1

    @rule(data=st.data(), minor=st.sampled_from([None, 1]), crash=st.booleans())
    def match(self, data: st.DataObject, minor: int | None, crash: bool) -> None:
        """Refused, whole, unless something is open and unused on the same account."""
        sources = [("credit_note_id", each) for each in self.notes]
        sources += [("payment_id", each) for each in self.payments]
        if not sources:
            return
        name, source_id = data.draw(st.sampled_from(sources))
        invoice_id = data.draw(st.sampled_from(self.invoices))

        async def match(session: AsyncSession) -> billing.MatchView:
            source: dict[str, Any] = {name: source_id}
            return await billing.match_invoice(
                session, invoice_id, amount_minor=minor, by="test", **source
            )

        try:
            self.standing.append(self.act(match, crash=crash).id)
        except Conflict:
            return
        self.seen[f"matched by {name}"] += 1

    @rule(data=st.data(), crash=st.booleans())
    def unmatch(self, data: st.DataObject, crash: bool) -> None:
        found = self.act(lambda s: billing.list_matches(s, self.invoices))
        standing = [each.id for each in found if each.undone_on is None]
        if standing:
            match_id = data.draw(st.sampled_from(standing))
            self.act(lambda s: billing.undo_match(s, match_id, by="test"), crash=crash)
            self.seen["unmatched"] += 1

    @invariant()
    def the_books_are_true(self) -> None:
        self.act(self.prove)

    async def prove(self, session: AsyncSession) -> None:
        papers = await billing.list_invoices(session, drafts=False, limit=500)
        payments = await billing.list_payments(session, limit=500)
        for kind, ids, prefix in (
            ("invoice", self.invoices, "INV"),
            ("credit_note", self.notes, "CN"),
        ):
            assert [paper.id for paper in papers if paper.kind == kind] == sorted(ids)[::-1]
            numbers = sorted(str(paper.number) for paper in papers if paper.kind == kind)
            years = Counter(number.split("-")[1] for number in numbers)
            assert numbers == sorted(
                f"{prefix}-{year}-{number:06d}"
                for year, last in years.items()
                for number in range(1, last + 1)
            )
        owed = await accounts.get_accounts(session, self.owners)
        today = self.office.now.date()
        aged = {each.account_id: each for each in await billing.list_ageing(session, as_of=today)}
        for owner in self.owners:
            still_open = sum(
                SIGNS[paper.kind] * paper.open_minor
                for paper in papers
                if paper.account_id == owner
            )
            unused = sum(each.unmatched_minor for each in payments if each.account_id == owner)
            assert owed[owner].owed_minor == self.billed[owner] - self.paid[owner]
            assert owed[owner].owed_minor == still_open - unused == aged[owner].total_minor
        sums: Counter[str] = Counter()
        ledger: Counter[str] = Counter()
        for posting in await billing.read_journal(session, **EVER):
            sums[posting.entry] += posting.debit_minor - posting.credit_minor
            ledger[posting.account_code] += posting.debit_minor - posting.credit_minor
        assert not any(sums.values())
        assert ledger["receivables"] == sum(each.owed_minor for each in owed.values())
        assert -ledger["unassigned_payments"] == sum(self.unassigned.values())


def test_any_history_of_trade_leaves_true_books(databases: Databases) -> None:
    play_histories(databases, InvoiceHistory, histories=12, steps=25)
    wanted = {"issued invoice", "issued credit_note", "discarded", "assigned", "unmatched"}
    assert set(InvoiceHistory.seen) > wanted, InvoiceHistory.seen
    print(InvoiceHistory.seen)
