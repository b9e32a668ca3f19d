"""Draw from released tables, a whole array of rows at a time. Knows codes only; what they mean is in `sampler.py`."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.document_parts import Level, Table
from claims_sim.randomness import stream_key, uniforms

Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_DENSE: Final = 6_000_000
_MANY_TIMES: Final = 8
"""So many times as much withheld as told, and it is of few persons who come again and again: what is told is none of theirs."""


class Step:
    """From a context and the next parent's code to the context one level deeper (-1: not released)."""

    def __init__(self, above: int, size: int, parent: npt.NDArray[np.int64], code: npt.NDArray[np.int64]) -> None:
        self.size = size
        self.parent = parent
        key = parent * size + code
        self.dense: Codes | None = None
        if above * size <= _DENSE:
            self.dense = np.full(above * size + 1, -1, np.int32)
            self.dense[key] = np.arange(len(key), dtype=np.int32)
        else:
            self.order = np.argsort(key)
            self.keys = key[self.order]

    def descend(self, context: Codes, code: Codes) -> Codes:
        """The context below each `context` at `code`; -1 where either is -1 or nothing was released."""
        valid = (context >= 0) & (code >= 0)
        key = context.astype(np.int64) * self.size + code
        if self.dense is not None:
            return self.dense[np.where(valid, key, -1)]
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        found = valid & (self.keys[at] == key)
        return np.where(found, self.order[at], -1).astype(np.int32)


class _Cells:
    """The cells of one level, one entry per unit: drawing is one look-up; or, where units are very many, one search."""

    def __init__(
        self, level: Level, has_pool: npt.NDArray[np.bool_] | None, below: "_Below | None", *, by_unit: bool
    ) -> None:
        """`has_pool` says of each context whether there is anything to draw from above it (None: never mind).

        Where there is not, what was suppressed is spread over what was not; where it is many times that, it is what `below` says.
        """
        owner, values, units = _told(level)
        self.below = below
        if has_pool is not None:
            spread = ~has_pool if below is None else ~has_pool & ~below.has_some
            units = np.where((values < 0) & spread[owner], 0, units)
        by_unit = by_unit or units.sum() <= _DENSE
        if not by_unit:
            owner, values, units = owner[units > 0], values[units > 0], units[units > 0]
        self.ends = None if by_unit else np.cumsum(units)
        self.entries = np.repeat(values, units) if by_unit else values
        self.total = np.bincount(owner, weights=units, minlength=len(level.cells)).astype(np.int64)
        self.start = np.cumsum(self.total) - self.total

    def draw(self, context: Codes, u: npt.NDArray[np.float64]) -> Codes:
        """A value of each context (-1: withheld), which has some."""
        place = self.start[context] + (u * self.total[context]).astype(np.int64)
        return self.entries[place if self.ends is None else np.searchsorted(self.ends, place, side="right")]


