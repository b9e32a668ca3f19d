"""Find what multiplies prices after these are rounded: a house's own charges beside the tariff, a better ward, a part that is due.

What is multiplied before it is rounded is a factor or a hidden level of the list; of what is multiplied behind it, only whole
hundredths are told, where they come out to the step of all amounts.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counting import Codes, Ints, Mask, Population
from claims_sim.profile.daily import STAY
from claims_sim.profile.encode import Encoded
from claims_sim.profile.lattice import Lattice
from claims_sim.profile.numbers import Numbers, on_grid

_HUNDREDTHS: Final = 100
_LEAST: Final = 0.25
_MOST: Final = 4.0
_TELLING: Final = 20
"""So many steps at least is a hundredth of a price, or about any amount is so many hundredths of it."""
_NO_CHANCE: Final = 4.0
"""How many times as many claims as would by chance come out at a multiple."""
_MIN_SHARE: Final = 0.005
"""The share of the claims with a case that must bear a multiple."""
_MAX_MARK_UPS: Final = 12
_MAX_POINTS: Final = 3
_HARDLY_ON: Final = 0.5
"""The share of the claims of a place that lie on the list under which what multiplies their prices may be a multiple of this kind."""
_SAME: Final = 1e-3
_USUAL: Final = 0.001
"""The share of the claims on the lists, without a mark-up, of which so much is left unpaid, for that to be usual."""
_MANY_PAID: Final = 0.05
"""The share of the claims with a mark-up that must be paid as others are, for a payment to follow from the price before it."""


def find_mark_ups(found: Lattice, primary: Numbers, population: Population, finest: float) -> None:
    """Put claims whose amounts are multiples of the rounded prices of their cases on the list; `finest` is the grid of all amounts.

    Where what some place multiplies prices by explains few of its claims, and multiples of the prices without it more, it has none.
    """
    found.mark_up = np.zeros(len(primary), np.int32)
    found.mark_ups = np.zeros(0)
    priced = np.diff(found.base_start) > 0
    rows = np.flatnonzero((found.case >= 0) & (primary > 0))
    rows = rows[priced[found.case[rows]]]
    if _are_exact(found, rows, primary, finest).all():
        return
    _put_back_factors(found, primary, population, finest, rows)
    # An amount a step beside a price may be one of another price.
    off = rows[~_are_exact(found, rows, primary, finest)]
    point, hundredths = _multiples(found, off, primary, finest)
    told = _told(found, off, point, hundredths, primary, population, finest, enough=_MIN_SHARE * len(rows))
    found.mark_ups = told / _HUNDREDTHS
    number = np.searchsorted(told, hundredths)
    hit = (point >= 0) & np.isin(hundredths, told)
    found.mark_up[off[hit]] = number[hit] + 1
    found.point[off[hit]], found.level[off[hit]] = point[hit], 0


def _are_exact(found: Lattice, rows: Ints, primary: Numbers, finest: float) -> Mask:
    """Which of `rows` are just a price of the list."""
    exact = found.point[rows] >= 0
    exact[exact] = np.abs(found.prices(rows[exact]) - primary[rows[exact]]) < finest / 2
    return np.asarray(exact)


def _multiples(found: Lattice, rows: Ints, primary: Numbers, finest: float) -> tuple[Codes, Ints]:
    """The first point of its case that each of `rows` is a multiple of, in whole hundredths, -1 if none; and how many hundredths."""
    point, hundredths = np.full(len(rows), -1, np.int32), np.zeros(len(rows), np.int64)
    place, todo = found.place_log(rows), np.arange(len(rows))
    base_of = found.base_start[found.case[rows]]
    for number in range(_MAX_POINTS):
        todo = todo[base_of[todo] + number < found.base_start[found.case[rows[todo]] + 1]]
        price = on_grid(found.bases[base_of[todo] + number] + place[todo], found.grid, found.ties)
        amount = primary[rows[todo]]
        times = np.rint(amount / np.maximum(price, finest) * _HUNDREDTHS)
        hit = _comes_out(price, times, amount, finest)
        point[todo[hit]], hundredths[todo[hit]] = number, times[hit].astype(np.int64)
        todo = todo[~hit]
    return point, hundredths


def _comes_out(price: Numbers, times: Numbers, amount: Numbers, finest: float) -> Mask:
    possible = (
        (price >= _TELLING * _HUNDREDTHS * finest) & (times >= _LEAST * _HUNDREDTHS) & (times <= _MOST * _HUNDREDTHS)
    )
    return np.asarray(possible & (np.abs(price * times / _HUNDREDTHS - amount) <= finest / 2 + 1e-6))


def _told(
    found: Lattice, rows: Ints, point: Codes, hundredths: Ints, primary: Numbers, population: Population, finest: float, enough: float
) -> Ints:  # fmt: skip
    """The multiples, in hundredths, that so many of `rows` bear as no chance makes them, and as may be told; in order."""
    price = on_grid(found.bases[found.base_start[found.case[rows]]] + found.place_log(rows), found.grid, found.ties)
    about = np.rint(primary[rows] / np.maximum(price, finest) * _HUNDREDTHS)
    within = (about >= _LEAST * _HUNDREDTHS) & (about <= _MOST * _HUNDREDTHS)
    size = int(_MOST * _HUNDREDTHS) + 1
    chance = np.minimum(finest * _HUNDREDTHS / np.maximum(price, finest), 1.0)
    by_chance = np.bincount(about[within].astype(np.int64), chance[within], size)
    hit = np.flatnonzero(point >= 0)
    borne = np.bincount(hundredths[hit], minlength=size)
    allowed = population.releasable(hundredths[hit], size, rows[hit])
    allowed &= (borne >= max(enough, 2 * population.k)) & (borne > _NO_CHANCE * by_chance)
    allowed[_HUNDREDTHS] = False
    best = np.argsort(-np.where(allowed, borne, 0), kind="stable")[:_MAX_MARK_UPS]
    return np.sort(best[allowed[best]])


def _put_back_factors(found: Lattice, primary: Numbers, population: Population, finest: float, rows: Ints) -> None:
    """Take away what a place's prices are multiplied by where few of its claims lie on the list by it, and more are multiples, one of
    them the price itself, without it.
    """  # noqa: D205
    for name in (name for name in found.factors if name != STAY):
        logs = found.factors[name] = found.factors[name].copy()
        of_row = found.codes[name][rows]
        for value in np.flatnonzero(np.abs(logs) > _SAME).tolist():
            mine = rows[of_row == value]
            exact = _are_exact(found, mine, primary, finest)
            on = int(exact.sum())
            if len(mine) < 2 * population.k or on >= _HARDLY_ON * len(mine):
                continue
            before = logs[value]
            with_it = on + len(_bear(found, mine[~exact], primary, population, finest))
            logs[value] = 0.0
            without = _bear(found, mine, primary, population, finest, itself=True)
            if len(without) <= with_it or not population.may_be_told(without):
                logs[value] = before
                continue
            point, hundredths = _multiples(found, mine, primary, finest)
            on_it = (point >= 0) & (hundredths == _HUNDREDTHS)
            found.point[mine], found.level[mine] = np.where(on_it, point, -1), 0


def _bear(
    found: Lattice, rows: Ints, primary: Numbers, population: Population, finest: float, *, itself: bool = False
) -> Ints:
    """Which of `rows` bear multiples that may be told, or the price `itself`."""
    point, hundredths = _multiples(found, rows, primary, finest)
    told = _told(found, rows, point, hundredths, primary, population, finest, enough=_MIN_SHARE * len(rows))
    hit = (point >= 0) & (np.isin(hundredths, told) | itself & (hundredths == _HUNDREDTHS))
    borne: Ints = rows[hit]
    return borne


def before_mark_ups(found: Sequence[Lattice], encoded: Encoded, charge: Numbers) -> Numbers | None:
    """What claims would claim without their mark-ups, and with what their days `charge`, where payments follow from that: where these
    leave what they leave of claims on the lists that bear none, of more claims than of what is claimed. None where they do not.
    """  # noqa: D205
    claimed, paid = encoded.claimed, encoded.paid
    if claimed is None or paid is None:
        return None
    before, rows = claimed.copy(), np.zeros(len(claimed), np.bool_)
    plain = np.zeros(len(claimed), np.bool_)
    for one in (one for one in found if len(one.mark_ups)):
        marked = np.flatnonzero(one.mark_up > 0)
        before[marked], rows[marked] = one.prices(marked) + charge[marked], True
        plain |= (one.point >= 0) & (one.mark_up == 0)
    known = np.isfinite(claimed) & np.isfinite(paid) & (paid > 0)
    rows, plain = rows & known, plain & known
    if not rows.any():
        return None
    left, counts = np.unique(np.round((claimed - paid)[plain], 2), return_counts=True)
    usual = left[counts > _USUAL * plain.sum()]
    by_price, by_charge = (rows & np.isin(np.round(amounts - paid, 2), usual) for amounts in (before, claimed))
    enough = by_price.sum() > max(by_charge.sum(), _MANY_PAID * rows.sum())
    return before if enough and encoded.population.may_be_told(np.flatnonzero(by_price)) else None
