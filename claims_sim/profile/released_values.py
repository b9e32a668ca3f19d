"""Which values of a column of texts are told, and what the others count as."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.admit import SEVERAL, admitted, admitted_in_list, admitted_instead_of_codes, is_code
from claims_sim.profile.counting import Codes, Ints, Mask, Population
from claims_sim.profile.deciding import FEW, decided_by
from claims_sim.profile.release import Cells, withhold_complements
from claims_sim.randomness import stream_key, uniforms

Shares = npt.NDArray[np.float64]
_CATEGORY: Final = 3  # characters
CODE_LISTS: Final = frozenset({"dx_primary_code", "dx_secondary_codes", "procedure_code"})
_MOST_RARE: Final = 4
"""A released code stands for so many times its own claims: where more persons have rare codes of a group, a wider one does."""


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

    `names` says which values pass as names of codes, `lists_of_its_own` whether codes of the source's own may; claims of
    each of `kinds` may have a list. Codes may tell of claims what is `decided`.
    """
    shifted = raw + 1
    enough = population.releasable(shifted, len(values) + 1, rows)
    counts = np.bincount(shifted, minlength=len(values) + 1)
    own = admitted_in_list(name, values, counts[1:], enough[1:]) & lists_of_its_own
    for kind in range(0 if kinds is None else int(kinds.max(initial=-1)) + 1):
        at = np.flatnonzero(kinds == kind)
        of_kind = np.bincount(shifted[at], minlength=len(values) + 1)[1:]
        told = population.releasable(shifted[at], len(values) + 1, at)[1:]
        if int(told.sum()) >= SEVERAL:
            own |= admitted_in_list(name, values, of_kind, told, own) & (of_kind > 0)
    passes = own | admitted(name, values) if names is None else own | names | admitted(name, values)
    if name in CODE_LISTS:
        coded = np.array([value is not None and is_code(value) for value in values], np.bool_)
        passes &= own | coded | admitted_instead_of_codes(name, values, np.where(own, 0, counts[1:]))
    allowed: Mask = np.r_[enough[0], enough[1:] & passes]
    if name not in CODE_LISTS:
        # What is left out could be told from the total: it too must be enough, or nobody.
        cells = Cells(shifted, np.zeros(len(values) + 1, np.int64), counts)
        withhold_complements(allowed, cells, population, np.arange(population.rows) if rows is None else rows)
    order = sorted(np.flatnonzero(allowed[1:]).tolist(), key=lambda i: str(values[i]))
    number = np.full(len(values) + 1, -1, np.int32)
    for code, i in enumerate(order):
        number[i + 1] = code
    vocabulary: list[str | None] = [values[i] for i in order]
    if allowed[0]:
        number[0] = len(vocabulary)
        vocabulary.append(None)
    codes = number[shifted]
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

    Of `own` codes of the source, whose categories are not known, the wider groups are those that begin alike. They are spread
    evenly over the codes of a group: what is rare stays so, and what is common is hardly commoner. Where a code tells what is
    `decided` of a claim, it counts as one that tells the same. What is no code at all stays suppressed. `whose`: each code's claim.
    """
    rows = np.flatnonzero(codes < 0)
    if not len(rows):
        return
    counts = np.bincount(codes[codes >= 0], minlength=int(number.max(initial=0)) + 1)
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
        groups = _Groups(same or released, counts, population.k)
        groups.count_rare(texts, of_row, whose[mine], population)
        for place, (value, text) in enumerate(zip(rare.tolist(), texts, strict=True)):
            near, share = groups.near(text, is_own=bool(own[value - 1]))
            here = mine[of_row == place]
            u = uniforms(stream_key("neighbour", text), np.arange(len(here)))
            codes[here] = near[np.searchsorted(share, u, side="right")]


class _Groups:
    """Codes by what they begin with: the released ones, and how many claims are of rare ones.

    Numbers are in units of `k`, and none is looked at that may not be told: nobody's claims alone, however many, decide what a
    whole group counts as.
    """

    def __init__(self, released: Sequence[tuple[str, int]], counts: Ints, k: int) -> None:
        self._units, self._k = counts // k, k
        self._released: dict[str, list[tuple[int, int]]] = {}
        self._rare: dict[str, int] = {}
        for text, code in released:
            for length in range(len(text) + 1):
                self._released.setdefault(text[:length], []).append((len(text), code))

    def count_rare(self, texts: Sequence[str], of_row: Ints, whose: Ints, population: Population) -> None:
        """Count the persons with each of the rare codes `texts`, `of_row` the code of each claim; one unit where they may not be
        told. Without a key of persons it is claims that are counted.
        """  # noqa: D205
        one = population.one_of_each(whose, of_row)
        of_row, whose = of_row[one], whose[one]
        for length in range(1 + max(map(len, texts), default=0)):
            begins, group = np.unique([text[:length] for text in texts], return_inverse=True)
            claims = np.bincount(group[of_row], minlength=len(begins))
            told = population.releasable(group[of_row], len(begins), whose)
            self._rare |= dict(zip(begins.tolist(), np.where(told, claims // self._k, 1).tolist(), strict=True))

    def near(self, text: str, *, is_own: bool) -> tuple[Codes, Shares]:
        """The released codes that a rare one counts as, and up to which share each of them."""
        for length in range(len(text) - 1 if is_own else min(_CATEGORY, len(text)), -1, -1):
            begins = text[:length]
            alike = self._released.get(begins, [])
            # Of a table that holds codes of three and of four characters, one as long as itself.
            near = np.array(
                [code for long, code in alike if long == len(text)] or [code for _, code in alike], np.int32
            )
            most, rare = _MOST_RARE * self._units[near], self._rare.get(begins, 1)
            if most.sum() >= rare or not length:
                break
        share = np.cumsum(_evenly(most, rare))
        return near, share / share[-1]


def _evenly(most: Ints, total: int) -> Shares:
    """`total` shared evenly, but to none more than `most`; `most` where that is less."""
    order = np.sort(most)
    left = np.arange(len(order), 0, -1)
    # As if all but the first few had the same.
    filled = np.cumsum(order) - order + order * left
    at = int(np.searchsorted(filled, total))
    if at == len(order):
        return most.astype(np.float64)
    level = float(order[at] - (filled[at] - total) / left[at])
    return np.minimum(most.astype(np.float64), level)
