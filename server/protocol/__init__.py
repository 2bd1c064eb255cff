"""The wire between a driver's phone and the server.

Shipped inside the app, so it imports the standard library only. Both sides speak nothing else:
an `Envelope` names a frame and carries its body; `from_driver` and `to_driver` are the frames;
`codec` turns them into JSON and back, strictly. Commands are imperative ("CompleteTask"), carry an
id that the phone makes once, and say when the thing happened in the street.

Not here: what the server does about a frame (live.driver_session), how the phone keeps it
(driver_app.core).
"""

PROTOCOL_VERSION = 1
"""Raised when an old phone could no longer be understood. `Hello` carries it; the server answers an
unknown one with a `Reject` that tells the driver to update the app."""
