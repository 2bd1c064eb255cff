"""What other rooms may ask of fulfilment."""

from server.fulfilment.carton_suggestion import suggest_cartons
from server.fulfilment.carton_types import CartonType, save_carton
from server.fulfilment.fulfilments import FulfilmentView
from server.fulfilment.listing import (
    FulfilmentDetail,
    GoodsView,
    get_fulfilment,
    hold_fulfilment,
    list_fulfilments,
    release_fulfilment,
)
from server.fulfilment.packing import PackedView, Packing, pack_parcel
from server.fulfilment.picking import NextPick, Picked, PickTaskView, next_pick, pick_scanned
from server.fulfilment.put_backs import list_put_backs, put_back_scanned
from server.fulfilment.shortages import (
    ShortageView,
    leave_out,
    list_shortages,
    set_substitutes,
    substitute_shortage,
)
from server.fulfilment.waves import WaveView, cancel_wave, create_wave, list_waves

__all__ = [
    "CartonType",
    "FulfilmentDetail",
    "FulfilmentView",
    "GoodsView",
    "NextPick",
    "PackedView",
    "Packing",
    "PickTaskView",
    "Picked",
    "ShortageView",
    "WaveView",
    "cancel_wave",
    "create_wave",
    "get_fulfilment",
    "hold_fulfilment",
    "leave_out",
    "list_fulfilments",
    "list_put_backs",
    "list_shortages",
    "list_waves",
    "next_pick",
    "pack_parcel",
    "pick_scanned",
    "put_back_scanned",
    "release_fulfilment",
    "save_carton",
    "set_substitutes",
    "substitute_shortage",
    "suggest_cartons",
]
