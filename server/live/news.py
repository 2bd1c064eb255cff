"""The channels on which processes tell each other what to read again. Hints only: see kit.feed."""

DRIVERS_CHANNEL = "drivers"
"""The message is the id of a driver whose phone has something to fetch, or was revoked."""

MAP_CHANNEL = "map"
"""The message is {"driver": id} or {"run": id}: that record of the live map has changed;
or {}: anything may have."""
