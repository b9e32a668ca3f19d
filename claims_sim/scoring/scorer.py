"""The scorer that the pipeline uses: train once on claims sampled from a profile, save, load, score."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from claims_sim.errors import SourceError
from claims_sim.scoring.duplicates import Earlier
from claims_sim.scoring.features import READ, read_features, whole
from claims_sim.scoring.model import Trained, judge, train
from claims_sim.scoring.protocol import VERDICTS, OpenedScorer
from claims_sim.scoring.reasons import explain
from claims_sim.scoring.rules import ruleset_version
from claims_sim.scoring.versions import add_version, pack, read_version, unpack, version_of, write_version
from claims_sim.store.tables import SCORE_VALUES as SCORE_SCHEMA

BUILT_IN: Final = "claims_sim"
"""The name of this scorer beside every score of it."""


@dataclass(frozen=True, slots=True)
class RiskScorer:
    """A trained scorer: `files` is what it is saved as, the rest is made from them."""

    files: Mapping[str, bytes] = field(repr=False)
    card: Mapping[str, Any] = field(repr=False)
    trained: Trained = field(repr=False)
    model_version: str

    @staticmethod
    def from_files(files: Mapping[str, bytes]) -> "RiskScorer":
        """Read a packed scorer. Raises ScorerError when it is damaged or of another release."""
        card, trained = unpack(files)
        return RiskScorer(files, card, trained, version_of(files))

    @staticmethod
    def load(folder: Path, version: str | None = None) -> "RiskScorer":
        """The scorer that is in force in `folder`, or its `version`. Raises ScorerError when there is none."""
        return RiskScorer.from_files(read_version(folder, version))

    def save(self, folder: Path) -> str:
        """Add this scorer to `folder` and put it in force, atomically; older versions stay. Returns its version."""
        return write_version(folder, self.files)

    def keep(self, folder: Path) -> str:
        """Add this scorer to `folder` without putting it in force. Returns its version."""
        return add_version(folder, self.files)

    @property
    def disabled_rules(self) -> dict[str, str]:
        """The rules that are switched off at this source, and why."""
        return self.trained.calibration.disabled

    @property
    def ruleset_version(self) -> str:
        """The version of the rules that this scorer applies."""
        return ruleset_version()

    def score(
        self, claims: pa.Table, *, scored_at: datetime, source: str = "simulated", earlier: Earlier | None = None
    ) -> pa.Table:
        """Score `claims` (flat columns, any subset that holds claim_id and an amount): one row a claim, same order.

        Columns are `SCORE_SCHEMA`; every score is finite and on [0, 1]; `scored_at` is stored in UTC. Repeats are
        looked for within `claims` and among the `earlier` ones. Raises SourceError when a needed column is missing.
        """
        if "claim_id" not in claims.column_names:
            raise SourceError("the claims to score have no column claim_id: add or map it.")
        if earlier is not None:
            return self._score_after(earlier, claims, scored_at, source)
        return self._score(claims, scored_at, source, None)

    def _score_after(self, earlier: Earlier, claims: pa.Table, scored_at: datetime, source: str) -> pa.Table:
        """Scores of `claims`, which stand after the earlier ones."""
        both = [name for name in READ if name in claims.column_names and name in earlier.claims.column_names]
        before = earlier.claims.select(both).cast(claims.select(both).schema)
        scored = self._score(pa.concat_tables([before, claims.select(both)]), scored_at, source, earlier.in_window)
        return scored.slice(len(before))

    def _score(self, claims: pa.Table, scored_at: datetime, source: str, in_window: float | None) -> pa.Table:
        features = read_features(claims)
        judgement = judge(self.trained, features, in_window)
        flags, reasons = explain(features, judgement.view, judgement.fired)
        rows = len(claims)
        at = scored_at.astimezone(UTC).replace(tzinfo=None)
        return pa.Table.from_arrays(
            [
                whole(claims["claim_id"].cast(pa.string())),
                pa.repeat(pa.scalar(source), rows),
                pa.array(judgement.rule_score),
                pa.array(judgement.ml_score),
                pa.array(judgement.ml_score_normalized),
                pa.array(judgement.risk_score),
                flags,
                reasons,
                pa.repeat(pa.scalar(self.model_version), rows),
                pa.repeat(pa.scalar(self.ruleset_version), rows),
                pa.repeat(pa.scalar(at, pa.timestamp("us")), rows),
                pa.repeat(pa.scalar(BUILT_IN), rows),
            ],
            schema=SCORE_SCHEMA,
        )


class BuiltInScorer(OpenedScorer):
    """The built-in scorer behind the protocol that every scorer has."""

    def __init__(self, risk_scorer: RiskScorer) -> None:
        self.risk_scorer = risk_scorer
        self.name, self.version = BUILT_IN, risk_scorer.model_version

    def score_rows(
        self, claims: pa.Table, *, scored_at: datetime, source: str = "simulated", earlier: Earlier | None = None
    ) -> pa.Table:
        """All that the scorer says, with its rules' and its model's share of it."""
        return self.risk_scorer.score(claims, scored_at=scored_at, source=source, earlier=earlier)

    def score_table(self, claims: pa.Table) -> pa.Table:
        """Its verdicts alone."""
        return self.score_rows(claims, scored_at=datetime.now(UTC)).select(VERDICTS.names)


def train_scorer(claims: pa.Table, *, profile_hash: str, seed: int, lessons: pa.Table | None = None) -> RiskScorer:
    """Train on clean claims (flat columns; about 100,000, drawn from a profile, so that nothing of a person is kept).

    `lessons` are wrong claims of the same profile, of which no stream and no exam holds any; without them contexts alone
    are judged. The same claims, profile hash and seed give the same version. Raises ScorerError when there are too few claims.
    """
    trained = train(claims, seed=seed, lessons=lessons)
    return RiskScorer.from_files(pack(trained, profile_hash=profile_hash, seed=seed))
