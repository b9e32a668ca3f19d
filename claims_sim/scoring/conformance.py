"""Does a scorer keep the protocol? Tries it on claims, well-formed and poor ones, and says what failed and where."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from claims_sim.errors import ScorerError
from claims_sim.scoring.features import Floats
from claims_sim.scoring.protocol import OpenedScorer

Verdict = Literal["ok", "failed", "note"]
_TOLERANCE: Final = 1e-9
_NULLABLE: Final = (
    "district_name", "facility_id", "facility_type", "procedure_code", "procedure_label", "patient_id_hash",
    "claim_weight", "episode_ref", "dx_secondary_codes", "comorbidity_count", "admit_dt", "discharge_dt",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried. A note is no breach, but worth knowing."""

    name: str
    verdict: Verdict
    detail: str


def check_scorer(open_it: Callable[[], OpenedScorer], claims: pa.Table) -> Iterator[Check]:
    """Try the scorer on `claims` (flat columns, a thousand or so); one `Check` after another, as each is done."""
    begun = time.perf_counter()
    try:
        scorer = open_it()
    except ScorerError as error:
        yield Check("opens", "failed", str(error))
        return
    with scorer:
        yield Check("opens", "ok", f"{scorer.name}, version {scorer.version}, in {time.perf_counter() - begun:.1f} s")
        yield from _checks(scorer, claims)
        yield from _confinement(scorer)


def _checks(scorer: OpenedScorer, claims: pa.Table) -> Iterator[Check]:
    begun = time.perf_counter()
    try:
        first = _scores(scorer, claims)
    except ScorerError as error:
        yield Check(f"scores {len(claims)} claims", "failed", str(error))
        return
    seconds = time.perf_counter() - begun
    yield Check(f"scores {len(claims)} claims", "ok", f"{len(claims) / max(seconds, 1e-9):,.0f} claims a second")
    yield _spread(first)
    tries: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("scores a single claim", lambda: _scores_without_fault(scorer, claims.slice(0, 1))),
        ("scores an empty table", lambda: _scores_without_fault(scorer, claims.slice(0, 0))),
        ("scores claims with nulls", lambda: _scores_without_fault(scorer, _with_nulls(claims.slice(0, 50)))),
        ("gives the same claims the same scores", lambda: _repeats(first, _scores(scorer, claims))),
        ("does not mind the order of rows", lambda: _ignores_order(scorer, claims, first)),
        ("scores a claim alike alone and among others", lambda: _ignores_company(scorer, claims, first)),
    )
    for name, attempt in tries:
        try:
            done = attempt()
            yield Check(name, done.verdict, done.detail)
        except ScorerError as error:
            yield Check(name, "failed", str(error))


def _scores(scorer: OpenedScorer, claims: pa.Table) -> Floats:
    return np.asarray(scorer.score_table(claims)["risk_score"].to_numpy(), np.float64)


def _scores_without_fault(scorer: OpenedScorer, claims: pa.Table) -> Check:
    rows = len(scorer.score_table(claims))
    return Check("", "ok" if rows == len(claims) else "failed", f"{rows} rows")


def _with_nulls(claims: pa.Table) -> pa.Table:
    """The claims as a poor source has them: all but a claim's core is null."""
    columns = {
        name: pa.nulls(len(claims), claims.schema.field(name).type) if name in _NULLABLE else claims[name]
        for name in claims.column_names
    }
    return pa.table(columns, schema=claims.schema)


def _spread(scores: Floats) -> Check:
    distinct = len(np.unique(scores))
    detail = f"from {scores.min():.3f} to {scores.max():.3f}, median {np.median(scores):.3f}, {distinct} values"
    if distinct < 3:
        return Check("tells claims apart", "note", f"{detail}: nearly all claims get the same score")
    return Check("tells claims apart", "ok", detail)


def _repeats(first: Floats, again: Floats) -> Check:
    moved = int((np.abs(first - again) > _TOLERANCE).sum())
    if moved:
        return Check("", "failed", f"{moved} of {len(first)} scores were others the second time: set its random seed")
    return Check("", "ok", "twice the same")


def _ignores_order(scorer: OpenedScorer, claims: pa.Table, first: Floats) -> Check:
    order = np.random.default_rng(0).permutation(len(claims))
    moved = int((np.abs(_scores(scorer, claims.take(pa.array(order))) - first[order]) > _TOLERANCE).sum())
    if moved:
        return Check("", "note", f"{moved} of {len(first)} scores depend on the order of rows")
    return Check("", "ok", "shuffled, each claim kept its score")


def _ignores_company(scorer: OpenedScorer, claims: pa.Table, first: Floats) -> Check:
    rows = np.arange(0, len(claims), max(1, len(claims) // 10))[:10]
    alone = np.concatenate([_scores(scorer, claims.slice(int(row), 1)) for row in rows])
    moved = int((np.abs(alone - first[rows]) > _TOLERANCE).sum())
    if moved:
        detail = (
            f"{moved} of {len(rows)} claims: new claims are scored a few at a time, a refresh scores 50,000 at once; "
            "their scores will differ"
        )
        return Check("", "note", detail)
    return Check("", "ok", f"{len(rows)} claims, one by one")


def _confinement(scorer: OpenedScorer) -> Iterator[Check]:
    taken = getattr(scorer, "taken", None)
    if taken is None:
        return
    if taken:
        yield Check("is confined", "ok", f"its process has lost {', '.join(taken)} by Landlock")
    else:
        yield Check(
            "is confined", "note", "by an empty environment only: this system has no Landlock, files can be read"
        )
