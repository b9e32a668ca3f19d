"""The procedures behind the first, where a table lists several of a claim in one column (88.01#99.04, as INA-CBG's grouper exports them).

A payload has one procedure. A table that stands for the source's has lists: what is done next follows what was done before it, for
whom and in which kind of service; after some procedures nothing is, or only others.
"""

from typing import Final

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Population
from claims_sim.profile.counts.lookup import Rows, TableSampler
from claims_sim.profile.counts.release import Target
from claims_sim.profile.document_parts import FURTHER_PLACE, FURTHER_PROCEDURE
from claims_sim.profile.drawing.draft import Draft
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.randomness import stream_key

_CONTEXT: Final = ("procedure_code", "dx_primary_code", "service_type", "severity_group")
_MOST: Final = 9  # procedures behind the first
_MANY_CODES: Final = 30
"""Of fewer each context has enough to show what tells them; of more the parents are weighed as the table will be released."""
_TRIES: Final = 4


def add_further_procedures(builder: Builder, encoded: Encoded) -> None:
    """Release what is done next, by what was done right before it, as how manieth, and first of all; or that nothing more is."""
    rows, codes, first = encoded.further_rows, encoded.further_codes, encoded.codes["procedure_code"]
    assert rows is not None  # noqa: S101 - with their vocabulary
    assert codes is not None  # noqa: S101
    vocabulary, whole = encoded.vocabularies["procedure_code"], encoded.population
    nothing_more = len(encoded.vocabularies[FURTHER_PROCEDURE]) - 1
    is_done = (first >= 0) & (first != (vocabulary.index(None) if None in vocabulary else -1))
    rows, codes = rows[is_done[rows]], codes[is_done[rows]]
    further = np.bincount(rows, minlength=len(first))
    place = np.arange(len(rows)) - np.repeat(np.cumsum(further) - further, further)
    kept, done = place < _MOST, np.flatnonzero(is_done)
    owner = np.r_[rows[kept], done]
    place = np.r_[place[kept], np.minimum(further[done], _MOST)]
    following: Codes = np.r_[codes[kept], np.full(len(done), nothing_more)].astype(np.int32)
    order = np.lexsort((place, owner))
    owner, place, following = owner[order], place[order].astype(np.int32), following[order]
    before = np.where(place > 0, np.r_[nothing_more, following[:-1]], nothing_more).astype(np.int32)
    # Without a key of persons claims are counted, and each but once however long its list is.
    population = Population(
        len(owner), whole.k, owner + 1 if whole.persons is None else whole.persons[owner],
        None if whole.facilities is None else whole.facilities[owner], whole.rounding_key, whole.marks,
    )  # fmt: skip
    builder.variables[FURTHER_PROCEDURE] = (before, nothing_more + 1)
    builder.variables[FURTHER_PLACE] = (place, _MOST + 1)
    candidates = [*builder.candidates((FURTHER_PROCEDURE, FURTHER_PLACE)), *builder.candidates(_CONTEXT, owner)]
    target = Target(FURTHER_PROCEDURE, following, nothing_more + 1)
    builder.add(target, candidates, population=population, most=4, has_many=nothing_more >= _MANY_CODES)


def draw_further(
    table: TableSampler, nothing_more: int, key: int, rows: Rows, draft: Draft, first: Codes, todo: Rows
) -> Codes:
    """The further procedures of the claims `todo`, position by position (claims × positions; -1: no more): none twice, nor the `first` one
    of the claim, a number among further ones (-1: none of these).
    """  # noqa: D205
    drawn = np.full((len(rows), 1 + _MOST), -1, np.int32)
    drawn[:, 0] = first
    before = np.full(len(rows), nothing_more, np.int32)
    for place in range(1, 1 + _MOST):
        draft.codes[FURTHER_PROCEDURE], draft.codes[FURTHER_PLACE] = before, np.full(len(rows), place - 1, np.int32)
        open_ = todo
        for attempt in range(_TRIES):
            of_place = key ^ stream_key(FURTHER_PROCEDURE, place, attempt)
            code = table.draw(of_place, np.asarray(rows)[open_], draft.given(table.parents, open_))
            is_again = (drawn[open_] == code[:, None]).any(axis=1) & (code >= 0)
            drawn[open_, place] = np.where(is_again | (code == nothing_more), -1, code)
            open_ = open_[is_again]
            if not len(open_):
                break
        todo = todo[drawn[todo, place] >= 0]
        if not len(todo):
            break
        before[todo] = drawn[todo, place]
    return drawn[:, 1:]
