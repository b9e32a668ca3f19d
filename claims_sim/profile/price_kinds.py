"""Which claims of one price list may well have one of their own: those that are priced by the day, where others are priced by the case;
and those whose prices change on dates of their own. Sees codes, stays, months and amounts.
"""  # noqa: D205

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.claim_pairs import alike, equal_of_each
from claims_sim.profile.counting import Ints, Mask
from claims_sim.profile.daily import STAY, log_days
from claims_sim.profile.decided import DECIDED_BY, DIAGNOSIS, PROCEDURE
from claims_sim.profile.encode import Encoded
from claims_sim.profile.factors import CASE_ALWAYS, CONDITIONS, FACTOR_CANDIDATES
from claims_sim.profile.lattice import Amounts, Lattice
from claims_sim.profile.price_cases import CASE_GROUP
from claims_sim.profile.price_periods import find_periods

_TOLD_BY: Final = (PROCEDURE, CASE_GROUP, DIAGNOSIS)
_SOME: Final = 0.02
"""The share of a list's claims that must be of another kind, for them to have a list of their own."""
_CLEARLY: Final = 4
"""How many times as many pairs must be equal by the day as are equal without, or the other way, for a code to be of one kind."""
_FEWEST: Final = 300
"""With fewer claims a code's months of change are not looked for."""
_MOST_KINDS: Final = 3


def priced_by_day(encoded: Encoded, amounts: Amounts, rows: Ints) -> tuple[str, list[Mask]]:
    """The column whose codes say which of `rows` are priced by the day, and the claims of either kind; none where all are of one."""
    if STAY not in encoded.codes or not len(rows):
        return "", []
    columns = [name for name in _TOLD_BY if name in encoded.codes]
    key = alike(encoded, [n for n in (*CASE_ALWAYS, *CONDITIONS, *FACTOR_CANDIDATES) if n in encoded.codes], rows)
    logs, width = amounts.logs[rows], amounts.tolerance[rows]
    best, found = 0, ("", list[Mask]())
    for name in columns:
        code = encoded.codes[name][rows]
        both = alike(encoded, [name], rows) + key * (len(encoded.vocabularies[name]) + 1)
        by_day = logs - log_days()[encoded.codes[STAY][rows]]
        fixed, daily = equal_of_each(code, len(encoded.vocabularies[name]), both, logs, by_day, width)
        is_daily, is_fixed = daily > _CLEARLY * fixed, fixed > _CLEARLY * daily
        told = int(daily[is_daily].sum() + fixed[is_fixed].sum())
        claims = np.bincount(code[code >= 0], minlength=len(is_daily))
        of_kind = [int(claims[kind].sum()) for kind in (is_daily, is_fixed)]
        if told > best and min(of_kind) > _SOME * len(rows):
            day = np.append(is_daily, False)[encoded.codes[name]]
            best, found = told, (name, [day, ~day])
    return found


def changed_apart(found: Lattice, encoded: Encoded, amounts: Amounts, rows: Ints) -> tuple[str, list[Mask]]:
    """The column whose codes say which of `rows` have prices that change in other months than those of the list, and the claims of each
    such kind, most first, with all others last; none where none have.
    """  # noqa: D205
    name = next((n for n in _TOLD_BY if n in found.case_names), PROCEDURE if DECIDED_BY in found.case_names else "")
    rows = rows[found.case[rows] >= 0]
    if name not in encoded.codes or not len(rows):
        return "", []
    rest = amounts.logs[rows] - found.place_log(rows)
    price = np.floor(rest / max(2 * float(np.median(amounts.tolerance[rows])), 1e-4)).astype(np.int64)
    code = encoded.codes[name][rows]
    claims = np.bincount(code + 1, minlength=len(encoded.vocabularies[name]) + 1)[1:]
    kinds: dict[tuple[int, ...], list[int]] = {}
    for one in np.flatnonzero(claims >= _FEWEST).tolist():
        mine = code == one
        periods = find_periods(encoded, price[mine] - price[mine].min(), rows[mine])
        changes = _changes(periods)
        if not set(changes) <= set(_changes(found.periods)):
            kinds.setdefault(changes, []).append(one)
    each = sorted(((int(claims[codes].sum()), codes) for codes in kinds.values()), reverse=True)
    masks = [np.isin(encoded.codes[name], codes) for many, codes in each[:_MOST_KINDS] if many > _SOME * len(rows)]
    return (name, [*masks, ~np.any(masks, axis=0)]) if masks else ("", [])


def _changes(periods: Sequence[int]) -> tuple[int, ...]:
    """The months in which a period begins."""
    return tuple((np.flatnonzero(np.diff(periods)) + 1).tolist()) if len(periods) else ()
