"""How many cells, persons and facilities of a source have each text as it is written: of what but few write, nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from claims_sim.claim import MAX_TEXT
from claims_sim.profile.counts.counting import MIN_FACILITIES, Ints, Mask, claims_needed
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import Located
from claims_sim.profile.reading.source_sql import key_expression


@dataclass(frozen=True, slots=True)
class Bearers:
    """The distinct texts, and how many `cells`, `persons` (0 without a key) and `facilities` have each; facilities `in_all`."""

    texts: list[str]
    cells: Ints
    persons: Ints
    facilities: Ints
    in_all: int

    def by_many(self, k: int) -> Mask:
        """Which texts `k` persons have, or as many cells as stand for them without a key, in facilities enough if there are so many."""
        common = self.persons >= k if self.persons.any() else self.cells >= claims_needed(k)
        return np.asarray(common & (self.facilities >= min(MIN_FACILITIES, self.in_all)))


def read_bearers(opened: OpenSource, located: Mapping[str, Located], text: str, where: str = "true") -> Bearers:
    """Who bears the values of an expression, in the cells `where` another is true; long texts are left out."""
    person, house = (
        key_expression(located[key]) if key in located else "NULL" for key in ("patient_id_hash", "facility_id")
    )
    rows = opened.connection.execute(
        f"SELECT text, count(*), count(DISTINCT person), count(DISTINCT facility) "
        f"FROM (SELECT {text} AS text, {person} AS person, {house} AS facility FROM {opened.relation} WHERE {where}) "
        f"WHERE length(text) <= {MAX_TEXT} GROUP BY text ORDER BY text"
    ).fetchall()
    ((in_all,),) = opened.connection.execute(f"SELECT count(DISTINCT {house}) FROM {opened.relation}").fetchall()
    cells, persons, facilities = np.array([counts for _, *counts in rows], np.int64).reshape(-1, 3).T
    return Bearers([text for text, *_ in rows], cells, persons, facilities, in_all)
