"""What can go wrong while services start, each with the sentence that says what to do."""

from pathlib import Path


class ServicesError(Exception):
    """PostgreSQL or Redis could not be started."""

    code = "services.failed"


class OneUrlMissing(ServicesError):
    """Set both DATABASE_URL and REDIS_URL, or neither."""

    code = "services.one_url_missing"

    def __init__(self, missing: str) -> None:
        super().__init__(f"{missing} is not set. {self.__doc__}")


class ServicesUnavailable(ServicesError):
    """There is no PostgreSQL with PostGIS and no Redis to use on this machine."""

    code = "services.unavailable"

    def __init__(self, reasons: str, install: str) -> None:
        super().__init__(
            f"{self.__doc__} {reasons}\nEither set DATABASE_URL and REDIS_URL, or run:\n"
            f"    {install}"
        )


class HomeInUse(ServicesError):
    """Another process uses this data folder; stop it or choose another folder."""

    code = "services.home_in_use"

    def __init__(self, home: Path, how: str) -> None:
        super().__init__(f"{home} is in use by a process that runs it {how}. {self.__doc__}")


class StartFailed(ServicesError):
    """A server did not start; its last words say why."""

    code = "services.start_failed"

    def __init__(self, server: str, last_words: str) -> None:
        super().__init__(f"{server} did not start:\n{last_words.strip()}")


class DataOfAnotherVersion(ServicesError):
    """The data folder was made by another major version of PostgreSQL."""

    code = "services.data_of_another_version"

    def __init__(self, home: Path, made_by: str, found: str) -> None:
        super().__init__(
            f"The data in {home} was made by PostgreSQL {made_by}, but this machine offers {found}."
            f" Install PostgreSQL {made_by} with PostGIS, or dump and restore the data."
        )
