"""What a command says when it cannot go on because of its surroundings, not because of a defect."""

import httpx
from sqlalchemy.exc import DBAPIError

from routing.road_errors import RoadsError
from server.app.simulation.office import Refused
from server.kit.db import is_away
from server.kit.errors import PostriderError
from server.kit.services.errors import ServicesError

UNDEFINED_TABLE = "42P01"


def last_words(error: Exception) -> str | None:
    """A line for the person at the terminal; None for a defect, which deserves its traceback."""
    match error:
        case PostriderError() | ServicesError() | RoadsError() | Refused():
            return str(error)
        case httpx.TransportError() | httpx.InvalidURL():
            return f"The server does not answer ({error}). Is its address right?"
        case DBAPIError() if getattr(error.orig, "sqlstate", None) == UNDEFINED_TABLE:
            return "The database has no tables yet. Run `./postrider migrate` first."
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}."
        case _ if is_away(error):
            return f"The database does not answer ({_cause(error)}). Is DATABASE_URL right?"
        case _:
            return None


def _cause(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__
