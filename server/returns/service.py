"""What other rooms may ask of returns."""

from server.returns.booking import request_return
from server.returns.collection import collect_unannounced
from server.returns.deciding import (
    approve_return,
    ask_for_return,
    book_return,
    cancel_return,
    create_return,
    decline_return,
    expire_next,
)
from server.returns.differences import list_differences, settle_difference
from server.returns.errors import (
    NotDoorToDepot,
    NothingToReturn,
    NothingWentOut,
    NotReturnable,
    PhotoNeeded,
    PriceUnknown,
    ReturnWindowOver,
    TooManyUnits,
    UnknownExchange,
    UnknownReason,
    UnknownReturn,
    WhichGoods,
)
from server.returns.exchange import (
    cancel_exchange,
    create_exchange,
    get_exchange,
    list_exchanges,
)
from server.returns.exchange_progress import pay_difference
from server.returns.goods import returnable_of
from server.returns.inspection import inspect_line
from server.returns.lookup import get_return, list_returns
from server.returns.photos import keep_photo
from server.returns.reasons import list_reasons, save_reason
from server.returns.receiving import receive_goods
from server.returns.resolution import resolve_return
from server.returns.views import (
    CountedLine,
    DifferenceView,
    ExchangeRequest,
    ExchangeView,
    Finding,
    FoundGoods,
    ReplacementLine,
    ReturnableGoods,
    ReturningGoods,
    ReturningParcel,
    ReturnReason,
    ReturnState,
    ReturnView,
)

__all__ = [
    "CountedLine",
    "DifferenceView",
    "ExchangeRequest",
    "ExchangeView",
    "Finding",
    "FoundGoods",
    "NotDoorToDepot",
    "NotReturnable",
    "NothingToReturn",
    "NothingWentOut",
    "PhotoNeeded",
    "PriceUnknown",
    "ReplacementLine",
    "ReturnReason",
    "ReturnState",
    "ReturnView",
    "ReturnWindowOver",
    "ReturnableGoods",
    "ReturningGoods",
    "ReturningParcel",
    "TooManyUnits",
    "UnknownExchange",
    "UnknownReason",
    "UnknownReturn",
    "WhichGoods",
    "approve_return",
    "ask_for_return",
    "book_return",
    "cancel_exchange",
    "cancel_return",
    "collect_unannounced",
    "create_exchange",
    "create_return",
    "decline_return",
    "expire_next",
    "get_exchange",
    "get_return",
    "inspect_line",
    "keep_photo",
    "list_differences",
    "list_exchanges",
    "list_reasons",
    "list_returns",
    "pay_difference",
    "receive_goods",
    "request_return",
    "resolve_return",
    "returnable_of",
    "save_reason",
    "settle_difference",
]
