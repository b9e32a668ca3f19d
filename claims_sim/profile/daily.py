"""Find what a day of stay adds to a price: a rate that recurs over many lengths of stay and many cases.

An inpatient's bill is often the price of what was done, as an outpatient pays it, and so much a day. Then no two stays of
another length cost the same, and only the rate, over a price that is known from either kind of service, explains them.
"""

from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counting import Ints, Population
from claims_sim.profile.encode import Encoded
from claims_sim.profile.lattice import Lattice
from claims_sim.profile.numbers import Numbers
from claims_sim.profile.price_groups import split_keys
from claims_sim.profile.rounding import on_grid
from claims_sim.profile.top_ups import explain_greedily

_MIN_EXPLAINED: Final = 0.5
"""Of the claims with a stay and a price: fewer, and the days are no part of the tariff."""
_MIN_SHARE: Final = 0.01
_MIN_STAYS: Final = 3
_LOOKED_AT: Final = 20_000


def find_daily_rates(found: Lattice, encoded: Encoded, primary: Numbers, population: Population) -> None:
    """Rates by the day, each borne by enough persons with stays of at least three lengths; cases may borrow a price for it."""
    found.rate = np.zeros(len(primary), np.int32)
    if encoded.los is None or "service_type" not in found.case_names or len(found.case_names) < 2:
        return
    days = np.nan_to_num(encoded.los)
    rows = np.flatnonzero((found.case >= 0) & (primary > 0) & (days > 0))
    if not len(rows):
        return
    bases, start = _with_borrowed(found)
    few = rows[:: max(1, len(rows) // _LOOKED_AT)]
    # Most tables have no such rates: a part of the rows says so.
    if len(few) < len(rows):
        votes = _votes(found, primary, few, days[few], bases, start)
        if _explain(votes, few, days, population) is None:
            return
    votes = _votes(found, primary, rows, days[rows], bases, start)
    explained = _explain(votes, rows, days, population)
    if explained is None:
        return
    chosen, number, rates = explained
    target = rows[votes.owner[chosen]]
    found.bases, found.base_start = bases, start
    found.point[target], found.level[target], found.rate[target] = votes.point[chosen], votes.level[chosen], number
    found.rates = rates


class _Votes(NamedTuple):
    """For each row and each price it may have: the row's place, the rate that would explain it, the point and the level."""

    owner: Ints
    rate: Numbers
    point: Ints
    level: Ints


def _explain(votes: _Votes, rows: Ints, days: Numbers, population: Population) -> tuple[Ints, Ints, Numbers] | None:
    """Which votes explain their rows, by which rate (from 1), and the rates; None where too few rows are explained."""
    values, ids = np.unique(votes.rate, return_inverse=True)
    enough = max(2 * population.k, int(_MIN_SHARE * len(rows)))
    counts = np.bincount(ids, minlength=len(values))
    common = np.flatnonzero(counts >= enough)
    number = np.full(len(values), -1, np.int64)
    number[common] = np.arange(len(common))
    kept = np.flatnonzero(number[ids] >= 0)
    if not len(kept):
        return None
    given = explain_greedily(votes.owner[kept], number[ids[kept]], counts[common], enough)
    chosen, given = kept[given > 0], given[given > 0]
    _, first = np.unique(votes.owner[chosen], return_index=True)
    chosen, given = chosen[first], given[first]
    found = _keep_true_rates(rows[votes.owner[chosen]], days, chosen, given, votes.rate[chosen], population)
    return found if len(found[0]) >= _MIN_EXPLAINED * len(rows) else None


def _keep_true_rates(
    target: Ints, days: Numbers, chosen: Ints, votes: Ints, rate: Numbers, population: Population
) -> tuple[Ints, Ints, Numbers]:
    """Only rates that hold over several lengths of stay and may be told, numbered from 1."""
    allowed = population.releasable(votes, int(votes.max(initial=0)) + 1, target)
    kept = [
        n for n in np.unique(votes).tolist() if allowed[n] and len(np.unique(days[target[votes == n]])) >= _MIN_STAYS
    ]
    fresh = np.zeros(int(votes.max(initial=0)) + 1, np.int64)
    fresh[kept] = np.arange(len(kept)) + 1
    inside = fresh[votes] > 0
    return chosen[inside], fresh[votes[inside]], np.array([rate[votes == n][0] for n in kept])


def _with_borrowed(found: Lattice) -> tuple[Numbers, Ints]:
    """All cases' prices, commonest first, each followed by the prices of the same case in other services."""
    # An outpatient's severity says little, and often nothing: it is no part of what was done.
    same = [place for place, name in enumerate(found.case_names) if name not in ("service_type", "severity_group")]
    digits = split_keys(found.case_keys, found.case_sizes)
    _, kin = np.unique(digits[:, same], axis=0, return_inverse=True)
    points = np.diff(found.base_start)
    siblings: dict[int, list[int]] = {}
    for case, family in enumerate(kin.ravel().tolist()):
        if points[case]:
            siblings.setdefault(family, []).append(case)
    bases: list[float] = []
    start = [0]
    for case, family in enumerate(kin.ravel().tolist()):
        own = found.bases[found.base_start[case] : found.base_start[case + 1]].tolist()
        bases += own
        known = {round(base, 6) for base in own}
        for sibling in siblings.get(family, []):
            for base in found.bases[found.base_start[sibling] : found.base_start[sibling + 1]].tolist():
                if round(base, 6) not in known:
                    known.add(round(base, 6))
                    bases.append(base)
        start.append(len(bases))
    return np.array(bases), np.array(start, np.int64)


def _votes(found: Lattice, primary: Numbers, rows: Ints, days: Numbers, bases: Numbers, start: Ints) -> _Votes:
    """What would explain each row of `rows`, over each price that its case may borrow."""
    case, place = found.case[rows], found.place_log(rows)
    own = np.diff(found.base_start)[case]
    every = start[case + 1] - start[case]
    parts = []
    borrowed = int((np.diff(start) - np.diff(found.base_start)).max(initial=0))
    # Over the prices of the same thing in other services only: its own hold the commonest stays already.
    for point in (own + i for i in range(borrowed)):
        there = np.flatnonzero(point < every)
        base = bases[start[case[there]] + point[there]]
        for level, log in enumerate(found.levels):
            price = on_grid(base + log + place[there], found.grid, found.ties)
            extra = np.round(primary[rows[there]] - price, 2)
            rate = np.round(extra / days[there], 2)
            fits = np.flatnonzero((extra > 0) & (np.abs(rate * days[there] - extra) < 1.01 * found.grid))
            at = there[fits]
            parts.append((at, rate[fits], point[at], np.full(len(at), level)))
    none = np.zeros(0, np.int64)
    parts.append((none, np.zeros(0), none, none))
    owner, rates, points, levels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Votes(owner, rates, points, levels)
