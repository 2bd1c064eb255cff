"""`python -m server.kit.services [HOME]`: start the servers, print their URLs, wait for Ctrl-C."""

import signal
import sys
from pathlib import Path

from server.kit.services import ServicesError, running_services


def main() -> None:
    home = Path(sys.argv[1] if len(sys.argv) > 1 else ".postrider/data")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running_services(home) as services:
            lines = f"DATABASE_URL={services.database_url}\nREDIS_URL={services.redis_url}\n"
            sys.stdout.write(lines)
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        pass
    except ServicesError as error:
        sys.exit(str(error))


main()
