"""All the waits of the phone's talk with the server."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Real seconds, whatever the phone's clock says. Tests and simulations shorten them.

    poll_s: between two looks at the store for what the other process has written.
    answer_s: for the first sign of life through a socket, and for the answer to a POST.
    lease_s: for the answer to a command or a batch of fixes, before it is sent again.
    fix_wait_s, fix_batch: fixes go when the oldest has waited so long, or when there are so many.
    backoff_first_s, backoff_cap_s: bounds of the pause after a failure, see `back_off_s`.
    post_every_s: between two POSTs when there is nothing to send.
    socket_retry_s: how long POST is used before a socket is tried again.
    """

    poll_s: float = 0.2
    heartbeat_s: float = 60
    answer_s: float = 20
    lease_s: float = 30
    fix_wait_s: float = 15
    fix_batch: int = 50
    backoff_first_s: float = 1
    backoff_cap_s: float = 60
    post_every_s: float = 10
    socket_retry_s: float = 300

    def back_off_s(self, failures: int) -> float:
        """Full jitter: anything from 0 up to a bound that doubles, so that a thousand phones do
        not come back in the same second."""
        bound_s = min(self.backoff_cap_s, self.backoff_first_s * 2.0 ** min(failures - 1, 20))
        return random.uniform(0, bound_s)


EVERYDAY = Pace()
