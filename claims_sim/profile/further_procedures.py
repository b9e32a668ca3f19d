"""The procedures behind the first, where a table lists several of a claim in one column (88.01#99.04, as INA-CBG's grouper exports them).

A payload has one procedure. A table that stands for the source's has lists: what is done next follows what was done before it, for
whom and in which kind of service; after some procedures nothing is, or only others.
"""

from typing import Final

import numpy as np

from claims_sim.profile.builder import Builder
from claims_sim.profile.counting import Codes, Ints, Population
from claims_sim.profile.document import FURTHER_PROCEDURE
from claims_sim.profile.draft import Draft
from claims_sim.profile.lookup import Rows, TableSampler
from claims_sim.profile.release import Parent, Target
from claims_sim.randomness import stream_key

_PROCEDURE: Final = "procedure_code"
_CONTEXT: Final = ("dx_primary_code", "service_type")
_MOST: Final = 9  # procedures behind the first
_TRIES: Final = 4


def add_further_procedures(
    builder: Builder, population: Population, vocabulary: tuple[str | None, ...], rows: Ints, codes: Codes
) -> None:
    """Release what is done next, by what was done before it; the last code stands for nothing more.

    `codes` are those of the lists without their first, `rows` the claims that they are of, claim by claim.
    """
    first, size = builder.variables[_PROCEDURE]
    done = np.flatnonzero((first >= 0) & (first != (vocabulary.index(None) if None in vocabulary else -1)))
    has_first = np.zeros(len(first), np.bool_)
    has_first[done] = True
    rows, codes = rows[has_first[rows]], codes[has_first[rows]]
    owner, before = np.r_[done, rows], np.r_[first[done], codes].astype(np.int32)
    order = np.argsort(owner, kind="stable")  # a claim's first procedure comes before its others
    owner, before = owner[order], before[order]
    is_last = np.r_[owner[1:] != owner[:-1], True]
    following: Codes = np.where(is_last, size, np.r_[before[1:], size]).astype(np.int32)
    # Without a key of persons claims are counted, and each but once however long its list is.
    of_rows = Population(
        len(owner), population.k, owner + 1 if population.persons is None else population.persons[owner],
        None if population.facilities is None else population.facilities[owner], population.rounding_key, population.marks,
    )  # fmt: skip
    candidates = [Parent(_PROCEDURE, before, size), *builder.candidates(_CONTEXT, owner)]
    builder.add(Target(FURTHER_PROCEDURE, following, size + 1), candidates, population=of_rows, most=3, has_many=True)


def draw_further(table: TableSampler, size: int, key: int, rows: Rows, draft: Draft, missing: int) -> list[list[int]]:
    """For each claim the numbers of its further procedures, none twice; `missing` is the number of none, `size` how many there are."""
    first = draft.codes.get(_PROCEDURE, np.full(len(rows), -1, np.int32))
    drawn = np.full((len(rows), _MOST + 1), -1, np.int32)
    drawn[:, 0] = np.where(first == missing, -1, first)
    todo, before = np.flatnonzero(drawn[:, 0] >= 0), drawn[:, 0].copy()
    for place in range(1, _MOST + 1):
        draft.codes[_PROCEDURE] = before
        open_ = todo
        for attempt in range(_TRIES):
            of_place = key ^ stream_key(FURTHER_PROCEDURE, place, attempt)
            code = table.draw(of_place, np.asarray(rows)[open_], draft.given(table.parents, open_))
            is_again = (drawn[open_] == code[:, None]).any(axis=1)
            drawn[open_, place] = np.where(is_again | (code >= size), -1, code)
            open_ = open_[is_again]
            if not len(open_):
                break
        todo = todo[drawn[todo, place] >= 0]
        if not len(todo):
            break
        before[todo] = drawn[todo, place]
    draft.codes[_PROCEDURE] = first
    return [[int(code) for code in line if code >= 0] for line in drawn[:, 1:]]
