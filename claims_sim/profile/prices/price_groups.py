"""Codes that cost the same: cases of a tariff that are one case under several codes. Sees codes and amounts.

A tariff prices groups of diagnoses (or procedures), not each code. Where the prices of two codes agree in every context that
both were seen in, they are one group, and what is rare for one code is known from its group.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import Ints, Population, dense_ids
from claims_sim.profile.prices.lattice import Amounts, Lattice, fit_points

_SAME: Final = 4e-5
_APART: Final = 1000.0
"""More than any two logarithms differ by."""
_TELLING: Final = 0.005
"""How far rounding may put an amount off for it to tell one price from others."""
_SEVERAL: Final = 3
"""So many different amounts, or contexts, at least say that codes cost the same."""
_LISTED: Final = 0.95
"""With so many amounts on a list no groups of rarer codes are sought by theirs."""
_NEARLY_ALL: Final = 0.8
"""The share of a code's persons that must bear amounts of a group."""
_ASIDE, _BY_CHANCE = (4, 7), 0.3
"""So many steps beside a group's amounts, at most so large a share may bear what is the group's too."""
_MOST_SEEN: Final = 100_000_000
"""Codes times contexts: of more no groups are sought."""
_MOSTLY: Final = 0.6
"""The share of a rare code's persons off the lists that must bear prices of a group."""

Prices = npt.NDArray[np.float64]


def split_keys(keys: Ints, sizes: tuple[int, ...]) -> Ints:
    """The codes (one column a variable) behind mixed-radix `keys`."""
    digits = []
    for size in reversed(sizes):
        digits.append(keys % size)
        keys = keys // size
    return np.column_stack(digits[::-1])


def join_keys(digits: Ints, sizes: tuple[int, ...]) -> Ints:
    """The reverse of `split_keys`."""
    key = np.zeros(len(digits), np.int64)
    for column, size in enumerate(sizes):
        key = key * size + digits[:, column]
    return key


def group_codes_by_price(digits: Ints, place: int, size: int, price: Prices, width: Prices, rows: Ints) -> Ints:
    """For each of `size` codes of the variable at `place` the code that stands for its group (itself, where it has none).

    `digits` are the codes of each priced case, `price` the logarithm of its commonest price, `width` how far off rounding may
    have put it, `rows` how many bear it.
    """
    _, context = np.unique(np.delete(digits, place, axis=1), axis=0, return_inverse=True)
    prices = np.full((size, int(context.max(initial=0)) + 1), np.nan)
    prices[digits[:, place], context] = price
    widths = np.zeros(prices.shape)
    widths[digits[:, place], context] = width
    weight = np.bincount(digits[:, place], weights=rows, minlength=size)
    stands = np.arange(size)
    # The prices of each group so far, by the code that it has its name from.
    leaders, leading, names = np.full_like(prices, np.nan), np.zeros_like(widths), np.zeros(size, np.int64)
    groups = 0
    for code in np.argsort(-weight, kind="stable").tolist():
        priced = np.flatnonzero(~np.isnan(prices[code]))
        if not len(priced):
            continue
        away = np.abs(leaders[:groups, priced] - prices[code, priced])
        same = _SAME + leading[:groups, priced] + widths[code, priced]
        agreed, against = (away < same).sum(1), (away > same).sum(1)
        agreed = np.where(against > 0, 0, agreed)
        if agreed.max(initial=0) == 0:
            best, groups = groups, groups + 1
            names[best] = code
        else:
            best = int(agreed.argmax())
            stands[code] = names[best]
        fresh = priced[np.isnan(leaders[best, priced])]
        leaders[best, fresh], leading[best, fresh] = prices[code, fresh], widths[code, fresh]
    return stands


def share_amounts(found: Lattice, population: Population, amounts: Amounts, on: Ints) -> None:
    """Price together the cases of codes most of whose claims (of the rows `on`) bear amounts that others of their context bear, though
    each too seldom to be a price.
    """  # noqa: D205
    if not found.case_sizes or np.mean(found.point[on] >= 0) > _LISTED:
        return
    place = int(np.argmax(found.case_sizes))
    stands = group_codes_by_amounts(found, population, amounts, place, on)
    if (stands != np.arange(len(stands))).any():
        _price_together(found, population, amounts, place, stands, on)


