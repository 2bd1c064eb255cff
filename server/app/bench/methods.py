"""The page on which two methods of showing devices are compared: built from dispatcher_ui/bench,
and served for as long as it is looked at."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from server.app.pages import run_npm


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return None


@contextmanager
def built_methods(folder: Path, say: Callable[[str], None]) -> Iterator[str]:
    """Where the page is."""
    config = "bench/vite.config.ts"
    run_npm("exec", "--", "vite", "build", "--config", config, "--outDir", str(folder), say=say)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
