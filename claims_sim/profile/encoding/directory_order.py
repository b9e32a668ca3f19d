"""Whether houses of one owner or of one province are the more alike: kinds of facilities join the more alike ones first.

It follows from claims of kinds that stand alone whichever comes first: what a facility bills whose claims are dealt out decides nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers, within

PLACE, OWNER = "province_name", "facility_ownership"
_CLEARLY: Final = 2.0
"""So many times as much as the province the owner must tell of how dear houses are: the one that comes first otherwise."""
_AT_LEAST: Final = 0.1
"""And so large a share of how houses differ."""
_ARE_PRICES: Final = 0.05
"""How much oftener two claims of a case must be equal within one province or owner than in any for prices to follow from these."""
_LOOKED_AT: Final = 60_000
_FEWEST_CLAIMS, _MOST_CLAIMS = 10, 150
"""Claims of a house that say how dear it is; no more of one count."""
_FEWEST_HOUSES: Final = 30
_FAR: Final = 4.0  # times the median distance from the middle


def owner_comes_first(
    columns: Mapping[str, Codes],
    alone: Ints,
    cases: Sequence[Codes],
    amounts: Sequence[Numbers],
    population: Population,
) -> bool:
    """Do prices follow the owner rather than the province, or, without any, does the owner tell clearly more of how dear houses are?

    `columns` describe facilities, in their order: houses are compared that agree in those before both. `alone` are the claims of kinds
    that stand alone, `cases` say what each claim is for, and `amounts` are what is claimed and paid (NaN: nothing).
    """
    assert population.facilities is not None  # noqa: S101 - whoever groups kinds tells facilities apart
    names = list(columns)
    # One claim of each person: nobody's many decide.
    rows = alone[population.one_of_each(alone)]
    rows = rows[population.facilities[rows] > 0]
    rows = rows[:: max(len(rows) // _LOOKED_AT, 1)]
    before = _together(
        [columns[name][rows] for name in names[: min(names.index(PLACE), names.index(OWNER))]], len(rows)
    )
    case = _together([codes[rows] for codes in cases], len(rows))
    of_all, equal, dear = 0.0, {PLACE: 0.0, OWNER: 0.0}, {PLACE: 0.0, OWNER: 0.0}
    for amount in amounts:
        some = np.flatnonzero(amount[rows] > 0)
        at, block = rows[some], before[some]
        house, those = dense_ids(population.facilities[at])[0], _together([block, case[some]], len(at))
        if np.count_nonzero(np.bincount(house) >= _FEWEST_CLAIMS) < _FEWEST_HOUSES:
            return False
        logs = within(np.log(amount[at]), dense_ids(case[some])[0])
        of_all += _are_equal(amount[at], those, house) / len(amounts)
        for name in dear:
            codes = columns[name][at].astype(np.int64)
            equal[name] += _are_equal(amount[at], _together([those, codes], len(at)), house) / len(amounts)
            dear[name] += _explained(logs, house, block, codes)
    if max(equal.values()) >= of_all + _ARE_PRICES:
        return equal[OWNER] > equal[PLACE]
    return dear[OWNER] > max(_CLEARLY * dear[PLACE], _AT_LEAST)


def _together(columns: Sequence[Codes | Ints], rows: int) -> Ints:
    """One number for what the columns (from -1) hold together."""
    key = np.zeros(rows, np.int64)
    for codes in columns:
        key, _ = dense_ids(key * (int(codes.max(initial=0)) + 2) + codes + 1)
    return key


def _are_equal(amounts: Numbers, group: Ints, house: Ints) -> float:
    """How often two claims of one group and of two houses are of the same amount: over groups, as many claims as they have."""
    alike = _together([group, np.unique(amounts, return_inverse=True)[1]], len(group))
    size = np.bincount(group).astype(float)
    pairs, same = (
        size**2 - _of_one_house(group, house, group),
        np.bincount(group, np.bincount(alike)[alike]) - _of_one_house(alike, house, group),
    )
    there = pairs > 0
    return float((size[there] * same[there] / pairs[there]).sum() / max(size[there].sum(), 1.0))


def _of_one_house(cells: Ints, house: Ints, group: Ints) -> Numbers:
    """How many pairs of claims of one cell are of one house, in each group."""
    theirs = _together([cells, house], len(cells))
    return np.asarray(np.bincount(group, np.bincount(theirs)[theirs]), np.float64)


def _explained(logs: Numbers, house: Ints, before: Ints, codes: Ints) -> float:
    """The share of how houses differ within `before` that `codes` explain, less what as many values would by chance."""
    claims = np.bincount(house)
    known = np.flatnonzero(claims >= _FEWEST_CLAIMS)
    mean, weight = (np.bincount(house, logs) / claims)[known], np.minimum(claims[known], _MOST_CLAIMS).astype(float)
    # One house far from all others is as one that is far.
    middle = float(np.median(mean))
    far = _FAR * float(np.median(np.abs(mean - middle)))
    mean = np.clip(mean, middle - far, middle + far)
    first = np.unique(house, return_index=True)[1][known]
    block, cell = before[first], _together([before[first], codes[first]], len(first))
    total, left = (float((weight * (mean - _means(mean, weight, of)) ** 2).sum()) for of in (block, cell))
    more, free = len(np.unique(cell)) - len(np.unique(block)), len(mean) - len(np.unique(cell))
    return (total - left - more * left / max(free, 1)) / max(total, 1e-12)


def _means(values: Numbers, weight: Numbers, group: Ints) -> Numbers:
    """The weighted mean of each value's group."""
    return np.asarray((np.bincount(group, weight * values) / np.maximum(np.bincount(group, weight), 1e-12))[group])
