"""What a gateway remembers of the phones that it serves, so that it need not read it each time.

It is only taken for true while the row of the phone says so (see settling): another gateway may
have served it since. So it may be forgotten, or be wrong, at any time.
"""

from collections.abc import Sequence

import numpy as np

from server.tracking.arrivals import Sender
from server.tracking.devices import Memories

BEGIN_WITH = 64
KNOWN_MAX = 50_000
"""6 MB; then all are forgotten, and read once more."""


class KnownDevices:
    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._memories = Memories.of_nobody(BEGIN_WITH)

    def recall(self, senders: Sequence[Sender]) -> Memories | None:
        """Copies, in the order of the senders; None when one of them is not known."""
        numbers = self._find(senders)
        return None if None in numbers else self._memories.take(np.array(numbers, np.int64))

    def keep(self, senders: Sequence[Sender], memories: Memories) -> None:
        """What is known of them from now on: the transaction that wrote it was committed."""
        if len(self._numbers) > KNOWN_MAX:
            self._numbers.clear()
        numbers = self._find(senders)
        if None in numbers:
            for sender in senders:
                self._numbers.setdefault(sender.key, len(self._numbers))
            while len(self._numbers) > self._memories.count:
                self._memories.grow()
            numbers = self._find(senders)
        self._memories.put(np.array(numbers, np.int64), memories)

    def _find(self, senders: Sequence[Sender]) -> list[int | None]:
        return list(map(self._numbers.get, [sender.key for sender in senders]))
