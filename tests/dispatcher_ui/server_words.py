"""What the server can say to the console, read from the server's own code: states and codes by
their life cycles and constraints, sentences by their tables, deeds by the calls that note them."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import server
from routing.explain import ALONE_SENTENCES, OUT_OF_TIME
from server.dispatch.exception_words import KINDS, WORDS
from server.dispatch.load_check import ExpectedParcel
from server.dispatch.outcomes import OUTCOMES
from server.dispatch.work import OBSTACLES
from server.identity.access import Role
from server.inventory.returned import MOVE_KINDS
from server.inventory.stock import LowStockState
from server.kit.db import Base
from server.kit.errors import PostriderError
from server.kit.lifecycle import Lifecycle
from server.orders.order import CancelCode, HoldKind
from server.protocol.envelope import COMMANDS
from server.returns.views import Grade

SERVER = Path(server.__file__).parent
ROOMS = [path for path in SERVER.rglob("*.py") if not {"bench", "migrations"} & {*path.parts}]

NOT_SHOWN = {
    "allocation.state", "billable_work.work", "depot_scan.direction", "fulfilment.cancellation",
    "geofence.rule", "map_name.kind", "orders.origin", "payment.paid_into", "pick_task.kind",
    "proof.kind", "returned_goods.state", "time_taken.kind",
}  # fmt: skip
"""Columns whose codes no page shows as words."""

NOT_OF_THE_CONSOLE = {
    # Doors for phones, trackers and customers, whose pages have words of their own.
    *(
        f"server.live.{door}"
        for door in (
            "driver_session", "entrance", "followers", "guess_limit", "handover", "last_words",
            "lookup", "osmand", "owntracks", "pages", "return_pages", "routes", "self_service",
            "trackers", "wishes",
        )
    ),
    # Commands, which speak to whoever runs the machine.
    "server.places.map_import", "server.places.osm",
}  # fmt: skip
"""Modules whose refusals the console never meets. A new one has to be told in every language, or
stand here."""

EXPLAINING = (
    "routing/explain.py", "routing/insert.py", "routing/rules.py", "routing/schedule.py",
    "server/billing/charging.py", "server/billing/fees.py", "server/billing/freight.py",
    "server/billing/invoice_drafts.py", "server/billing/pricing.py",
    "server/dispatch/amendments.py", "server/dispatch/announced.py",
    "server/dispatch/depot_gate.py", "server/dispatch/fleet.py", "server/dispatch/load_check.py",
    "server/dispatch/offers.py", "server/dispatch/pins.py", "server/dispatch/planner.py",
    "server/dispatch/publishing.py", "server/dispatch/shifts.py", "server/dispatch/street.py",
    "server/dispatch/urgent.py", "server/dispatch/vehicle_load.py", "server/dispatch/work.py",
    "server/fulfilment/shortages.py", "server/orders/quotes.py", "server/orders/verification.py",
    "server/returns/exchange_progress.py",
)  # fmt: skip
"""Where sentences are made with their values in them: why work is left out, what a scan means, what
has changed since a plan was made, why an order is held, what is wrong in a row of a file."""


def refusals() -> set[str]:
    """The patterns of all errors that can reach the console."""
    for module in pkgutil.walk_packages(server.__path__, "server."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {
        error.pattern()
        for error in _with_all_below(PostriderError)
        if error.__module__.startswith("server.") and error.__module__ not in NOT_OF_THE_CONSOLE
    }


def _with_all_below(error: type[PostriderError]) -> Iterator[type[PostriderError]]:
    yield error
    for each in error.__subclasses__():
        yield from _with_all_below(each)


def explanations() -> set[str]:
    """Every sentence of those files, and every reason for which a part is wrong, with an X where a
    value stands."""
    trees = [_tree_of(SERVER.parent / path) for path in EXPLAINING]
    sentences = {text for tree in trees for text in _texts(tree) if SENTENCE.fullmatch(text)}
    reasons = {
        text
        for path in ROOMS
        for call in _calls(
            _tree_of(path), "BadCell", "BadRule", "FormUnusable", "NotAlike", "wrong"
        )
        for text in _texts(call)
        if " " in text.strip(", ")
    }
    return sentences | reasons


SENTENCE = re.compile(r"[A-Z].* .*[.!?]")


def _texts(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return  # a docstring
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "X" for p in parts)
        case _:
            for each in ast.iter_child_nodes(node):
                yield from _texts(each)


def things() -> set[str]:
    """What has a life cycle, as it is called when it cannot become something."""
    return {each.thing for each in _lifecycles()}


def sentences() -> set[str]:
    """Whole sentences that the console translates as they are."""
    changes = set(chain.from_iterable(_strings_in_calls("record_change", "back_to_pool")))
    left_out = {*OBSTACLES.values(), *ALONE_SENTENCES.values(), OUT_OF_TIME}
    return {part for words in WORDS.values() for part in words} | left_out | changes


def codes() -> set[str]:
    """What the console turns into words: out_for_delivery becomes “Out for delivery”."""
    return {
        *states(), *_constrained(), *deeds(), *subjects(), *details(), *commands(), *KINDS, *Role,
        *(outcome.code for outcome in OUTCOMES), *MOVE_KINDS.values(),
        *_choices(CancelCode), *_choices(HoldKind), *_choices(Grade), *_choices(LowStockState),
        *_choices(ExpectedParcel.__annotations__["state"]), *order_log(),
    }  # fmt: skip


def as_words(code: str) -> str:
    """As words() of dispatcher_ui/src/values.ts does."""
    return (code[:1].upper() + code[1:]).replace("_", " ")


def states(of: str = "") -> Iterator[str]:
    """of: only of this thing, such as "The order"."""
    for each in _lifecycles():
        if of in ("", each.thing):
            yield from each.states


def _lifecycles() -> Iterator[Lifecycle]:
    for module in pkgutil.walk_packages(server.__path__, "server."):
        if module.name.endswith((".lifecycle", "_lifecycle", ".models", "_models")):
            found = vars(importlib.import_module(module.name)).values()
            yield from (each for each in found if isinstance(each, Lifecycle))


def _constrained() -> Iterator[str]:
    """Codes that a column may hold."""
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            rule = str(getattr(constraint, "sqltext", ""))
            for column, values in re.findall(r"(\w+) in \(([^)]*)\)", rule):
                if f"{table.name}.{column}" not in NOT_SHOWN:
                    yield from re.findall(r"'([^']+)'", values)


def _choices(literal: object) -> tuple[str, ...]:
    return tuple(literal.__args__)  # type: ignore[attr-defined]


def deeds() -> set[str]:
    """What the audit log may say was done."""
    noted = {deed.replace(".", "_") for path in ROOMS for deed in _deeds_of(path)}
    # These are moved from other rooms' modules, where no call names the state.
    return noted | {f"return_{state}" for state in states("The return")}


def order_log() -> set[str]:
    """What the story of an order may say of it; where it was moved to is one of its states."""
    strings = chain.from_iterable(_strings_in_calls("record"))
    return {each.replace(" ", "_") for each in strings}


def _deeds_of(path: Path) -> Iterator[str]:
    tree = _tree_of(path)
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
            continue
        for call in _calls(function, "record_audit"):
            (action,) = (each.value for each in call.keywords if each.arg == "action")
            yield from _values(action, function, tree)


def _values(
    told: ast.expr, function: ast.AsyncFunctionDef | ast.FunctionDef, tree: ast.Module
) -> Iterator[str]:
    """What an expression may be: a word, a choice, an argument of its function, a state."""
    match told:
        case ast.Constant(value=str(word)):
            yield word
        case ast.IfExp():
            yield from _values(told.body, function, tree)
            yield from _values(told.orelse, function, tree)
        case ast.JoinedStr():
            parts = [
                [
                    *_values(
                        each.value if isinstance(each, ast.FormattedValue) else each, function, tree
                    )
                ]
                for each in told.values
            ]
            first, second = parts
            yield from (one + other for one in first for other in second)
        case ast.Name(id=name):
            names = [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]
            names = [each for each in names if each != "self"]
            assert name in names, f"{ast.unparse(told)} in {function.name}"
            for call in _calls(tree, function.name):
                given = [each.value for each in call.keywords if each.arg == name]
                argument = given[0] if given else call.args[names.index(name)]
                caller = next(each for each in ast.walk(tree) if _holds(each, call))
                assert isinstance(caller, ast.AsyncFunctionDef | ast.FunctionDef)
                yield from _values(argument, caller, tree)
        case ast.Attribute(attr="kind"):
            yield from ("invoice", "credit_note")
        case ast.Attribute(attr="state", value=ast.Name(id=thing)):
            yield from states(f"The {thing}")
        case _:
            raise AssertionError(f"nobody knows what {ast.unparse(told)} may be")


def _holds(function: ast.AST, call: ast.Call) -> bool:
    is_function = isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef)
    return is_function and call in ast.walk(function)


def subjects() -> set[str]:
    """The kinds of things that deeds are about."""
    found = set()
    for path in ROOMS:
        for call in _calls(_tree_of(path), "record_audit"):
            (subject,) = (each.value for each in call.keywords if each.arg == "subject")
            found |= set(re.findall(r"^f?['\"](\w+):", ast.unparse(subject)))
    return found


def details() -> set[str]:
    """The names of details of exceptions and deeds, as detailPairs() of parts/details.ts shows
    them: without their units, minor units as an amount."""
    told_otherwise = {"task", "depot_id", "run_id", "driver_id", "variant", "receipts", "currency"}
    raised = {
        each.arg
        for path in ROOMS
        for call in _calls(_tree_of(path), "raise_exception", "_raise")
        for each in call.keywords
        if each.arg
    }
    audited = {
        name.value
        for path in ROOMS
        for call in _calls(_tree_of(path), "record_audit")
        for each in call.keywords
        if each.arg == "details" and isinstance(each.value, ast.Dict)
        for name in each.value.keys
        if isinstance(name, ast.Constant) and isinstance(name.value, str)
    }
    in_sentences = {
        name for words in WORDS.values() for name in re.findall(r"\{(\w+)\}", words.sentence)
    }
    names = raised - told_otherwise - in_sentences | audited - {"currency"}
    shown = {name for name in names if not name.endswith(("_id", "_ids"))}
    amounts = {re.sub("_minor$", "_amount", name) for name in shown - {"amount_minor"}}
    return {re.sub("_(mm|ml|m|g|s|h|kmh)$", "", name) for name in amounts}


def commands() -> set[str]:
    """What a phone says to have happened, as the page about its last words calls it."""
    return {re.sub(r"\B([A-Z])", r"_\1", command.__name__).lower() for command in COMMANDS}


@cache
def _tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in names:
                yield node


def _strings_in_calls(*names: str) -> Iterator[list[str]]:
    for path in ROOMS:
        for call in _calls(_tree_of(path), *names):
            yield [
                each.value
                for each in call.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
