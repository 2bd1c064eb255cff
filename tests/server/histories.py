"""Random histories of one room, played on a database of their own and the same in each run."""

import asyncio
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from server.kit.db import Database
from tests.conftest import Databases


def play_histories(
    databases: Databases,
    begin: Callable[[asyncio.Runner, Database], RuleBasedStateMachine],
    *,
    histories: int,
    steps: int,
) -> None:
    """begin: what may happen and must hold; it leaves the database as it was."""
    with asyncio.Runner() as runner:
        name = runner.run(databases.copy())
        db = Database(databases.url(name))
        try:
            run_state_machine_as_test(
                lambda: begin(runner, db),
                settings=settings(
                    max_examples=histories,
                    stateful_step_count=steps,
                    deadline=None,
                    derandomize=True,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(db.close())
            runner.run(databases.drop(name))
