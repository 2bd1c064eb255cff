"""Runs a server under an account that PostgreSQL accepts, and so that it never outlives us.

Each server has a keeper, a few lines of shell that hold a pipe to us. When we close the pipe, or
die in any way, the keeper stops the server in good order. A server that dies by itself is started
again for those who ask for it: a company's day does not end with one killed process.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Self

from server.kit.services.errors import StartFailed

LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
_START_TIMEOUT_S = 300.0  # recovery after a crash may take its time
STOP_TIMEOUT_S = 30.0
RESTART_AFTER_S = 0.5
_USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_SYSTEM_FOLDER = Path("/var/lib/postrider")

# $0 is the signal that stops the server, the arguments are its command.
_KEEPER = """
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
{ read -r _ <&3; kill -s "$0" "$server"; } &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"""


@dataclass(frozen=True)
class Account:
    """Who the servers run as. PostgreSQL refuses root, so root steps aside.

    A user namespace is best, as the data may then stay anywhere. Where it is not allowed, the
    servers run as `postgres` or `nobody`, who cannot enter /root: their files go to /var/lib.
    """

    prefix: tuple[str, ...] = ()
    user_id: int | None = None
    group_id: int | None = None

    @classmethod
    def choose(cls) -> Self:
        if os.geteuid() != 0:
            return cls()
        if shutil.which("unshare") and _succeeds([*_USER_NAMESPACE, "true"]):
            return cls(prefix=_USER_NAMESPACE)
        return cls.of_system()

    @classmethod
    def of_system(cls) -> Self:
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(user_id=entry.pw_uid, group_id=entry.pw_gid)
        raise StartFailed(
            "PostgreSQL", "It refuses root, and there is no user postgres or nobody to run it."
        )

    def folder(self, wanted: Path) -> Path:
        """`wanted`, or a stand-in that this account can reach."""
        if self.user_id is None:
            return wanted
        return _SYSTEM_FOLDER / sha256(bytes(wanted)).hexdigest()[:16]

    def data_major(self, home: Path) -> str | None:
        """The major version of the PostgreSQL that made the data in this home."""
        with suppress(FileNotFoundError):
            return (self.folder(home) / "postgres/PG_VERSION").read_text().strip()
        return None

    def give(self, path: Path) -> None:
        if self.user_id is not None and self.group_id is not None:
            os.chown(path, self.user_id, self.group_id)

    def open_process(
        self, command: list[str], environ: dict[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [*self.prefix, *command],
                env={**os.environ, "LC_ALL": LOCALE, **environ},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for us; we stop the servers ourselves
                user=self.user_id,
                group=self.group_id,
                extra_groups=None if self.user_id is None else [],
            )


class Server:
    """One server and its keeper."""

    def __init__(
        self, account: Account, command: list[str], environ: dict[str, str], log: Path, stop: str
    ) -> None:
        log.unlink(missing_ok=True)
        self.log = log
        self._open = partial(
            account.open_process, ["sh", "-c", _KEEPER, stop, *command], environ, log
        )
        self._is_wanted = True
        self._changing = threading.Lock()
        self.keeper = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        keeper = self._open()
        assert keeper.stdin
        # A forked child must not hold the pipe open after its parent.
        os.register_at_fork(after_in_child=keeper.stdin.close)
        return keeper

    def wait_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not ready():
            if self.keeper.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StartFailed(self.log.stem, self.log.read_text(errors="replace"))
            time.sleep(0.02)

    def keep_running(self, say: Callable[[str], None]) -> None:
        """Start it again, on what it has written, whenever it ends before it is asked to."""
        threading.Thread(
            target=self._keep_running, args=(say,), name=f"keeps {self.log.stem}", daemon=True
        ).start()

    def _keep_running(self, say: Callable[[str], None]) -> None:
        while True:
            code = self.keeper.wait()
            time.sleep(RESTART_AFTER_S)  # what is left of it lets go of memory and port
            with self._changing:
                if not self._is_wanted:
                    return
                say(f"{self.log.stem} ended with code {code}; starting it again")
                self.keeper = self._start()

    def ask_to_stop(self) -> None:
        with self._changing:
            self._is_wanted = False
            assert self.keeper.stdin
            self.keeper.stdin.close()

    def stop(self) -> None:
        self.ask_to_stop()
        try:
            self.keeper.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.keeper.pid, signal.SIGKILL)
            self.keeper.wait()


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