def group_codes_by_amounts(found: Lattice, population: Population, amounts: Amounts, place: int, on: Ints) -> Ints:
    """For each code of the variable at `place` the code that stands for its group (itself, where it has none).

    Commoner codes come first. A code joins the group that nearly all its persons bear amounts of, in contexts in which that group is
    seen, if enough do; and if they bear hardly any of the amounts some steps beside these, as they would by chance where nearly every
    amount is somebody's. No code does that has too few persons.
    """
    stands = np.arange(found.case_sizes[place])
    rows = on[(found.case[on] >= 0) & np.isfinite(amounts.logs[on]) & (amounts.tolerance[on] < _TELLING)]
    if not len(rows):
        return stands
    borne = _borne(found, population, amounts, place, rows)
    persons = np.bincount(borne.code, borne.vote, len(stands))
    codes = np.argsort(-persons, kind="stable")[: np.count_nonzero(persons > population.k - 0.5)]
    if len(codes) * (int(borne.where.max()) + 1) > _MOST_SEEN:
        return stands
    order = np.argsort(borne.code, kind="stable")
    of_code = np.split(order, np.cumsum(np.bincount(borne.code, minlength=len(stands)))[:-1])
    # The group of each code; which one each price of a context is of, by the code that bore it first; where each is seen.
    group, group_of = np.arange(len(codes)), np.full(borne.prices + 1, -1, np.int64)
    seen = np.zeros((len(codes), int(borne.where.max()) + 1), np.bool_)
    # What a code shares with later ones is known the second time.
    for own, mine in [(own, of_code[one]) for own, one in enumerate(codes.tolist())] * 2:
        price, where, vote = borne.price[mine], borne.where[mine], borne.vote[mine]
        others = group_of[price]
        known = (others >= 0) & (others != group[own])
        votes = np.bincount(others[known], vote[known], minlength=1)
        best = int(votes.argmax())
        theirs = mine[others == best]
        there = float(vote[seen[best, where]].sum())
        by_chance = float(np.mean([vote[group_of[beside[mine]] == best].sum() for beside in borne.beside]))
        if (
            group[own] == own
            and votes[best] - by_chance > _NEARLY_ALL * (there - by_chance)
            and by_chance < _BY_CHANCE * there
            and len(np.unique(borne.price[theirs])) >= _SEVERAL
            and population.may_be_told(borne.rows[theirs])
        ):
            group[group == own] = best
            group_of[group_of == own] = best
            seen[best] |= seen[own]
        distinct, count = np.unique(price, return_counts=True)
        # What one person alone bears is hardly a price.
        shared = distinct[count > 1]
        group_of[shared[group_of[shared] < 0]] = group[own]
        seen[group[own], where[np.isin(price, shared)]] = True
    stands[codes] = codes[group]
    return stands


class _Borne(NamedTuple):
    """What each person bears of each code, once: the code; in which context (all of the case but the code); which of so many `prices`
    of a context; the ones some steps `beside` that (`prices`: there is none); its part of the person's one vote for the code; the row.
    """  # noqa: D205

    code: Ints
    where: Ints
    price: Ints
    prices: int
    beside: Sequence[Ints]
    vote: Prices
    rows: Ints


def _borne(found: Lattice, population: Population, amounts: Amounts, place: int, rows: Ints) -> _Borne:
    digits = split_keys(found.case_keys, found.case_sizes)
    _, context = np.unique(np.delete(digits, place, axis=1), axis=0, return_inverse=True)
    code, where = digits[found.case[rows], place], context[found.case[rows]]
    width = max(2 * float(np.median(amounts.tolerance[rows])), _SAME / 2)
    step = np.rint((amounts.logs[rows] - found.place_log(rows)) / width).astype(np.int64)
    key = where * (int(np.ptp(step)) + 2 * max(_ASIDE) + 1) + step - step.min() + max(_ASIDE)
    price, distinct = dense_ids(key)
    once = population.one_of_each(rows, code * len(distinct) + price)
    rows, code, where, price, key = rows[once], code[once], where[once], price[once], key[once]
    beside = [_place_in(distinct, key + off) for off in (*_ASIDE, *(-off for off in _ASIDE))]
    return _Borne(code, where, price, len(distinct), beside, population.votes(rows, code), rows)


def _place_in(ascending: Ints, wanted: Ints) -> Ints:
    """Where each of the `wanted` numbers stands; behind the last where it is none of them."""
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return np.where(ascending[at] == wanted, at, len(ascending))


def share_prices(found: Lattice, population: Population, amounts: Amounts, shared: Ints | None = None) -> Ints | None:
    """Price the cases of codes that cost the same together: a price that is too rare for one is known from the others.

    Returns the code that each one stands by; where these are the `shared` ones by which cases are priced already, no more is to do.
    """
    if not found.case_sizes:  # no column tells prices apart
        return None
    place = int(np.argmax(found.case_sizes))
    digits = split_keys(found.case_keys, found.case_sizes)
    priced = np.flatnonzero(np.diff(found.base_start) > 0)
    on = np.flatnonzero(found.point >= 0)
    rows = np.bincount(found.case[on], minlength=len(digits))[priced]
    width = np.bincount(found.case[on], weights=amounts.tolerance[on], minlength=len(digits))[priced] / np.maximum(
        rows, 1
    )
    price = found.bases[found.base_start[priced]]
    stands = group_codes_by_price(digits[priced], place, found.case_sizes[place], price, width, rows)
    stands = _place_rare_codes(found, population, amounts, place, stands)
    if (stands == np.arange(len(stands))).all() or (shared is not None and (stands == shared).all()):
        return stands
    _price_together(found, population, amounts, place, stands, np.flatnonzero(found.case >= 0))
    return stands


