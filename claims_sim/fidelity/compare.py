"""Compare synthetic claims with real ones: every measure, beside the floor that untouched real claims set.

The real claims are split once: a reference, *untouched* claims that are measured as if they were synthetic (the floor),
and *unseen* ones that serve as price list and test set. All comparisons use equally many claims on either side.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import combinations
from math import sqrt
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.errors import SourceError
from claims_sim.fidelity import copies, scores
from claims_sim.fidelity.audit import audit_columns
from claims_sim.fidelity.columns import (
    column_distance,
    cramers_v,
    joint_counts,
    pair_codes,
    total_variation,
    wasserstein,
)
from claims_sim.fidelity.frames import AMOUNTS, Frames, is_number, make_comparable, names_of
from claims_sim.fidelity.learners import taught_r2, tell_apart
from claims_sim.fidelity.parts import Parts, split_claims
from claims_sim.fidelity.scores import Score, at_least, at_most, near
from claims_sim.fidelity.slices import Slice, slices_of
from claims_sim.fidelity.violations import broken_identities, broken_rules, identity_columns
from claims_sim.profile.counts.telling import about, share_of
from claims_sim.profile.reading.source import stand_in_for_diagnosis

CLASSIFIED: Final = 20_000  # a side
MEASURED_DISTANCES: Final = 3_000
DISTANCE_BASE: Final = 10_000
FEWEST_CLAIMS: Final = 200
_FILLED: Final = (
    "dx_primary_code",
    "admit_dt",
    "discharge_dt",
    "los",
    "amount_claimed",
    "amount_paid",
    "amount_gap",
)
_NOT_WHOLE: Final = "claims without a diagnosis, a date, a stay, or amounts of at least 0"
STEPS: Final = ("columns", "pairs", "slices", "classifier", "auditor", "teaching", "rules", "copies", "distances")


@dataclass(frozen=True, slots=True)
class Column:
    """A column's distance to the real one and that of untouched claims; `shift` is Wasserstein's, for numbers."""

    name: str
    kind: str
    distance: float
    floor: float
    shift: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """How far the joint distribution of two columns lies from the real one; `real` and `synthetic` are Cramér's V."""

    first: str
    second: str
    distance: float
    floor: float
    real: float
    synthetic: float

    @property
    def excess(self) -> float:
        """By how much the synthetic claims are further off than untouched ones."""
        return self.distance - self.floor


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The whole comparison: scores with floor and goal, and the figures behind them. Aggregates only."""

    scores: tuple[Score, ...]
    columns: tuple[Column, ...]
    pairs: tuple[Pair, ...]
    slices: tuple[Slice, ...]
    rules: dict[str, tuple[float, float]]
    telling: tuple[str, ...]
    left_out: dict[str, str]
    rows: dict[str, int]
    cell: str

    @property
    def missed(self) -> tuple[Score, ...]:
        """The scores that miss their goal by more than chance explains."""
        return tuple(score for score in self.scores if score.verdict == "misses")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"scores": [score.as_dict() for score in self.scores]}


def compare_claims(
    real: pa.Table,
    synthetic: pa.Table,
    *,
    holdout: pa.Table | None = None,
    k: int = 11,
    seed: int = 0,
    step: Callable[[str], object] = lambda _: None,
) -> Fidelity:
    """Measure `synthetic` against `real` (columns named as in `claim.FLAT_SCHEMA`, any subset they share).

    `holdout` are real claims that the synthesizer never saw; without it the floor comes from a part of `real`.
    `k`: fewest persons behind a figure of a slice (50 claims where there is no `patient_id_hash`). `step` is called
    with the name of each of STEPS when it is done. Raises SourceError when a table holds fewer than 200 claims.
    """
    # What the synthetic claims never have is no column of theirs.
    empty = [name for name in synthetic.column_names if synthetic[name].null_count == synthetic.num_rows]
    synthetic = synthetic.drop_columns(empty)
    real, lacking = _as_whole_as(synthetic, real)
    holdout = None if holdout is None else _as_whole_as(synthetic, holdout)[0]
    for what, table, fewest in (("real", real, FEWEST_CLAIMS), ("synthetic", synthetic, FEWEST_CLAIMS)):
        if table.num_rows < fewest:
            raise SourceError(
                f"The {what} table holds {about(table.num_rows)} claims; a comparison needs {fewest} or more to say anything."
            )
    frames = make_comparable(real, synthetic, holdout)
    if not frames.columns:
        raise SourceError("The real and the synthetic table share no column that varies: nothing can be compared.")
    parts = split_claims(frames, real, k, np.random.default_rng(seed))
    plain = parts.only(frames.columns)
    columns = _columns(plain)
    step("columns")
    pairs = _pairs(plain)
    step("pairs")
    slices = slices_of(parts.real, parts.untouched, parts.synthetic, parts.persons, parts.fewest)
    step("slices")
    learned, telling = _learners(plain, parts, step)
    ruled, rules = _rules(frames, real, synthetic)
    step("rules")
    found = [*learned, *_summaries(columns, pairs, slices, parts.rows), *ruled, *_copies(parts)]
    step("copies")
    found.append(_nearness(plain))
    step("distances")
    order = list(scores.MEANINGS)
    return Fidelity(
        scores=tuple(sorted(found, key=lambda score: order.index(score.name))),
        columns=columns,
        pairs=pairs,
        slices=tuple(slices),
        rules=rules,
        telling=telling,
        left_out=frames.left_out | lacking,
        rows={"real": real.num_rows, "synthetic": synthetic.num_rows, "compared": parts.rows},
        cell=f"{parts.fewest} {parts.unit}",
    )


def _as_whole_as(synthetic: pa.Table, claims: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """The real claims that lack nothing that every synthetic one has, as those of a stream have all; and how many others
    there are. Those without a diagnosis get the code that a stream gives them.

    A column that is empty throughout says nothing and takes none of them away.
    """  # noqa: D205
    there = np.ones(claims.num_rows, np.bool_)
    for name in _FILLED:
        is_filled = name in synthetic.column_names and not synthetic[name].null_count
        if name in claims.column_names and 0 < claims[name].null_count < claims.num_rows and is_filled:
            if name == "dx_primary_code":
                claims = _with_diagnoses(claims)
            there &= claims[name].is_valid().to_numpy()
    for amount in (claims[name] for name in AMOUNTS[:2] if name in claims.column_names):
        # A reversal of an earlier claim is none of its own, and a profile reads no amount in it.
        there &= ~pc.less(amount, 0).fill_null(False).to_numpy()
    if there.all():
        return claims, {}
    reason = f"{share_of(int((~there).sum()), len(there))} of the real table; none of the synthetic claims lacks these"
    return claims.filter(pa.array(there)), {_NOT_WHOLE: reason}


def _with_diagnoses(claims: pa.Table) -> pa.Table:
    """The claims with what a stream has in the place of a missing diagnosis."""
    column = claims["dx_primary_code"].cast(pa.string()).combine_chunks()
    code = stand_in_for_diagnosis(column.dictionary_encode())
    return claims.set_column(
        claims.column_names.index("dx_primary_code"), "dx_primary_code", column.fill_null(code) if code else column
    )


def _columns(parts: Parts) -> tuple[Column, ...]:
    return tuple(
        Column(
            name=name,
            kind="number" if is_number(parts.real, name) else "category",
            distance=column_distance(parts.real, parts.synthetic, name),
            floor=column_distance(parts.real, parts.untouched, name),
            shift=wasserstein(parts.real[name].to_numpy(), parts.synthetic[name].to_numpy())
            if is_number(parts.real, name)
            else None,
        )
        for name in names_of(parts.real)
    )


def _pairs(parts: Parts) -> tuple[Pair, ...]:
    coded = pair_codes(parts.real, [parts.synthetic, parts.untouched])
    found = []
    for a, b in combinations(coded, 2):
        real, synthetic, untouched = (joint_counts(coded[a][side], coded[b][side]) for side in range(3))
        distance, floor = (total_variation(real, other) for other in (synthetic, untouched))
        found.append(Pair(a, b, distance, floor, cramers_v(real), cramers_v(synthetic)))
    return tuple(found)


def _summaries(columns: tuple[Column, ...], pairs: tuple[Pair, ...], slices: list[Slice], rows: int) -> list[Score]:
    worst = max(columns, key=lambda column: column.distance - column.floor)
    found = [at_most("columns", max(0.0, worst.distance - worst.floor), 0.0, 0.03, 1 / sqrt(rows), worst.name)]
    if pairs:
        pair = max(pairs, key=lambda pair: pair.excess)
        where = f"{pair.first} × {pair.second}"
        found.append(at_most("pairs", max(0.0, pair.excess), 0.0, 0.05, 1.5 / sqrt(rows), where))
    if slices:
        value, floor = (float(np.mean([getattr(part, side) for part in slices])) for side in ("distance", "floor"))
        noise = sqrt(float(np.mean([1 / part.claims for part in slices])) / len(slices))
        worst_slice = max(slices, key=lambda part: part.distance - part.floor)
        found.append(at_most("slices", value, floor, 0.03, noise, worst_slice.name))
    return found


def _learners(plain: Parts, parts: Parts, step: Callable[[str], object]) -> tuple[list[Score], tuple[str, ...]]:
    rows = min(CLASSIFIED, parts.rows)
    noise = scores.noise_of_rank(rows)
    frames = [frame.iloc[:rows] for frame in (plain.real, plain.untouched, plain.synthetic)]
    floor, told = (tell_apart(frames[0], other) for other in frames[1:])
    found = [at_most("c2st", told.auc, floor.auc, 0.04, noise, ", ".join(told.telling))]
    step("classifier")
    whole = [frame.iloc[:rows] for frame in (parts.real, parts.untouched, parts.synthetic)]
    audited = [
        pd.concat([frame, audit_columns(claims, parts.unseen)], axis=1)
        for frame, claims in zip(frames, whole, strict=True)
    ]
    floor, audit = (tell_apart(audited[0], other) for other in audited[1:])
    found.append(at_most("c2st_audit", audit.auc, floor.auc, 0.04, noise, ", ".join(audit.telling)))
    step("auditor")
    real, untouched, synthetic = (
        taught_r2(frame, plain.unseen) for frame in (plain.real, plain.untouched, plain.synthetic)
    )
    if real is not None and untouched is not None and synthetic is not None and real > 0:
        # What untouched claims lose or gain against the reference is chance, too.
        noise = scores.noise_of_r2(real, parts.rows) / real + abs(1 - untouched / real)
        found.append(at_least("tstr", synthetic / real, untouched / real, 0.99, noise))
    step("teaching")
    return found, audit.telling


def _rules(frames: Frames, real: pa.Table, synthetic: pa.Table) -> tuple[list[Score], dict[str, tuple[float, float]]]:
    """Scores, and per rule the rates in the real and the synthetic table; all claims are looked at."""
    theirs, ours = broken_rules(real), broken_rules(synthetic)
    # What the real table lacks a column for, it can neither keep nor break.
    lacking = set(FLAT_SCHEMA.names) - set(real.column_names)
    ours = {name: rows for name, rows in ours.items() if not lacking & identity_columns(name)}
    broken = broken_identities(frames.real, frames.synthetic)
    ours |= broken
    theirs |= {name: np.zeros(1, bool) for name in broken}
    rates = {name: (float(theirs[name].mean()), float(ours[name].mean())) for name in ours}
    strict = [name for name, (rate, _) in rates.items() if rate == 0]
    violations = float(np.logical_or.reduce([ours[name] for name in strict]).mean())
    worst = max(strict, key=lambda name: rates[name][1])
    found = [at_most("rule_violations", violations, 0.0, 0.0, 0.0, worst if violations else "")]
    loose = [name for name in rates if name not in strict]
    if loose:
        gaps = {name: abs(rates[name][0] - rates[name][1]) for name in loose}
        worst = max(gaps, key=lambda name: gaps[name])
        noise = scores.noise_of_share(rates[worst][0], min(real.num_rows, synthetic.num_rows))
        found.append(at_most("irregularities", gaps[worst], 0.0, 0.02, noise, worst))
    return found, {name: rate for name, rate in rates.items() if max(rate) > 0}


def _copies(parts: Parts) -> list[Score]:
    rows = parts.rows
    exact, usual = (copies.exact_copies(parts.reference, frame) for frame in (parts.synthetic, parts.untouched))
    found = [at_most("exact_copies", exact, usual, 0.0, scores.noise_of_share(usual, rows))]
    for name, measure in (("money_replay", copies.money_replay), ("unique_replay", copies.unique_replay)):
        value, floor = (measure(parts.reference, frame) for frame in (parts.synthetic, parts.untouched))
        if value is not None and floor is not None:
            found.append(near(name, value, floor, 0.02, scores.noise_of_share(floor, rows)))
    value, floor = (copies.amount_repeats(frame) for frame in (parts.synthetic, parts.untouched))
    if value is not None and floor is not None:
        found.append(near("amount_repeats", value, floor, 0.02, scores.noise_of_share(floor, rows)))
    return found


def _nearness(parts: Parts) -> Score:
    base = parts.real.iloc[:DISTANCE_BASE]
    some = min(MEASURED_DISTANCES, parts.rows)
    others = [frame.iloc[:some] for frame in (parts.synthetic, parts.unseen, parts.untouched)]
    synthetic, unseen, usual = copies.distance_to_closest(base, others)
    value, floor = copies.share_nearer(synthetic, usual), copies.share_nearer(unseen, usual)
    return at_most("dcr_share", value, floor, 0.03, scores.noise_of_rank(some))
