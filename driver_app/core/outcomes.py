"""What a task can come to, in the order in which a driver is offered it. The server knows the same
codes (a test compares); a phone with older ones is understood all the same."""

from server.protocol.to_driver import TaskKind

SUCCESSES: dict[TaskKind, tuple[str, ...]] = {
    "delivery": (
        "delivered_to_consignee",
        "delivered_to_neighbour",
        "delivered_to_reception",
        "safe_place",
    ),
    "pickup": ("collected",),
    "return_pickup": ("collected",),
}

_NOBODY = ("not_home", "closed", "no_access", "bad_address")

FAILURES: dict[TaskKind, tuple[str, ...]] = {
    "delivery": (
        *_NOBODY,
        "refused",
        "damaged",
        "missing",
        "wrong_pin",
        "no_cash",
        "underage",
        "no_exchange",
        "out_of_time",
    ),
    "pickup": (*_NOBODY, "not_ready", "nothing_to_collect", "out_of_time"),
    "return_pickup": (*_NOBODY, "not_ready", "nothing_to_collect", "out_of_time"),
}