def _price_together(
    found: Lattice, population: Population, amounts: Amounts, place: int, stands: Ints, on: Ints
) -> None:
    """Price the cases of the codes that one stands for as one, by the rows `on`."""
    digits = split_keys(found.case_keys, found.case_sizes)
    own = np.where(found.case >= 0, found.case_keys[found.case], -1)
    digits[:, place] = stands[digits[:, place]]
    keys, shared = np.unique(join_keys(digits, found.case_sizes), return_inverse=True)
    found.case, found.case_keys = np.where(found.case >= 0, shared[found.case], -1), keys
    fit_points(found, population, amounts, on)
    _spread_prices(found, stands, place, own)


def _place_rare_codes(found: Lattice, population: Population, amounts: Amounts, place: int, stands: Ints) -> Ints:
    """`stands`, and for codes that are too rare for prices of their own the group whose prices most of their persons bear.

    A code has its group from enough persons who bear that group's prices, whichever of these.
    """
    size = len(stands)
    code = split_keys(found.case_keys, found.case_sizes)[:, place]
    rows = np.flatnonzero((found.case >= 0) & np.isfinite(amounts.logs))
    on_list = found.point[rows] >= 0
    listed, unlisted = (
        population.bearers(code[found.case[those]], size, those) for those in (rows[on_list], rows[~on_list])
    )
    # Only codes most of whose persons are on no list; and no amounts so small that they are as good as any price.
    rare = (stands == np.arange(size)) & (unlisted > listed)
    rows = rows[~on_list & rare[code[found.case[rows]]] & (amounts.tolerance[rows] < _TELLING)]
    row, group = _groups_borne(found, amounts, place, stands, rows)
    pair, distinct = dense_ids(code[found.case[row]] * size + group)
    counts = population.bearers(pair, len(distinct), row)
    joins, joined = distinct // size, distinct % size
    mostly = (counts > _MOSTLY * unlisted[joins]) & (counts > listed[joins]) & (joined != joins)
    enough = np.flatnonzero(mostly & population.releasable(pair, len(distinct), row))
    enough = enough[np.argsort(counts[enough], kind="stable")]
    placed = stands.copy()
    placed[joins[enough]] = joined[enough]
    # No code is placed with one that is itself placed; codes that stand by a placed one go with it.
    is_placed = placed != stands
    placed = np.where(is_placed & is_placed[placed], stands, placed)
    return placed[stands]


def _groups_borne(found: Lattice, amounts: Amounts, place: int, stands: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Each of `rows` with each group of which it bears a price of its own context (all of the case but the code at `place`)."""
    digits = split_keys(found.case_keys, found.case_sizes)
    _, context = np.unique(np.delete(digits, place, axis=1), axis=0, return_inverse=True)
    owner = np.repeat(np.arange(len(digits)), np.diff(found.base_start))
    group, at = stands[digits[owner, place]], context[owner] * _APART + found.bases
    # Codes of one group have the same prices: each is looked for once.
    order = np.lexsort((at, group))
    fresh = np.r_[True, (group[order][1:] != group[order][:-1]) | (np.diff(at[order]) > _SAME)][: len(order)]
    order = order[fresh]
    order = order[np.argsort(at[order], kind="stable")]
    group, at = group[order], at[order]
    rest, width = amounts.logs[rows] - found.place_log(rows), amounts.tolerance[rows] + _SAME
    pairs = []
    for level in found.levels:
        middle = context[found.case[rows]] * _APART + rest - level
        low, high = np.searchsorted(at, middle - width), np.searchsorted(at, middle + width)
        hit = np.repeat(np.arange(len(rows)), high - low)
        nth = np.arange(len(hit)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        pairs.append(np.unique(hit * len(stands) + group[low[hit] + nth]))
    pair = np.unique(np.concatenate(pairs))
    return rows[pair // len(stands)], pair % len(stands)


def _spread_prices(found: Lattice, stands: Ints, place: int, own: Ints) -> None:
    """Give every code of a group the group's prices, and each row its own case again."""
    points = np.diff(found.base_start)
    digits = split_keys(found.case_keys, found.case_sizes)
    members = np.argsort(stands, kind="stable")
    count = np.bincount(stands, minlength=len(stands))
    first = np.cumsum(count) - count
    each = count[digits[:, place]]
    owner = np.repeat(np.arange(len(digits)), each)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(each) - each, each)
    spread = digits[owner]
    spread[:, place] = members[first[digits[owner, place]] + number]
    keys = join_keys(spread, found.case_sizes)
    order = np.argsort(keys)
    keys, owner = keys[order], owner[order]
    length = points[owner]
    start = np.r_[0, np.cumsum(length)].astype(np.int64)
    at = np.repeat(found.base_start[owner] - start[:-1], length) + np.arange(int(length.sum()))
    found.bases, found.base_start, found.case_keys, found.together = found.bases[at], start, keys, owner
    found.case = np.where(own >= 0, np.searchsorted(keys, own), -1)
