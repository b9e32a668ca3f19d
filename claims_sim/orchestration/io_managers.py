"""IO managers of the simulation: the transactional sinks behind the assets. They open the simulation's files only.

The stock DuckDB IO manager replaces or deletes before it writes and keeps its connection after an error; here an
output is one transaction, appended idempotently by claim id, on a connection that is always closed.
"""

from collections.abc import Iterator

import pyarrow as pa
from dagster import InputContext, IOManager, OutputContext

from claims_sim import pipeline
from claims_sim.errors import PositionMovedError
from claims_sim.generation.batch import Batch
from claims_sim.orchestration.metadata import ScoreTally
from claims_sim.orchestration.resources import user_errors
from claims_sim.profile.document import Profile
from claims_sim.settings import Settings
from claims_sim.store import scores, stream


class _SimulationIOManager(IOManager):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings


class ProfileIOManager(_SimulationIOManager):
    """Keeps the profile as a JSON document in the state folder; replaced atomically."""

    @user_errors
    def handle_output(self, context: OutputContext, obj: Profile) -> None:
        """Put the profile in force."""
        pipeline.keep_profile(self._settings, obj)

    @user_errors
    def load_input(self, context: InputContext) -> Profile:
        """The profile in force."""
        return pipeline.current_profile(self._settings)


class OutboxIOManager(_SimulationIOManager):
    """Commits a reviewed batch to the outbox, with its provenance; a batch committed twice is there once."""

    @user_errors
    def handle_output(self, context: OutputContext, obj: Batch) -> None:
        """Commit the batch."""
        pipeline.commit_batch(self._settings, obj)

    def load_input(self, context: InputContext) -> None:
        """Nothing: the relay reads the whole outbox, whichever run filled it."""


class StreamIOManager(_SimulationIOManager):
    """Stores what was drained: rows, dead letters and the position move in one transaction."""

    @user_errors
    def handle_output(self, context: OutputContext, obj: stream.Drain) -> None:
        """Commit the drain, and what is left of the channel after it.

        When another consumer moved the position meanwhile, nothing was written, and the channel is drained again
        from where that one stopped.
        """
        db = pipeline.database(self._settings)
        with db.kept_open():
            try:
                stream.commit_drain(db, obj)
            except PositionMovedError:
                context.log.info("Another consumer was faster; draining again from its position.")
            pipeline.ingest(self._settings)

    def load_input(self, context: InputContext) -> Iterator[pa.Table]:
        """Claims without a score, in bounded chunks, until none is left."""
        return scores.unscored_chunks(pipeline.database(self._settings))


class ScoresIOManager(_SimulationIOManager):
    """Stores scores chunk by chunk, each in one transaction; a claim scored again keeps its newest score."""

    @user_errors
    def handle_output(self, context: OutputContext, obj: Iterator[pa.Table]) -> None:
        """Pull, score and store until the chunks end."""
        tally = ScoreTally()
        for chunk in obj:
            scores.commit_scores(pipeline.database(self._settings), chunk)
            tally.add(chunk)
        context.add_output_metadata(tally.as_metadata(self._settings))

    @user_errors
    def load_input(self, context: InputContext) -> pa.Table:
        """The newest scores, for assets downstream of yours."""
        return scores.read_scores(pipeline.database(self._settings))