class _Below:
    """For contexts that withhold nearly all, with nothing above them: the values that are told below them and not there."""

    def __init__(
        self, level: Level, deeper: list[tuple[Level, npt.NDArray[np.int64]]], wanted: Mask, size: int
    ) -> None:
        """`deeper`: the levels below in turn, each with the context above each of its own; `size`: how many values there are."""
        owner, value, _ = _told(level)
        top, tops, values = np.arange(len(level.cells)), [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        for below, parent in deeper:
            top = top[parent]
            of, told, units = _told(below)
            here = (told >= 0) & wanted[top[of]]
            tops.append(np.repeat(top[of[here]], units[here]))
            values.append(np.repeat(told[here], units[here]))
        of_entry, entries = np.concatenate(tops), np.concatenate(values)
        others = ~np.isin(of_entry * size + entries, owner * size + value)
        of_entry, entries = of_entry[others], entries[others]
        order = np.argsort(of_entry, kind="stable")
        self._entries, self._start = entries[order], np.searchsorted(of_entry[order], np.arange(len(level.cells) + 1))
        self.has_some = np.diff(self._start) > 0

    def draw(self, context: Codes, u: npt.NDArray[np.float64]) -> Codes:
        """One of the values below each of the contexts, which have some."""
        begin, end = self._start[context], self._start[context + 1]
        return self._entries[begin + (u * (end - begin)).astype(np.int64)]


def _told(level: Level) -> tuple[npt.NDArray[np.int64], Codes, npt.NDArray[np.int64]]:
    """Context, value (-1: the remainder) and units of each cell."""
    owner = np.repeat(np.arange(len(level.cells)), np.array(level.cells, np.int64))
    return owner, np.array(level.values, np.int32), np.array(level.units, np.int64)


class TableSampler:
    """A released table, ready to be drawn from."""

    def __init__(self, table: Table, *, spreads_below_first: bool = False) -> None:
        """With `spreads_below_first`, what is withheld altogether is spread over all that is told below a row's first parent.

        Where that is nothing, it is spread over all that the table tells.
        """
        self.name = table.name
        self.parents = table.parents
        self.size = table.size
        self._salt = stream_key("table", table.name)
        self._steps = steps_of([(level.contexts, len(level.cells)) for level in table.levels], table.sizes)
        self._cells: list[_Cells] = []
        has_pool = np.zeros(1, np.bool_)
        for depth, level in enumerate(table.levels):
            if depth:
                has_pool = has_pool[self._steps[depth - 1].parent]
            below = self._below(table, depth, ~has_pool) if table.has_pools else None
            pool = has_pool if table.has_pools else None
            self._cells.append(_Cells(level, pool, below, by_unit=spreads_below_first))
            has_pool = has_pool | (self._cells[-1].total > 0)
        every = (
            np.concatenate([cells.entries for cells in self._cells])
            if table.has_pools or spreads_below_first
            else np.zeros(0, np.int32)
        )
        self._anywhere = every[every >= 0]
        self._below_first = self._told_below_first() if spreads_below_first and self.parents else None

    def _below(self, table: Table, depth: int, on_top: Mask) -> _Below | None:
        """What is drawn in contexts `on_top`, with nothing above them, that withhold nearly all; None where there are none."""
        level = table.levels[depth]
        owner, values, units = _told(level)
        told, withheld = (np.bincount(owner, units * some, len(level.cells)) for some in (values >= 0, values < 0))
        wanted = on_top & (withheld > _MANY_TIMES * told)
        if not wanted.any():
            return None
        deeper = [(table.levels[at], self._steps[at - 1].parent) for at in range(depth + 1, len(table.levels))]
        return _Below(level, deeper, wanted, table.size)

    def _told_below_first(self) -> tuple[Codes, npt.NDArray[np.int64]]:
        """All that is told, context by context of the first parent; and where each of these begins, and the end."""
        top = np.zeros(1, np.int64)
        tops, values = [], []
        for depth, cells in enumerate(self._cells[1:], 1):
            parent = self._steps[depth - 1].parent
            top = np.arange(len(parent)) if depth == 1 else top[parent]
            tops.append(np.repeat(top, cells.total))
            values.append(cells.entries)
        of_entry, value = np.concatenate(tops), np.concatenate(values)
        order = np.argsort(of_entry, kind="stable")
        order = order[value[order] >= 0]
        return value[order], np.searchsorted(of_entry[order], np.arange(len(self._cells[1].total) + 1))

    def contexts(self, given: dict[str, Codes], rows: int) -> list[Codes]:
        """The context of each row at each depth."""
        contexts = [np.zeros(rows, np.int32)]
        for step, parent in zip(self._steps, self.parents, strict=True):
            contexts.append(step.descend(contexts[-1], given[parent]))
        return contexts

    def draw(
        self, key: int, rows: Rows, given: dict[str, Codes], lane: int = 0, first: npt.NDArray[np.float64] | None = None
    ) -> Codes:
        """A code for each row; -1 where nothing at all was released. `first` replaces the first random number."""
        contexts = self.contexts(given, len(rows))
        out = np.full(len(rows), -1, np.int32)
        todo: npt.NDArray[np.int64] | None = None
        key ^= self._salt
        for depth in range(len(self.parents), -1, -1):
            cells = self._cells[depth]
            if not len(cells.entries):
                continue
            context = contexts[depth] if todo is None else contexts[depth][todo]
            there = context >= 0
            there &= cells.total[context] > 0
            at = np.flatnonzero(there) if todo is None else todo[there]
            if not len(at):
                continue
            u = uniforms(key, rows[at], lane * 16 + depth) if first is None else first[at]
            if first is not None:
                first = None if depth == len(self.parents) else first
            context = context[there]
            out[at] = cells.draw(context, u)
            if cells.below is not None:
                left = np.flatnonzero((out[at] < 0) & cells.below.has_some[context])
                out[at[left]] = cells.below.draw(context[left], uniforms(key, rows[at[left]], lane * 16 + 14))
            todo = np.flatnonzero(out < 0) if todo is None else todo[out[todo] < 0]
            if not len(todo):
                break
        if self._below_first is not None:
            self._spread(key, rows, contexts[1], out, lane)
        lost = np.flatnonzero(out < 0) if len(self._anywhere) and (todo is None or len(todo)) else np.zeros(0, np.int64)
        if len(lost):
            # Neither the row's context nor one above it was released: any value of the table is as good as another.
            u = uniforms(key, rows[lost], lane * 16 + 15)
            out[lost] = self._anywhere[(u * len(self._anywhere)).astype(np.int64)]
        return out

    def _spread(self, key: int, rows: Rows, first: Codes, out: Codes, lane: int) -> None:
        """Give rows without a value one of those that are told below their context of the first parent, where there are any."""
        assert self._below_first is not None  # noqa: S101 - whoever calls has looked
        values, start = self._below_first
        lost = np.flatnonzero((out < 0) & (first >= 0))
        lost = lost[start[first[lost] + 1] > start[first[lost]]]
        begin, end = start[first[lost]], start[first[lost] + 1]
        u = uniforms(key, rows[lost], lane * 16 + 15)
        out[lost] = values[begin + (u * (end - begin)).astype(np.int64)]


def steps_of(levels: list[tuple[tuple[int, ...], int]], sizes: tuple[int, ...]) -> list[Step]:
    """The steps between levels given as (paths one after the other, number of contexts)."""
    steps = []
    above = np.zeros((1, 0), np.int64)
    for depth in range(1, len(levels)):
        contexts, count = levels[depth]
        paths = np.array(contexts, np.int64).reshape(count, depth)
        parent = match_rows(above, paths[:, :-1])
        steps.append(Step(len(above), sizes[depth - 1], parent, paths[:, -1]))
        above = paths
    return steps


def match_rows(table: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each row of `wanted` its position in `table` (both are sorted paths of codes, none negative; every one is there)."""
    if table.shape[1] == 0 or not len(wanted):
        return np.zeros(len(wanted), np.int64)
    # Those that are wanted stand together where they are alike: each is looked for once.
    first = np.r_[True, (wanted[1:] != wanted[:-1]).any(1)]
    both = np.concatenate([table, wanted[first]])
    ids = both[:, 0]
    for column in both.T[1:]:
        _, ids = np.unique(ids * (int(column.max()) + 1) + column, return_inverse=True)
    place = np.empty(int(ids.max()) + 1, np.int64)
    place[ids[: len(table)]] = np.arange(len(table))
    return np.asarray(place[ids[len(table) :]][np.cumsum(first) - 1])
