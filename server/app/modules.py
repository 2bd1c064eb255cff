"""The one list of rooms, from the ground up. A room that is not in it does not exist.

The order is the order of `Who may call whom` in the architecture; import contracts in
pyproject.toml enforce it, and a test compares the two.
"""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

MODULES = (
    "kit",
    "identity",
    "places",
    "accounts",
    "tracking",
    "arrivals",
    "consignments",
    "orders",
    "inventory",
    "returns",
    "dispatch",
    "fulfilment",
    "billing",
    "channels",
    "live",
    "reporting",
)


def load(part: str) -> list[ModuleType]:
    """The file called `part` ("models", "routes", "reactions", ...) of every room that has one."""
    names = [f"server.{module}.{part}" for module in MODULES]
    return [import_module(name) for name in names if find_spec(name) is not None]
