"""What can be wrong with the warehouse's work, each with what to do about it."""

from server.kit.errors import Conflict, Forbidden, Invalid, NotFound


class ForTheCompany(Forbidden):
    """The warehouse works for all accounts at once. Take a key that is not confined to one."""

    code = "fulfilment.for_the_company"


class UnknownFulfilment(NotFound):
    """There is no fulfilment {fulfilment_id}. Look for it at /api/fulfilments."""

    code = "fulfilment.unknown"


class UnknownWave(NotFound):
    """There is no pick wave {wave_id}. Look for it at /api/pick-waves."""

    code = "fulfilment.unknown_wave"


class UnknownPutBack(NotFound):
    """There is no put-back task {task_id}. Look for it at /api/put-backs."""

    code = "fulfilment.unknown_put_back"


class UnknownShortage(NotFound):
    """There is no shortage {shortage_id}. Look for it at /api/shortages."""

    code = "fulfilment.unknown_shortage"


class UnknownCarton(NotFound):
    """There is no carton {carton!r} in use. Look at /api/cartons."""

    code = "fulfilment.unknown_carton"


class NotAWarehouse(Invalid):
    """{path} is no warehouse. Name one, and a zone within it if only that is to be picked."""

    code = "fulfilment.not_a_warehouse"


class NotInThisWarehouse(Invalid):
    """{path} is not in that warehouse. Name a zone within it."""

    code = "fulfilment.not_in_this_warehouse"


class UnknownPicker(Invalid):
    """There is no warehouse person {person_id}. Leave it out to pick yourself."""

    code = "fulfilment.unknown_picker"


class NothingToPick(Conflict):
    """There is nothing to pick there now. What is left is in other waves, or waits for stock."""

    code = "fulfilment.nothing_to_pick"


class WaveOver(Conflict):
    """This pick wave is {state}. Start a new one."""

    code = "fulfilment.wave_over"


class NothingToPickHere(Conflict):
    """Nothing more of {sku} is to be taken at {location} in this wave: it was scanned before, or
    its order was cancelled, or it lies elsewhere. Ask for what is next."""

    code = "fulfilment.nothing_to_pick_here"


class SayWhich(Invalid):
    """At {location} lie several kinds of {sku} for this wave. Give the lot, or the task."""

    code = "fulfilment.say_which"


class MoreThanAsked(Conflict):
    """Only {asked} units of {sku} are to be taken at {location}, not {quantity}. Lay the rest
    back."""

    code = "fulfilment.more_than_asked"


class NothingPicked(Invalid):
    """Say how many units you took; if the shelf is empty, say so with `short`."""

    code = "fulfilment.nothing_picked"


class WrongShelf(Invalid):
    """These goods belong at {location}. Scan that shelf, not {scanned!r}."""

    code = "fulfilment.wrong_shelf"


class NothingPickedToPack(Conflict):
    """Only {there} picked units of {sku} wait to be packed for this order, not {quantity}. Pick
    them first, or look into the parcels that are closed."""

    code = "fulfilment.nothing_picked_to_pack"


class SerialsNotPicked(Invalid):
    """Give the {quantity} serial numbers of {sku} that go into this parcel, as they were picked."""

    code = "fulfilment.serials_not_picked"


class TooHeavy(Invalid):
    """A carton {carton} holds {max_weight_g} g, and these goods weigh {weight_g} g. Take a larger
    one, or two."""

    code = "fulfilment.too_heavy"


class NotItsWeight(Invalid):
    """These goods weigh {least_g} g by their SKUs, so the parcel cannot weigh {weight_g} g. Weigh
    it again, or correct the SKU."""

    code = "fulfilment.not_its_weight"


class NothingToSend(Conflict):
    """Order {order} was cancelled. Put the goods back."""

    code = "fulfilment.nothing_to_send"


class SameSku(Invalid):
    """{sku} cannot stand in for itself. Name another SKU of the same account."""

    code = "fulfilment.same_sku"


class CannotWait(Conflict):
    """This fulfilment is {state}. Only one that nobody works on yet can be put on hold."""

    code = "fulfilment.cannot_wait"


class CartonUnchangeable(Conflict):
    """Parcels were packed in carton {carton} already, so its size stays. Make a new one."""

    code = "fulfilment.carton_unchangeable"
