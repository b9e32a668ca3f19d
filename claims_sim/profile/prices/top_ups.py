"""Find amounts that are added to tariff prices: what is left over the price of the case, where it recurs."""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Population, first_of_each
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.prices.lattice import Lattice

_MAX_TOP_UPS: Final = 400
_MIN_TOP_UP_SHARE: Final = 0.002
_MAX_POINTS: Final = 3
_MAX_LEVELS: Final = 6
"""Top-ups are sought over the commonest prices of a case and at the commonest hidden levels only."""


def find_top_ups(found: Lattice, primary: Numbers, population: Population) -> None:
    """Amounts added to a price that many persons share: what is left over the prices of the row's case, if it recurs."""
    rows = np.flatnonzero((found.point < 0) & (found.case >= 0) & (primary > 0))
    found.top_up = np.zeros(len(primary), np.int32)
    rows = rows[np.diff(found.base_start)[found.case[rows]] > 0]
    if not len(rows):
        return
    place = found.place_log(rows)
    case = found.case[rows]
    borne = np.bincount(found.level[found.point >= 0], minlength=len(found.levels))
    commonest = np.argsort(-borne, kind="stable")[:_MAX_LEVELS].tolist()
    options = []
    for point in range(_MAX_POINTS):
        at = found.base_start[case] + point
        there = at < found.base_start[case + 1]
        base = np.where(there, found.bases[np.minimum(at, len(found.bases) - 1)], np.nan)
        for level in commonest:
            price = found.priced(base + place, level)
            options.append((point, level, np.round(primary[rows] - price, 2)))
    owner = np.tile(np.arange(len(rows)), len(options))
    extra = np.concatenate([values for _, _, values in options])
    valid = np.isfinite(extra) & (extra > 0)
    owner, extra, which = owner[valid], extra[valid], np.repeat(np.arange(len(options)), len(rows))[valid]
    values, ids = np.unique(extra, return_inverse=True)
    # A claim that comes to the same by several prices has one vote, at the commonest price.
    once = first_of_each(owner * len(values) + ids)
    owner, ids, which = owner[once], ids[once], which[once]
    allowed = population.releasable(ids.astype(np.int64), len(values), rows[owner])
    enough = max(2 * population.k, int(_MIN_TOP_UP_SHARE * len(rows)))
    number = explain_greedily(owner, ids.astype(np.int64), np.where(allowed, np.bincount(ids), 0), enough)
    # Votes went to commoner ones: of what is left enough persons must have each.
    told = population.releasable(number, int(number.max(initial=0)) + 1, rows[owner])
    told[0] = True
    number = (np.cumsum(told) - 1)[number] * told[number]
    chosen = np.flatnonzero(number > 0)
    # A row may reach its top-up by several prices: the commonest price comes first.
    chosen = chosen[first_of_each(owner[chosen])]
    target = rows[owner[chosen]]
    found.top_ups = np.zeros(int(number.max(initial=0)))
    found.top_ups[number[number > 0] - 1] = values[ids[number > 0]]
    found.top_up[target] = number[chosen]
    found.point[target] = np.array([p for p, _, _ in options], np.int32)[which[chosen]]
    found.level[target] = np.array([v for _, v, _ in options], np.int32)[which[chosen]]


def explain_greedily(owner: Ints, value: Ints, counts: Ints, enough: int) -> Ints:
    """The number (from 1) of the value that explains each vote, 0 for none: the commonest value takes its rows first.

    Otherwise every true top-up would bring along its sums with the differences between prices.
    """
    number = np.zeros(len(owner), np.int64)
    counts = counts.copy()
    by_value = np.argsort(value, kind="stable")
    value_start = np.r_[0, np.cumsum(np.bincount(value, minlength=len(counts)))]
    by_owner = np.argsort(owner, kind="stable")
    owner_start = np.r_[0, np.cumsum(np.bincount(owner))]
    free = np.ones(len(owner_start) - 1, np.bool_)
    for i in range(1, _MAX_TOP_UPS + 1):
        best = int(counts.argmax()) if len(counts) else 0
        if not len(counts) or counts[best] < enough:
            break
        votes = by_value[value_start[best] : value_start[best + 1]]
        votes = votes[free[owner[votes]]]
        number[votes] = i
        taken = np.unique(owner[votes])
        free[taken] = False
        lost = np.concatenate([by_owner[owner_start[o] : owner_start[o + 1]] for o in taken.tolist()])
        np.subtract.at(counts, value[lost], 1)
        counts[best] = 0
    return number
