"""What assets are handed: the settings, the simulation database as a DuckDB resource, and the producer lock."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import duckdb
from dagster import Failure, InitResourceContext, ResourceDefinition, resource
from dagster_duckdb import DuckDBResource

from claims_sim.errors import ClaimsSimError
from claims_sim.settings import Settings
from claims_sim.store import control, database

RUN_HOLDER: Final = "Dagster run"
"""How a run names itself to the producer lock."""

P = ParamSpec("P")
R = TypeVar("R")


def user_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn an error that a user can mend into a Dagster failure of one line, without a traceback of ours."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with one_line_failures(function.__name__, *args, *kwargs.values()):
            return function(*args, **kwargs)

    @wraps(function)
    def wrapped_generator(*args: P.args, **kwargs: P.kwargs) -> Any:
        with one_line_failures(function.__name__, *args, *kwargs.values()):
            yield from cast(Iterator[Any], function(*args, **kwargs))

    return wrapped_generator if isgeneratorfunction(function) else wrapped


@contextmanager
def one_line_failures(step: str = "", *given: object) -> Iterator[None]:
    """Within the block, a ClaimsSimError becomes a Dagster Failure with its message.

    Where a step was `given` the simulation, `claims-sim status` tells of it too.
    """
    try:
        yield
    except ClaimsSimError as error:
        for simulation in (one for one in given if isinstance(one, Simulation)):
            control.note_error(simulation.settings.state_dir, f"{RUN_HOLDER}, {step.lstrip('_')}", error)
        raise Failure(description=str(error), allow_retries=False) from None


@dataclass(frozen=True)
class Simulation:
    """The settings of the simulation, as the code location was built with them."""

    settings: Settings


class SimulationDatabase(DuckDBResource):
    """The simulation database, for assets of your own: short connections that wait for a lock, and always close.

    Production is never behind it: this resource opens no other file than the simulation's.
    """

    lock_timeout_s: float = 30

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the simulation database; closed also when the body raises."""
        with database.SimulationDatabase(
            Path(self.database), lock_timeout_s=self.lock_timeout_s
        ).connect() as connection:
            yield connection


@dataclass(frozen=True)
class Producer:
    """Held by a run for its length: one producer of claims at a time. The lock is freed when its process ends."""

    holder: str


def producer_resource(settings: Settings) -> ResourceDefinition:
    """The producer lock of these settings as a resource: a run holds it while it works, or fails with its holder's name."""

    @resource(description=Producer.__doc__)
    def producer(context: InitResourceContext) -> Iterator[Producer]:
        holder = f"{RUN_HOLDER} {context.run.run_id if context.run else 'a script'}"
        with ExitStack() as held:
            with one_line_failures():
                held.enter_context(control.producer_lock(settings.state_dir, holder))
            yield Producer(holder)

    return producer
