"""Draw the secondary codes of claims, position by position: never the primary code, never one twice."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.companions import FIRST_MEMBER, MEMBER
from claims_sim.profile.counts.lookup import Codes, Rows, TableSampler
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.draft import Draft
from claims_sim.profile.fitting.secondary_lists import LENGTH, SEVERITY
from claims_sim.randomness import stream_key, uniforms

_TRIES: Final = 12
_OTHERS: Final = 1_000_000
"""Random numbers that no position in a list has."""


class Members:
    """The secondary codes of one profile."""

    def __init__(self, profile: Profile, tables: dict[str, TableSampler], texts: dict[str, pa.Array]) -> None:
        self.profile = profile
        self._tables, self._texts = tables, texts

    def draw(self, key: int, rows: Rows, draft: Draft) -> None:
        """The secondary codes position by position: never the primary code, never one twice."""
        table = self._tables.get(MEMBER)
        most = self.profile.tables["secondary_count"].size - 1 if table is not None else 0
        members = np.full((len(rows), most), -1, np.int32)
        draft.codes["members"] = members
        if table is None:
            if "secondary_count" in self.profile.tables:
                draft.codes["members"] = self._well_known(key, rows, draft)
            return
        count = draft.codes["secondary_count"]
        primary = self._primary_as_member(draft.codes.get("dx_primary_code"), len(rows))
        todo = np.flatnonzero(count > 0)
        for position in range(most):
            todo = todo[count[todo] > position]
            if not len(todo):
                break
            here = self._tables.get(FIRST_MEMBER, table) if position == 0 else table
            given = draft.given(here.parents, todo)
            if here.parents[:2] == (LENGTH, SEVERITY):
                # A severity that the profile does not know says nothing: as of the commonest, the list still follows its diagnosis.
                commonest = np.int32(self.profile.tables[SEVERITY].marginal().argmax())
                given[SEVERITY] = np.where(given[SEVERITY] < 0, commonest, given[SEVERITY])
            members[todo, position] = self._draw_new(
                key, rows[todo], here, given, members[todo, :position], primary[todo], position
            )
            if position == 0:
                draft.codes[FIRST_MEMBER] = members[:, 0]

        if self.profile.secondary_sorted:
            # Their own order is that of the list: the first is the least.
            first = np.where(members < 0, np.iinfo(np.int32).max, members).min(1, initial=np.iinfo(np.int32).max)
            draft.codes[FIRST_MEMBER] = np.where(first == np.iinfo(np.int32).max, -1, first).astype(np.int32)

    def read_first(self, draft: Draft, lists: pa.ChunkedArray, some: npt.NDArray[np.bool_]) -> None:
        """Set the first code of each of the `lists`, as far as the profile knows it; `some` are those that hold any."""
        texts = self._texts.get("dx_secondary_codes")
        if texts is None:
            return
        codes = np.full(draft.rows, -1, np.int32)
        at = np.flatnonzero(some)
        first = pc.list_element(lists.take(pa.array(at)), 0).cast(pa.string())
        found = pc.index_in(first, value_set=texts, skip_nulls=True).fill_null(-1)
        codes[at] = found.to_numpy().astype(np.int32)
        draft.codes[FIRST_MEMBER] = codes

    def _well_known(self, key: int, rows: Rows, draft: Draft) -> npt.NDArray[np.int32]:
        """As many of the codes that stand for companions as each claim has, where only their number is known: none twice, nor the
        primary one.
        """  # noqa: D205
        codes, most = len(self._texts["dx_secondary_codes"]), self.profile.tables["secondary_count"].size - 1
        # A prime number of codes: steps of any length come to all of them before one comes again.
        first, step = (uniforms(key ^ stream_key("well known"), rows, lane) for lane in (0, 1))
        place = np.arange(most + 1)
        members = (
            (first * codes).astype(int)[:, None] + place * (1 + (step * (codes - 1)).astype(int))[:, None]
        ) % codes
        primary = self._primary_as_member(draft.codes.get("dx_primary_code"), len(rows))
        last = np.argsort(members == primary[:, None], axis=1, kind="stable")
        members = np.take_along_axis(members, last, axis=1)[:, :most]
        return np.where(place[:most] < draft.codes["secondary_count"][:, None], members, -1).astype(np.int32)

    def _draw_new(
        self, key: int, rows: Rows, table: TableSampler, given: dict[str, Codes], earlier: npt.NDArray[np.int32],
        primary: Codes, position: int,
    ) -> Codes:  # fmt: skip
        out = np.full(len(rows), -1, np.int32)
        todo = np.arange(len(rows))
        nothing = {name: np.full(len(rows), -1, np.int32) for name in given}
        for attempt in range(2 * _TRIES):
            # Where a context has too few other codes, one of any other: the list is as long as it was to be.
            here, lane = (given, 1 + position * _TRIES + attempt) if attempt < _TRIES else (nothing, _OTHERS + attempt)
            drawn = table.draw(key, rows[todo], {name: codes[todo] for name, codes in here.items()}, lane)
            bad = (drawn == primary[todo]) | (earlier[todo] == drawn[:, None]).any(1) | (drawn < 0)
            out[todo[~bad]] = drawn[~bad]
            todo = todo[bad]
            if not len(todo):
                break
        return out

    def _primary_as_member(self, codes: Codes | None, rows: int) -> Codes:
        if codes is None:
            return np.full(rows, -2, np.int32)
        found = pc.index_in(
            self._texts["dx_primary_code"], value_set=self._texts["dx_secondary_codes"], skip_nulls=True
        )
        lookup = np.append(found.fill_null(-2).to_numpy(zero_copy_only=False).astype(np.int32), np.int32(-2))
        return np.asarray(lookup[codes])
