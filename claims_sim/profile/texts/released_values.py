"""Which values of a column of texts are told, and what the others count as."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.privacy.phi import in_plain_width
from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.release import Cells, lend_to_complements, withhold_complements
from claims_sim.profile.texts.admit import SEVERAL, admitted, admitted_instead_of_codes, is_code
from claims_sim.profile.texts.days_written import are_days
from claims_sim.profile.texts.deciding import FEW, decided_by
from claims_sim.profile.texts.own_codes import admitted_in_list, may_be_listed
from claims_sim.randomness import stream_key, uniforms

Shares = npt.NDArray[np.float64]
_CATEGORY: Final = 3  # characters
CODE_LISTS: Final = frozenset({"dx_primary_code", "dx_secondary_codes", "procedure_code"})
_MOST_RARE: Final = 4
"""A released code stands for so many times its own claims at most, by units of k, unless all do."""


def release_values(
    population: Population,
    name: str,
    values: list[str | None],
    raw: Ints,
    rows: Ints | None,
    names: Mask | None = None,
    *,
    lists_of_its_own: bool = True,
    kinds: Codes | None = None,
    decided: Sequence[Codes] = (),
) -> tuple[Codes, tuple[str | None, ...]]:
    """Codes in the order of the values' text; missing values come last as a value of their own where many have none.

    `names` says which values pass as names of codes, or as codes that go with others, `lists_of_its_own` whether codes of the source's
    own may; claims of each of `kinds` may have a list. Codes may tell of claims what is `decided`.
    """
    shifted = raw + 1
    enough = population.releasable(shifted, len(values) + 1, rows)
    own, persons = np.zeros(len(values), np.bool_), np.zeros(len(values))
    # A day or a name is one in full-width characters, too.
    told_as, values = values, [value and in_plain_width(value) for value in values]
    if may_be_listed(name, values):
        # Nobody's many claims make a list of codes, or spoil one.
        persons = population.bearers_of_values(raw, len(values), enough[1:], rows)
        own = admitted_in_list(name, values, persons, enough[1:]) & lists_of_its_own
    for kind in range(0 if kinds is None else int(kinds.max(initial=-1)) + 1):
        at = np.flatnonzero(kinds == kind)
        told = population.releasable(shifted[at], len(values) + 1, at)[1:]
        of_kind = population.bearers_of_values(raw[at], len(values), told, at)
        if int(told.sum()) >= SEVERAL:
            own |= admitted_in_list(name, values, of_kind, told, own) & (of_kind > 0)
    own |= False if names is None else names
    passes = own | admitted(name, values)
    if name in CODE_LISTS:
        coded = np.array([value is not None and is_code(value) for value in values], np.bool_)
        passes = own | passes & coded | admitted_instead_of_codes(name, values, np.where(own, 0, persons))
    allowed: Mask = np.r_[enough[0], enough[1:] & passes & ~are_days(values, enough[1:] & passes)]
    lent = np.zeros(len(raw), np.bool_)
    if name not in CODE_LISTS:
        # What is left out could be told from the total: it too must be enough, or nobody.
        of_row, one = np.arange(population.rows) if rows is None else rows, np.zeros(len(values) + 1, np.int64)
        cells, some, _ = lend_to_complements(allowed, shifted, one, population, of_row)
        lent, allowed = cells != shifted, some[: len(allowed)]
        left = Cells(cells, np.zeros(len(some), np.int64), np.bincount(cells, minlength=len(some)))
        withhold_complements(some, left, population, of_row)
    order = sorted(np.flatnonzero(allowed[1:]).tolist(), key=lambda i: str(told_as[i]))
    number = np.full(len(values) + 1, -1, np.int32)
    for code, i in enumerate(order):
        number[i + 1] = code
    vocabulary: list[str | None] = [told_as[i] for i in order]
    if allowed[0]:
        number[0] = len(vocabulary)
        vocabulary.append(None)
    codes = np.where(lent, np.int32(-1), number[shifted])
    if name in CODE_LISTS:
        whose = np.arange(population.rows) if rows is None else rows
        _count_with_neighbours(codes, shifted, values, number, own, decided, population, whose)
    return codes, tuple(vocabulary)


def _count_with_neighbours(
    codes: Codes,
    shifted: Ints,
    values: list[str | None],
    number: Codes,
    own: Mask,
    decided: Sequence[Codes],
    population: Population,
    whose: Ints,
) -> None:
    """Count codes that are too rare to release as released codes of their category, else of a wider group.

    Of `own` codes of the source, whose categories are not known, the wider groups are those that begin alike. They go to
    the rarest codes of a group first, until these are as common as the next: what is rare stays so, and common ones as common as
    they are. Where a code tells what is `decided` of a claim, it counts as one that tells the same. What is no code at all stays
    suppressed. `whose`: each code's claim.
    """
    rows = np.flatnonzero(codes < 0)
    if not len(rows):
        return
    told_of = np.flatnonzero(codes >= 0)
    one = told_of[population.one_of_each(whose[told_of], codes[told_of].astype(np.int64))]
    counts = np.bincount(codes[one], minlength=int(number.max(initial=0)) + 1)
    coded = np.array([own[i] or is_code(value or "") for i, value in enumerate(values)], np.bool_)
    released = [(str(values[i]), int(number[i + 1])) for i in np.flatnonzero(coded & (number[1:] >= 0))]
    # Of each code, and of each row that is to be counted, one number for all that codes tell.
    tells, told = np.zeros(len(counts), np.int64), np.zeros(len(rows), np.int64)
    for other in decided:
        by_code = decided_by(codes, other, int(number[0]))
        if by_code is not None:
            tells, told = tells * (FEW + 1) + by_code + 1, told * (FEW + 1) + other[rows] + 1
    is_coded = np.append(False, coded)[shifted[rows]]
    rows, told = rows[is_coded], told[is_coded]
    for what in np.unique(told).tolist() if released else []:
        mine = rows[told == what]
        same = [(other, code) for other, code in released if tells[code] == what]
        rare, of_row = np.unique(shifted[mine], return_inverse=True)
        texts = [str(values[i - 1]) for i in rare]
        starts = [
            len(text) - 1 if own[value - 1] else min(_CATEGORY, len(text))
            for value, text in zip(rare, texts, strict=True)
        ]
        stand_ins = _StandIns(same or released, counts, population.k)
        stand_ins.share_out(texts, starts, of_row, whose[mine], population)
        for place, text in enumerate(texts):
            here = mine[of_row == place]
            u = uniforms(stream_key("neighbour", text), np.arange(len(here)))
            codes[here] = stand_ins.of(place, u)


class _StandIns:
    """Which released codes stand for each rare one: from its category on, and so far as those of a group are full, of a wider one.

    Groups are of codes that begin alike. Numbers are of persons (of claims, without a key of them) in units of `k`, and none is
    looked at that may not be told: nobody's claims alone, however many, decide what others' count as.
    """

    def __init__(self, released: Sequence[tuple[str, int]], counts: Ints, k: int) -> None:
        self._units, self._k, self._taken = counts // k, k, np.zeros(len(counts))
        self._released: dict[str, list[tuple[int, int]]] = {}
        self._shares: list[list[tuple[Codes, Shares]]] = []
        for text, code in released:
            for length in range(len(text) + 1):
                self._released.setdefault(text[:length], []).append((len(text), code))

    def share_out(
        self, texts: Sequence[str], starts: Sequence[int], of_row: Ints, whose: Ints, population: Population
    ) -> None:
        """Share out the rare codes `texts`, each in groups of so many first characters as it `starts` with, and of fewer;
        `of_row`: the code of each claim.
        """  # noqa: D205
        left, placed = np.ones(len(texts)), defaultdict[str, float](float)
        self._shares = [[] for _ in texts]
        for length in range(max(starts, default=0), -1, -1):
            groups, group = np.unique([f"{text[:length]}/{len(text)}" for text in texts], return_inverse=True)
            of_group = group[of_row]
            told = population.releasable(of_group, len(groups), whose)
            persons = np.bincount(of_group[population.one_of_each(whose, of_group)], minlength=len(groups))
            open_ = np.flatnonzero((left > 0) & (np.array(starts) >= length))
            for number in np.unique(group[open_]).tolist():
                mine = open_[group[open_] == number]
                begins, long = texts[mine[0]][:length], len(texts[mine[0]])
                # What may not be told takes no room from others.
                units = float(persons[number] // self._k) - placed[groups[number]]
                wanted = max(units, 1.0) if told[number] else 0.0
                near, shares, filled = self._fill(begins, long, wanted, is_last=not length)
                for place in mine.tolist():
                    self._shares[place].append((near, shares * left[place] * filled))
                left[mine] *= 1 - filled
                for wider in range(length):
                    placed[f"{begins[:wider]}/{long}"] += wanted * filled

    def _fill(self, begins: str, long: int, wanted: float, *, is_last: bool) -> tuple[Codes, Shares, float]:
        """The released codes of a group, their shares, and how much of what is `wanted` there is room for."""
        alike = self._released.get(begins, [])
        # Of a table that holds codes of three and of four characters, one as long as itself.
        near = np.array([code for size, code in alike if size == long] or [code for _, code in alike], np.int32)
        room = np.maximum(_MOST_RARE * self._units[near] - self._taken[near], 0.0)
        if not wanted:
            shared, filled = (room > 0).astype(float), float(room.any())
        else:
            shared = _from_the_rarest_up(self._units[near] + self._taken[near], room, wanted)
            filled = min(1.0, room.sum() / wanted)
        if filled < 1 and is_last:
            # All are full: as common as they are.
            shared, filled = self._units[near].astype(float), 1.0
        if wanted:
            self._taken[near] += shared
        return near, shared / max(shared.sum(), 1e-9), filled

    def of(self, place: int, uniform: Shares) -> Codes:
        """The released codes that stand for the rare one at `place`, one for each number from 0 to 1."""
        near = np.concatenate([near for near, _ in self._shares[place]])
        share = np.cumsum(np.concatenate([shares for _, shares in self._shares[place]]))
        return near[np.searchsorted(share / share[-1], uniform, side="right")]


def _from_the_rarest_up(has: Shares, room: Shares, total: float) -> Shares:
    """`total` shared so that those who have least have as much as the next, and so on; nobody gets more than its `room`."""
    if not len(has):
        return has
    fills = np.r_[np.ones(len(has)), -np.ones(len(has))]
    levels = np.r_[has, has + room]
    order = np.argsort(levels, kind="stable")
    up_to = np.r_[0.0, np.cumsum(np.cumsum(fills[order])[:-1] * np.diff(levels[order]))]
    return np.asarray(np.clip(np.interp(total, up_to, levels[order]) - has, 0, room))
