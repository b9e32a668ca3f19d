"""The code location: `defs` for `workspace.yaml`, `build_definitions` for a Dagster project of your own."""

from dagster import Definitions, in_process_executor

from claims_sim.lean import leave_pandas_out
from claims_sim.lifeline import end_with_parent
from claims_sim.orchestration.assets import (
    WRITER_POOL,
    claims_distribution_profile,
    claims_live_stream,
    claims_normalized,
    ml_scores,
    synthetic_claims_batch,
)
from claims_sim.orchestration.evaluation import evaluate_scoring, evaluation_schedule, scoring_evaluation
from claims_sim.orchestration.fidelity import fidelity_report, fidelity_schedule, measure_fidelity
from claims_sim.orchestration.history import claims_history, make_history
from claims_sim.orchestration.io_managers import OutboxIOManager, ProfileIOManager, ScoresIOManager, StreamIOManager
from claims_sim.orchestration.jobs import (
    housekeeping,
    housekeeping_schedule,
    profile_schedule,
    refresh_profile,
    simulate_claims,
)
from claims_sim.orchestration.resources import Simulation, SimulationDatabase, producer_resource
from claims_sim.orchestration.score_refresh import refresh_ml_scores, scores_refresh_schedule
from claims_sim.orchestration.sensors import intake_sensor
from claims_sim.settings import Settings, settings_of_this_process

__all__ = ["WRITER_POOL", "build_definitions", "defs"]


def build_definitions(settings: Settings | None = None) -> Definitions:
    """Everything Dagster needs to know, for these settings (default: the environment's).

    Raises SettingsError with one line when a setting is wrong.
    """
    settings = settings or settings_of_this_process()
    return Definitions(
        assets=[
            claims_normalized,
            claims_distribution_profile,
            synthetic_claims_batch,
            claims_live_stream,
            ml_scores,
            fidelity_report,
            scoring_evaluation,
            claims_history,
        ],
        jobs=[
            simulate_claims,
            refresh_profile,
            refresh_ml_scores,
            measure_fidelity,
            evaluate_scoring,
            make_history,
            housekeeping,
        ],
        sensors=[intake_sensor(settings)],
        schedules=[
            profile_schedule(settings.profile_refresh_cron),
            housekeeping_schedule,
            fidelity_schedule,
            evaluation_schedule,
            scores_refresh_schedule,
        ],
        resources={
            "simulation": Simulation(settings),
            "producer": producer_resource(settings),
            "simulation_database": SimulationDatabase(
                database=str(settings.database_path), lock_timeout_s=settings.lock_timeout_s
            ),
            "profile_io_manager": ProfileIOManager(settings),
            "outbox_io_manager": OutboxIOManager(settings),
            "stream_io_manager": StreamIOManager(settings),
            "scores_io_manager": ScoresIOManager(settings),
        },
        executor=in_process_executor,
    )


leave_pandas_out()
_owner = settings_of_this_process().supervised_by
if _owner is not None:  # started by `up`: neither the code server nor a run may outlive it
    end_with_parent(_owner)
defs = build_definitions()
