"""Ends a process with its parent; loaded before anything that takes time to load.

An engine that holds Python's lock cannot look whether its parent is still there, so the system is
asked to end it. A process whose parent is gone before it could ask must find that out itself.
"""

import ctypes
import os
import signal
import sys
from threading import Thread
from time import sleep

SIGNAL_AT_PARENTS_DEATH = 1
"""PR_SET_PDEATHSIG of Linux' prctl."""


def die_with_parent(parent: int) -> None:
    """End with the parent, even if it is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

    def watch() -> None:
        while os.getppid() == parent:
            sleep(0.5)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
