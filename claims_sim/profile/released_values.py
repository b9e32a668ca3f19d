"""Which values of a column of texts are told, and what the others count as."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.admit import SEVERAL, admitted, admitted_in_list, admitted_instead_of_codes, is_code
from claims_sim.profile.counting import Codes, Ints, Mask, Population
from claims_sim.profile.deciding import FEW, decided_by
from claims_sim.profile.release import Cells, withhold_complements
from claims_sim.randomness import stream_key, uniforms

CODE_LISTS: Final = frozenset({"dx_primary_code", "dx_secondary_codes", "procedure_code"})


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
        _count_with_neighbours(codes, shifted, values, number, own, decided)
    return codes, tuple(vocabulary)


def _count_with_neighbours(
    codes: Codes, shifted: Ints, values: list[str | None], number: Codes, own: Mask, decided: Sequence[Codes]
) -> None:
    """Count codes that are too rare to release as released codes of their category, else of a wider group.

    Of `own` codes of the source, whose categories are not known, the wider groups are those that begin alike. Which of
    these is spread in proportion to how common they are; where a code tells what is `decided` of a claim, among those that tell the
    same. What is no code at all stays suppressed.
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
    for value, what in np.unique(np.column_stack([shifted[rows], told]), axis=0).tolist():
        text = values[value - 1] if value and coded[value - 1] else None
        if text is None or not released:
            continue
        same = [(other, code) for other, code in released if tells[code] == what]
        near = _neighbours(text, same or released, own[value - 1])
        mine = rows[(shifted[rows] == value) & (told == what)]
        share = np.cumsum(counts[near]) / counts[near].sum()
        place = uniforms(stream_key("neighbour", text), np.arange(len(mine)))
        codes[mine] = np.array(near, np.int32)[np.searchsorted(share, place, side="right")]


def _neighbours(text: str, others: Sequence[tuple[str, int]], is_own: bool) -> list[int]:
    """The codes of `others` that begin as `text` does, for as many characters as any does."""
    lengths = range(len(text) - 1 if is_own else 3, -1, -1)
    alike = next(found for length in lengths if (found := [o for o in others if o[0][:length] == text[:length]]))
    # Of a table that holds codes of three and of four characters, one as long as itself.
    return [code for other, code in alike if len(other) == len(text)] or [code for _, code in alike]
