"""Read claims that were dealt out on the price list of the kind of facility, among those of their group, that they fit.

A claim that was dealt to another class, region or owner bears a price that is none there, though it is a price: of its
case, at its hidden level. Which kind of its group an amount fits is asked of the names in the group, all alike, and never
of whose claim it was; so whatever follows from it is the same whichever facility bears which of these names.
"""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY
from claims_sim.profile.encoding.dealing import Groups
from claims_sim.profile.prices.lattice import MAX_POINTS, Amounts, Lattice
from claims_sim.profile.prices.price_groups import join_keys

_AS_IT_IS: Final = 1.01
"""Grid steps between an amount and the price it is taken for, where the claim was dealt to the kind itself."""
_AS_ANOTHER: Final = 0.5


def price_as_grouped(found: Lattice, groups: Groups | None, amounts: Amounts, rows: Ints) -> None:
    """Set the codes and the case by which each of `rows` is priced, where it fits no price as it is coded.

    The commonest price of a case is tried first, over all kinds of the group in their order, then the next one.
    """
    if groups is None:
        return
    todo = rows[(groups.of_row[rows] >= 0) & (amounts.values[rows] > 0)]
    place = found.place_log(todo)
    fits = np.zeros(len(todo), np.bool_)
    for point in range(MAX_POINTS):
        fits |= _fits(found, amounts, todo, found.case[todo], place, point, _AS_IT_IS)
    todo = todo[~fits]
    codes = {name: found.codes[name].copy() for name in codes_as(found, groups, todo[:0], todo[:0])}
    case = found.case.copy()
    most = int(np.diff(groups.start).max(initial=0))
    for point in range(MAX_POINTS):
        for member in range(most):
            at = groups.start[groups.of_row[todo]] + member
            there = at < groups.start[groups.of_row[todo] + 1]
            here, at = todo[there], at[there]
            as_coded = codes_as(found, groups, here, at)
            case_there = cases_as(found, here, as_coded)
            place = place_as(found, here, as_coded)
            fits = _fits(found, amounts, here, case_there, place, point, _AS_ANOTHER)
            for name, of_kind in as_coded.items():
                codes[name][here[fits]] = of_kind[fits]
            case[here[fits]] = case_there[fits]
            left = np.ones(len(todo), np.bool_)
            left[np.flatnonzero(there)[fits]] = False
            todo = todo[left]
    found.codes, found.case = found.codes | codes, case


def codes_as(found: Lattice, groups: Groups, rows: Ints, kinds: Ints) -> dict[str, Codes]:
    """How each of `rows` is coded as one of `kinds` of facilities, also where what it is multiplied by goes by periods."""
    codes = {name: of_kind[kinds] for name, of_kind in groups.codes.items() if name in found.codes}
    for name, of_kind in groups.codes.items():
        if BY + name in found.codes:
            periods = max(found.periods) + 1
            now = found.codes[BY + name][rows]
            is_known = (of_kind[kinds] >= 0) & (now >= 0)
            codes[BY + name] = np.where(is_known, of_kind[kinds] * periods + now % periods, -1).astype(np.int32)
    return codes


def cases_as(found: Lattice, rows: Ints, codes: dict[str, Codes]) -> Ints:
    """The case of each row, if it were coded so; -1 where there is none."""
    if not set(codes) & set(found.case_names):
        return found.case[rows]
    digits = np.column_stack([codes[n] if n in codes else found.codes[n][rows] for n in found.case_names]).astype(
        np.int64
    )
    keys = np.where((digits >= 0).all(1), join_keys(digits, found.case_sizes), -1)
    at = np.minimum(np.searchsorted(found.case_keys, keys), len(found.case_keys) - 1)
    return np.where(found.case_keys[at] == keys, at, -1)


def place_as(found: Lattice, rows: Ints, codes: dict[str, Codes]) -> Numbers:
    """The sum of the logarithms of all factors of each row, if it were coded so; NaN where a kind may not be named."""
    total = np.zeros(len(rows))
    for name, logs in found.factors.items():
        total += (
            np.append(logs, np.nan)[codes[name]] if name in codes else np.append(logs, 0.0)[found.codes[name][rows]]
        )
    return total


def _fits(found: Lattice, amounts: Amounts, rows: Ints, case: Ints, place: Numbers, point: int, steps: float) -> Mask:
    """Is the amount a price of the case, at this point of it and any hidden level?"""
    at = found.base_start[case] + point
    fits = np.zeros(len(rows), np.bool_)
    some = np.flatnonzero((case >= 0) & (at < found.base_start[case + 1]) & np.isfinite(place))
    base = found.bases[at[some]] + place[some]
    for level in found.levels:
        price = np.rint(np.exp(base + level) / found.grid) * found.grid
        fits[some] |= np.abs(price - amounts.values[rows[some]]) < steps * found.grid
    return fits
