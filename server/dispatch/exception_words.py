"""What each kind of exception says to the dispatcher: what happened, and what usually helps.

Written in English; the console has the same sentences in other languages, so a value never stands
in one but is named in it, and is among the exception's details.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    """sentence: only what happened; {names} stand for details. advice: what to do next."""

    sentence: str
    advice: str


WORDS = {
    "done_by_another_driver": Words(
        "It was done by a driver from whom it had been taken.",
        "Tell the driver who has it now that it is done.",
    ),
    "done_though_cancelled": Words(
        "It was cancelled but was done all the same.",
        "Tell the sender: it was delivered although it was cancelled.",
    ),
    "done_twice": Words(
        "It was reported as done a second time.",
        "Mostly nothing. Look whether both reports mean the same parcels.",
    ),
    "done_after_failing": Words(
        "It was reported as done after it had failed.",
        "Take back what was planned for another attempt.",
    ),
    "failed_by_another_driver": Words(
        "A driver from whom it had been taken tried it without success.",
        "Tell the driver who has it now what happened.",
    ),
    "failed_after_end": Words(
        "It was reported as failed after it had ended.",
        "Ask the driver which of the two is true.",
    ),
    "proof_missing": Words(
        "Required proof is missing.",
        "Ask the driver for the proof, or call the consignee and note what was said.",
    ),
    "wrong_pin": Words(
        "The PIN was wrong.",
        "Call the consignee: was it handed to the right person?",
    ),
    "cash_differs": Words(
        "The cash taken differs from what was due.",
        "Count with the driver when the money is handed in, and note the difference.",
    ),
    "unknown_outcome": Words(
        "The outcome code does not fit this kind of task.",
        "Ask the driver what happened, then try again or send it back.",
    ),
    "partly_done": Words(
        "Not every parcel had the same outcome.",
        "Look at each parcel of the consignment, and tell the sender.",
    ),
    "not_delivered": Words(
        "It cannot be delivered without a decision.",
        "Decide with the sender: try again on another day, or send it back.",
    ),
    "pickup_failed": Words(
        "The pickup failed, so the delivery was cancelled.",
        "Call the sender, then try the pickup again.",
    ),
    "pickup_incomplete": Words(
        "Not every parcel was picked up.",
        "Ask the sender for the rest, or deliver what there is.",
    ),
    "attempts_exhausted": Words(
        "It failed too often to be tried again by itself.",
        "Decide with the sender: one more attempt, or send it back.",
    ),
    "declined": Words(
        "The driver declined it.",
        "Give it to another driver: it waits in the pool.",
    ),
    "cancelled_on_board": Words(
        "It was cancelled while its parcels are in a vehicle.",
        "Tell the driver to bring it back, and scan it at the gate.",
    ),
    "changed_on_the_road": Words(
        "It was amended while a driver was on the way to it.",
        "Call the driver: was the change seen?",
    ),
    "taken_from_run": Words(
        "It was amended and went back to the pool.",
        "Plan it again, or put it into a run of today.",
    ),
    "unknown_barcode": Words(
        "A scanned barcode belongs to no parcel.",
        "Look at the label: is it another carrier's parcel?",
    ),
    "loaded_without_task": Words(
        "A parcel was loaded that this driver has no task for.",
        "Let the driver unload it, or give the task to this run.",
    ),
    "loaded_without_scan": Words(
        "Some parcels were scanned when loading, others not.",
        "Ask the driver whether the others are in the vehicle.",
    ),
    "load_incomplete": Words(
        "Loading was finished although parcels were missing.",
        "Look for the missing parcels at the depot before the driver is far away.",
    ),
    "not_unloaded": Words(
        "The shift ended with parcels that were not scanned back at the depot.",
        "Look into the vehicle: the parcels were not scanned back.",
    ),
    "left_undone": Words(
        "The shift ended before it was done.",
        "Plan it again for the next day.",
    ),
    "no_shift": Words(
        "A driver reported working time without having a shift.",
        "Enter the shift, or ask why the driver was at work.",
    ),
    "swap_without_old": Words(
        "The replacement of an exchange was handed over without the old goods.",
        "Ask for the old goods: a return can be booked for them.",
    ),
    "swap_without_new": Words(
        "The old goods of an exchange were taken, its replacement stayed behind.",
        "Tell the customer, and plan the replacement again.",
    ),
    "breakdown": Words(
        "A vehicle broke down and its rest of the day was given to others.",
        "Look at the runs that took over: some may now be late.",
    ),
    "late": Words(
        "The promised time has passed.",
        "Call the customer, or agree on a new time.",
    ),
    "will_be_late": Words(
        "The driver will probably come after the promised time.",
        "Tell the customer, move the stop forward or give it to another run.",
    ),
    "stands_too_long": Words(
        "The driver has been at this stop unusually long.",
        "Call the driver: what is the matter there?",
    ),
    "phone_silent": Words(
        "The phone has not been heard of for a while.",
        "Call the driver: is the app open?",
    ),
    "phone_silent.battery": Words(
        "The phone has not been heard of for a while. Its battery was nearly empty.",
        "Call the driver: charge it in the vehicle.",
    ),
    "phone_silent.denied": Words(
        "The phone has not been heard of for a while. The app may not use the location.",
        "Let the driver allow it in the phone's settings.",
    ),
    "phone_silent.off": Words(
        "The phone has not been heard of for a while. Location was switched off.",
        "Let the driver switch location on.",
    ),
    "phone_silent.network": Words(
        "The phone has not been heard of for a while. It had no network.",
        "Wait: its work is kept, and comes when there is network again.",
    ),
    "phone_silent.saver": Words(
        "The phone has not been heard of for a while. The battery saver was on and may have"
        " stopped the app.",
        "Let the driver open the app, and switch the battery saver off for it.",
    ),
    "phone_silent.closed": Words(
        "The phone has not been heard of for a while. The app was probably closed.",
        "Let the driver open the app.",
    ),
    "no_position": Words(
        "The phone is on, but does not say where it is. It may have no view of the sky.",
        "Let the driver open the app and look at its GPS check.",
    ),
    "no_position.denied": Words(
        "The phone is on, but does not say where it is. The app may not use the location.",
        "Let the driver allow it in the phone's settings.",
    ),
    "no_position.off": Words(
        "The phone is on, but does not say where it is. Location was switched off.",
        "Let the driver switch location on.",
    ),
    "no_position.saver": Words(
        "The phone is on, but does not say where it is. The battery saver is on.",
        "Let the driver switch the battery saver off for the app.",
    ),
    "left_route": Words(
        "The driver has left the roads of the run.",
        "Call: is it a detour, or the wrong way?",
    ),
    "speeding": Words(
        "The vehicle drove {speed_kmh} km/h, and may drive {limit_kmh}.",
        "Speak with the driver after the run.",
    ),
    "speeding.road": Words(
        "The vehicle drove {speed_kmh} km/h, and may drive {limit_kmh} there.",
        "Speak with the driver after the run.",
    ),
    "left_stop_open": Words(
        "The driver has left this stop, but its tasks are still open.",
        "Call: what became of its tasks?",
    ),
    "left_depot_unstarted": Words(
        "The driver has left the depot, but has not started the run on the phone.",
        "Let the driver start the run on the phone.",
    ),
    "back_at_depot": Words(
        "The driver is back at the depot with stops left.",
        "Ask what is missing.",
    ),
    "entered_geofence": Words(
        "The driver is in {geofence}, where nobody should be.",
        "Call: why there?",
    ),
    "left_geofence": Words(
        "The driver has left {geofence}, which nobody should leave.",
        "Call: where to?",
    ),
    "driver_wrote": Words(
        "The driver wrote: {text}",
        "Read it on the driver's page, and answer there.",
    ),
    "extra_cost": Words(
        "The driver paid {paid} for something else.",
        "Look at the receipt, and decide who bears it: a bonus in the driver's pay gives it back.",
    ),
    "extra_cost.parking": Words(
        "The driver paid {paid} for parking.",
        "Look at the receipt, and decide who bears it: a bonus in the driver's pay gives it back.",
    ),
    "extra_cost.toll": Words(
        "The driver paid {paid} for toll.",
        "Look at the receipt, and decide who bears it: a bonus in the driver's pay gives it back.",
    ),
    "extra_cost.ferry": Words(
        "The driver paid {paid} for a ferry.",
        "Look at the receipt, and decide who bears it: a bonus in the driver's pay gives it back.",
    ),
    "extra_cost.fuel": Words(
        "The driver paid {paid} for fuel.",
        "Look at the receipt, and decide who bears it: a bonus in the driver's pay gives it back.",
    ),
    "heard_of_old_phone": Words(
        "A phone that was signed out has handed in what it had not sent before.",
        "Check with the driver that all of it is true.",
    ),
    "work_of_old_phone": Words(
        "A phone that was signed out tells of work after that. Take it in or not.",
        "Ask the driver: is it true? Only then take it in; a finder may have claimed it.",
    ),
    "lost_with_phone": Words(
        "A phone that was signed out was wiped with work that was not taken in.",
        "Ask the driver what was done, and settle it by hand.",
    ),
    "offer_unanswered": Words(
        "The driver did not answer the offer of an urgent job in time.",
        "Offer it to another driver, or put it into a run of today.",
    ),
    "not_placed": Words(
        "No other run could take it after the breakdown.",
        "No run has room. Drive it urgently, or plan it for tomorrow.",
    ),
}
"""By kind, or by kind and variant where the cause is known."""

KINDS = frozenset(name.partition(".")[0] for name in WORDS)


def words_of(kind: str, variant: str | None) -> Words:
    """The variant's own, or else what the kind says."""
    return WORDS.get(f"{kind}.{variant}", WORDS[kind])


def fill_in(sentence: str, details: Mapping[str, object]) -> str:
    """The sentence with its details; a name that is none of them stays as it is."""
    return re.sub(r"\{(\w+)\}", lambda name: str(details.get(name[1], name[0])), sentence)
