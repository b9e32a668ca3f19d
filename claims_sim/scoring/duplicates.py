"""Claims that repeat an earlier one of the scored table. Compares contents, never ids; an original is no repeat.

Knows no training data but how common each pattern is, which says how often chance alone would repeat it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import MIX, Codes, fold
from claims_sim.scoring.surprise import Counts

WINDOW_DAYS: Final = 31
"""A month's bills: claims of so many days before are looked at."""
VISIT_DAYS: Final = 3
"""Within which the same person's same visit is a repeat."""
MOST_BY_CHANCE: Final = 0.002
"""A repeat counts only if fewer than this many were expected by chance within the days that lie between."""
MOST_REPEAT_EVIDENCE: Final = 5.0
_MOST_COMPANIONS: Final = 3  # more are as telling
_GROUPS: Final = 2 * (_MOST_COMPANIONS + 1)
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
class Patterns:
    """How often each pattern occurs that occurs at least twice, and what is to be expected of any other one.

    `single` is by group (see `_group`): the count to be expected, in as many claims again, of a pattern that training held
    once. It bounds that of patterns that training did not hold.
    """

    repeated: Counts
    single: Floats
    trained_on: int

    @staticmethod
    def learn(features: Features, codes: Codes, companions: Ints) -> "Patterns":
        """Learn from clean claims; `companions` are the coded secondary diagnoses."""
        pattern, group = _known_pattern(features, codes, companions), _group(features)
        found = Counts.learn(pattern)
        often = found.counts > 1
        times = found.of(pattern)
        once, twice = (np.bincount(group[times == n], minlength=_GROUPS) / n for n in (1, 2))
        # Good and Turing (Biometrika 40, 1953): 2 × patterns seen twice / patterns seen once. Half a pattern is added
        # to both, so that none seen twice does not mean never.
        single = np.minimum(2 * (twice + 0.5) / (once + 0.5), 1.0)
        return Patterns(Counts(found.keys[often], found.counts[often]), single, features.rows)

    def share(self, features: Features, codes: Codes, companions: Ints) -> Floats:
        """The share of claims that each claim's pattern is expected to have."""
        times = self.repeated.of(_known_pattern(features, codes, companions))
        return np.where(times > 1, times, self.single[_group(features)]) / max(self.trained_on, 1)


@dataclass(frozen=True, slots=True)
class Repeats:
    """Per claim: how many earlier ones within the window it repeats, and how many of the same person within VISIT_DAYS.

    `days` lie between it and the nearest one that it repeats; `evidence` is -log10 of how many were to be expected by
    chance within so few days, at most MOST_REPEAT_EVIDENCE and 0 where there is none.
    """

    copies: Floats
    days: Floats
    evidence: Floats
    same_person: Floats


def count_repeats(
    features: Features, codes: Codes, companions: Ints, patterns: Patterns, in_window: float | None = None
) -> Repeats:
    """Look for repeats among the claims of `features` themselves; `in_window` as in `Earlier`, by default as dense as they."""
    day = np.where(np.isfinite(features.admit_day), features.admit_day, -1e9)
    unknown_day = ~np.isfinite(features.admit_day)
    span = _span(features.admit_day)
    copies, days = _earlier(_exact_pattern(features), day, features.rows, WINDOW_DAYS)
    copies[unknown_day] = 0.0
    share = patterns.share(features, codes, companions)
    dense = features.rows * min(1.0, (WINDOW_DAYS + 1) / span) if in_window is None else in_window
    by_chance = np.full(features.rows, np.inf)
    again = copies > 0
    by_chance[again] = share[again] * dense * (days[again] + 1) / (WINDOW_DAYS + 1)
    copies[by_chance > MOST_BY_CHANCE] = 0.0
    evidence = np.clip(-np.log10(np.maximum(by_chance, 1e-9)), 0.0, MOST_REPEAT_EVIDENCE)
    person = _number(features.person)
    visit = fold([person, _number(features.texts["dx"]), _number(features.texts["service"])])
    same, _ = _earlier(visit, day, features.rows, VISIT_DAYS)
    same[(np.asarray(pc.equal(features.person, "").to_numpy(zero_copy_only=False))) | unknown_day] = 0.0
    return Repeats(copies, np.where(copies > 0, days, 0.0), evidence, same)


def _group(features: Features) -> Ints:
    """Claims whose patterns are about as telling: with a stay or not, and by the number of companions."""
    companions = np.minimum(np.nan_to_num(features.companions), _MOST_COMPANIONS).astype(np.int64)
    return np.asarray((np.nan_to_num(features.stay) > 0) * (_MOST_COMPANIONS + 1) + np.maximum(companions, 0), np.int64)


def _earlier(key: Ints, day: Floats, rows: int, window: int) -> tuple[Floats, Floats]:
    """How many claims with the same key were admitted in the days before, and how many days before the last of them.

    Of one day, those that stand before it.
    """
    order = np.lexsort((day, key))  # stable: claims of one day keep the table's order
    # Keys and days on one axis: each key's days are moved out of every other key's window.
    number = np.unique(key[order], return_inverse=True)[1].astype(np.float64)
    place = number * 1e10 + day[order]
    since = np.searchsorted(place, place - window, side="left")
    found, days = np.zeros(rows), np.zeros(rows)
    found[order] = np.arange(rows) - since
    days[order] = np.where(found[order] > 0, np.diff(day[order], prepend=0.0), 0.0)
    return found, days


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
