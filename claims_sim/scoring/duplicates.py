"""Claims that repeat an earlier one of the scored table. Compares contents, never ids; an original is no repeat.

Knows no training data but the share of each pattern, which says how often chance alone would repeat it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import MIX, Codes, fold
from claims_sim.scoring.surprise import Counts

WINDOW_DAYS: Final = 3
MOST_BY_CHANCE: Final = 0.002
"""A repeat counts only if fewer than this many were expected by chance within the window."""
_PATTERN: Final = ("service", "dx", "severity", "class", "province", "owner", "procedure")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of the claims before the ones to be scored: those that these might repeat, and how dense all lie.

    `claims` (flat columns) stand before the scored ones; `in_window` is how many claims of the whole history are
    admitted within a window.
    """

    claims: pa.Table
    in_window: float


@dataclass(frozen=True, slots=True)
class Repeats:
    """Per claim: how many earlier ones within the window it repeats, and how many of the same person."""

    copies: Floats
    same_person: Floats


def learn_patterns(features: Features, codes: Codes, companions: Ints) -> Counts:
    """How often each pattern occurs that occurs at least twice; `companions` are the coded secondary diagnoses."""
    found = Counts.learn(_known_pattern(features, codes, companions))
    often = found.counts > 1
    return Counts(found.keys[often], found.counts[often])


def count_repeats(
    features: Features,
    codes: Codes,
    companions: Ints,
    patterns: Counts,
    trained_on: int,
    in_window: float | None = None,
) -> Repeats:
    """Look for repeats among the claims of `features` themselves; `in_window` as in `Earlier`, by default as dense as they."""
    day = np.where(np.isfinite(features.admit_day), features.admit_day, -1e9)
    unknown_day = ~np.isfinite(features.admit_day)
    span = _span(features.admit_day)
    pattern = _exact_pattern(features)
    copies = _earlier(pattern, day, features.rows)
    # A pattern that training did not repeat occurred there at most once.
    share = np.maximum(patterns.of(_known_pattern(features, codes, companions)), 1.0) / max(trained_on, 1)
    by_chance = share * (features.rows * min(1.0, (WINDOW_DAYS + 1) / span) if in_window is None else in_window)
    copies[(by_chance > MOST_BY_CHANCE) | unknown_day] = 0.0
    person = _number(features.person)
    visit = fold([person, _number(features.texts["dx"]), _number(features.texts["service"])])
    same = _earlier(visit, day, features.rows)
    same[(np.asarray(pc.equal(features.person, "").to_numpy(zero_copy_only=False))) | unknown_day] = 0.0
    return Repeats(copies, same)


def _earlier(key: Ints, day: Floats, rows: int) -> Floats:
    """How many claims with the same key were admitted in the days before; of one day, those that stand before it."""
    order = np.lexsort((day, key))  # stable: claims of one day keep the table's order
    # Keys and days on one axis: each key's days are moved out of every other key's window.
    number = np.unique(key[order], return_inverse=True)[1].astype(np.float64)
    place = number * 1e10 + day[order]
    since = np.searchsorted(place, place - WINDOW_DAYS, side="left")
    found = np.zeros(rows)
    found[order] = np.arange(rows) - since
    return found


def _exact_pattern(features: Features) -> Ints:
    texts = [_number(features.texts[name]) for name in _PATTERN] + [_number(features.secondary_key)]
    amounts = [np.unique(v, return_inverse=True)[1] for v in (features.claimed, features.paid, features.stay)]
    return fold([*texts, *amounts])


def _known_pattern(features: Features, codes: Codes, companions: Ints) -> Ints:
    amounts = [np.nan_to_num(v).view(np.int64) for v in (features.claimed, features.paid, features.stay)]
    # A sum does not depend on the order in which the secondary codes are listed.
    together = np.zeros(features.rows, np.uint64)
    np.add.at(together, features.secondary_rows, (companions.astype(np.uint64) + np.uint64(2)) * MIX)
    return fold([*(codes.columns[name] for name in _PATTERN), together.view(np.int64), *amounts])


def _number(column: pa.Array) -> Ints:
    return np.asarray(column.dictionary_encode().indices.to_numpy(zero_copy_only=False), np.int64)


def _span(day: Floats) -> float:
    known = day[np.isfinite(day)]
    return float(known.max() - known.min() + 1) if len(known) else 1.0
