"""What other rooms may ask of returns."""

from server.returns.booking import (
    NotDoorToDepot,
    NothingToReturn,
    NothingWentOut,
    NotReturnable,
    WhichGoods,
    approve_return,
    cancel_return,
    create_return,
    decline_return,
    request_return,
)
from server.returns.collection import collect_unannounced
from server.returns.lookup import UnknownReturn, get_return, list_returns
from server.returns.views import ReturningParcel, ReturnState, ReturnView

__all__ = [
    "NotDoorToDepot",
    "NotReturnable",
    "NothingToReturn",
    "NothingWentOut",
    "ReturnState",
    "ReturnView",
    "ReturningParcel",
    "UnknownReturn",
    "WhichGoods",
    "approve_return",
    "cancel_return",
    "collect_unannounced",
    "create_return",
    "decline_return",
    "get_return",
    "list_returns",
    "request_return",
]
