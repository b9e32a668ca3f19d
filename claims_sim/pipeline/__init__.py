"""The steps of the simulation as plain functions: profile, generate, publish, ingest, score. No Dagster, no CLI.

Assets, the CLI and the demo all call these. Each takes the settings and the time; none keeps anything open.
"""

from claims_sim.pipeline.approving import (
    ApprovalState,
    approval_state,
    approve_profile,
    find_approval,
    why_not_beside,
    why_unapproved,
)
from claims_sim.pipeline.authoring import (
    Relay,
    batch_writer,
    check_prompts,
    commit_batch,
    generate_batch,
    relay_outbox,
    require_author,
    review_outbox_batch,
)
from claims_sim.pipeline.evaluating import AuthorReport, PromptReport, evaluate_author, evaluate_prompts
from claims_sim.pipeline.fidelity import (
    FidelityRun,
    measure_fidelity,
    watch_drift,
    write_fidelity,
    write_whole,
)
from claims_sim.pipeline.in_force import quality_file
from claims_sim.pipeline.ingesting import Unread, drain, ingest, newest_claim_age_s, publish_snapshots, unread
from claims_sim.pipeline.injecting import Injection, injection_state, start_injection, stop_injection, take_share
from claims_sim.pipeline.memory import made_otherwise
from claims_sim.pipeline.on_demand import Answer, write_on_demand
from claims_sim.pipeline.profiling import (
    ProfileRefresh,
    check_isolation,
    check_output,
    current_profile,
    ensure_source,
    has_profile_of_source,
    keep_profile,
    latest_profile,
    named_profile,
    note_of_former_source,
    profile_source,
    propose_mapping,
    union_view_of,
)
from claims_sim.pipeline.purging import Purged, preview_purge, purge_claims
from claims_sim.pipeline.refreshing import (
    DEFAULT_TOP_K,
    Rollback,
    ScoreRefresh,
    refresh_scores,
    rollback_scores,
)
from claims_sim.pipeline.resources import channel, database, require_writable_state, why_channel_is_silent
from claims_sim.pipeline.scorers import ScorerCard, describe_scorer, try_scorer
from claims_sim.pipeline.scoring import (
    SCORER_TRAINING_CLAIMS,
    model_folder,
    open_scorer,
    score_chunks,
    score_new,
    scorer,
    scorer_access,
    train_for,
)
from claims_sim.pipeline.source_table import source_spec, source_table
from claims_sim.pipeline.tick import Tick, run_tick
from claims_sim.pipeline.watching import AuthorWatch, watch_author

__all__ = [
    "DEFAULT_TOP_K",
    "SCORER_TRAINING_CLAIMS",
    "Answer",
    "ApprovalState",
    "AuthorReport",
    "AuthorWatch",
    "FidelityRun",
    "Injection",
    "ProfileRefresh",
    "PromptReport",
    "Purged",
    "Relay",
    "Rollback",
    "ScoreRefresh",
    "ScorerCard",
    "Tick",
    "Unread",
    "approval_state",
    "approve_profile",
    "batch_writer",
    "channel",
    "check_isolation",
    "check_output",
    "check_prompts",
    "commit_batch",
    "current_profile",
    "database",
    "describe_scorer",
    "drain",
    "ensure_source",
    "evaluate_author",
    "evaluate_prompts",
    "find_approval",
    "generate_batch",
    "has_profile_of_source",
    "ingest",
    "injection_state",
    "keep_profile",
    "latest_profile",
    "made_otherwise",
    "measure_fidelity",
    "model_folder",
    "named_profile",
    "newest_claim_age_s",
    "note_of_former_source",
    "open_scorer",
    "preview_purge",
    "profile_source",
    "propose_mapping",
    "publish_snapshots",
    "purge_claims",
    "quality_file",
    "refresh_scores",
    "relay_outbox",
    "require_author",
    "require_writable_state",
    "review_outbox_batch",
    "rollback_scores",
    "run_tick",
    "score_chunks",
    "score_new",
    "scorer",
    "scorer_access",
    "source_spec",
    "source_table",
    "start_injection",
    "stop_injection",
    "take_share",
    "train_for",
    "try_scorer",
    "union_view_of",
    "unread",
    "watch_author",
    "watch_drift",
    "why_channel_is_silent",
    "why_not_beside",
    "why_unapproved",
    "write_fidelity",
    "write_on_demand",
    "write_whole",
]
