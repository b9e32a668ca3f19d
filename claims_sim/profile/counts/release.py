"""Release a conditional table: which counts of a variable, given its parents, may leave the insurer's zone.

A table is a tree of contexts: at depth d the first d parents are given. Every claim is counted in one cell at most: in
the deepest context where its cell has enough persons, else in the pool of the context above, and so on. So no released
cell is part of another one. What a context withholds is told as one number, its remainder, and drawn from the pool
above in the right amount. What can be proved of this is in docs/privacy-proof.md.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, dense_ids, round_to_units
from claims_sim.profile.document_parts import Level, Table
from claims_sim.randomness import stream_key, uniforms

REMAINDER = -1
_WITHHOLDING_ROUNDS = 12
"""After so many smallest cells a context releases nothing at all."""
_LENT: Final = 4
"""So many times as many persons as it lends has a cell that does."""


class Parent(NamedTuple):
    """A parent variable: its feature's name, a code per row (-1: suppressed) and the number of codes."""

    name: str
    codes: Codes
    size: int

    @property
    def variable(self) -> str:
        """What the parent, or a grouping of its values, tells of."""
        return self.name.partition("~")[0]


class Target(NamedTuple):
    """The variable that is counted: its name, a code per row (-1: suppressed) and the number of codes."""

    name: str
    codes: Codes
    size: int


class Fallback(NamedTuple):
    """Above `depth`, the codes from `first` on are counted as `code` (the last one)."""

    first: int
    code: int
    depth: int


class Rule(NamedTuple):
    """What is particular to a table: codes that only deep contexts may hold, and whether there is a pool of all claims."""

    fallback: Fallback | None = None
    has_pools: bool = True


PLAIN = Rule()


class Released(NamedTuple):
    """A table, and of each row the target as it is counted there, and at which depth (-1: nowhere); and the fewest persons (claims) of
    any released cell.
    """  # noqa: D205

    table: Table
    codes: Codes
    depth: Codes
    fewest: int


def release_table(target: Target, parents: Sequence[Parent], population: Population, rule: Rule = PLAIN) -> Released:
    """Count the target given its parents, as far as may be told."""
    codes = target.codes.astype(np.int64)
    paths, keys, names = _paths(parents, len(codes))
    alive, told_at = codes >= 0, np.full(len(codes), -1, np.int32)
    levels: list[_Counts] = []
    fewest: list[int] = []
    for depth in range(len(parents), -1, -1):
        fallback = rule.fallback
        if fallback is not None and depth < min(fallback.depth, len(parents)):
            codes[alive & (codes >= fallback.first) & (codes < fallback.code)] = fallback.code
        if depth == 0 < len(parents) and not rule.has_pools:
            alive[:] = False
        here = np.flatnonzero(alive & (paths[depth] >= 0))
        counts, released, least = _count_level(target, codes, paths[depth], here, population, names[depth])
        alive[here[released]], told_at[here[released]] = False, depth
        fewest.append(least)
        levels.append(counts)
    levels.reverse()
    released_levels = tuple(_close_prefixes(levels, keys, [p.size for p in parents]))
    table = Table(
        name=target.name, size=target.size, parents=tuple(p.name for p in parents),
        sizes=tuple(p.size for p in parents), levels=released_levels, has_pools=rule.has_pools,
    )  # fmt: skip
    return Released(table, codes.astype(np.int32), told_at, min(fewest))


def _paths(parents: Sequence[Parent], rows: int) -> tuple[list[Ints], list[Ints], list[Ints]]:
    """For each depth: the context's id per row (-1: a parent is suppressed), each id's key (parent id * size + code) and
    its name, a number that follows from what is given alone: the same in every table and, while codes stay, for ever.
    """  # noqa: D205
    paths, keys, names = [np.zeros(rows, np.int64)], [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
    for parent in parents:
        valid = (paths[-1] >= 0) & (parent.codes >= 0)
        if valid.all():
            path, distinct = dense_ids(paths[-1] * parent.size + parent.codes, len(keys[-1]) * parent.size)
        else:
            key = paths[-1][valid] * parent.size + parent.codes[valid]
            path = np.full(rows, -1, np.int64)
            path[valid], distinct = dense_ids(key, len(keys[-1]) * parent.size)
        paths.append(path)
        keys.append(distinct)
        token = uniforms(stream_key("given", parent.name), distinct % parent.size) * 2.0**53
        names.append(names[-1][distinct // parent.size] + token.astype(np.int64))
    return paths, keys, names


class _Counts(NamedTuple):
    context: Ints
    value: Ints
    units: Ints


def _count_level(
    target: Target, codes: Ints, path: Ints, here: Ints, population: Population, names: Ints
) -> tuple[_Counts, Mask, int]:
    key = path[here] * target.size + codes[here]
    cells, distinct = dense_ids(key, (int(path.max(initial=0)) + 1) * target.size)
    allowed = population.releasable(cells, len(distinct), here)
    context, value = distinct // target.size, distinct % target.size
    cells, allowed, whole = lend_to_complements(allowed, cells, context, population, here)
    context, value = context[whole], value[whole]
    counts = np.bincount(cells, minlength=len(whole))
    withhold_complements(allowed, Cells(cells, context, counts), population, here)
    with_cells = np.zeros(int(path.max(initial=0)) + 1, np.bool_)
    with_cells[context[allowed]] = True
    # What is left of a context that has cells of its own is its remainder, drawn from the pool above.
    value = np.where(allowed, value, target.size)
    kept = with_cells[context]
    merged, pairs = dense_ids(context[kept] * (target.size + 1) + value[kept])
    total = np.bincount(merged, weights=counts[kept], minlength=len(pairs)).astype(np.int64)
    context, value = pairs // (target.size + 1), pairs % (target.size + 1)
    # One context is rounded from one start, in whichever table and whenever it is counted: there is nothing to average.
    start = uniforms(stream_key("round", population.rounding_key), names[context])
    units = round_to_units(total, context, population.k, start)
    value = np.where(value == target.size, REMAINDER, value)
    some = units > 0
    return _Counts(context[some], value[some], units[some]), allowed[cells], population.fewest(cells, allowed, here)


def lend_to_complements(
    allowed: Mask, cells: Ints, context: Ints, population: Population, rows: Ints
) -> tuple[Ints, Mask, Ints]:
    """The cells, with a part of a large one withheld where what its context withholds is of too few persons to be told as one
    number; which of them may be released; and the whole cell that each is part of.

    A part is all claims of some persons. Else the whole cell, nearly all of its context, would have to be withheld, and drawn as what
    other contexts withhold is.
    """  # noqa: D205
    whole = np.arange(len(context))
    if population.persons is None or population.marks is None or allowed.all():
        return cells, allowed, whole
    counts = np.bincount(cells, minlength=len(context))
    lacking = _lacking(allowed, Cells(cells, context, counts), population, np.arange(len(rows)), rows)
    lends = allowed & lacking[context]
    if not lends.any():
        return cells, allowed, whole
    withheld = np.bincount(context, np.where(allowed, 0, counts))[context]
    # Claims of k persons at least, and so many that those few have less than half of the claims that are withheld, too. And by a part
    # more, up to twice as many, that only the production zone knows: else their number would follow from the sum. It is that of whoever
    # has most of these claims beside about so many of others', whatever is counted of them, beside whom and whenever: many tables tell
    # no more of them than one does, and who knows their claims does not know of which part others' are.
    hidden = np.flatnonzero(lacking[context[cells]] & ~allowed[cells])
    whose = _marks_of_most(context[cells[hidden]], rows[hidden], population, len(lacking))
    more = 1 + uniforms(stream_key("lends", population.rounding_key), whose)[context]
    wanted = np.ceil((population.k + withheld) * more).astype(np.int64)
    order = np.lexsort((counts, context))
    order = order[lends[order]]
    changes = np.diff(context[order]) > 0
    smallest, largest = order[np.r_[True, changes]], order[np.r_[changes, True]]
    # A smaller cell is withheld as a whole.
    largest = largest[counts[smallest] > wanted[largest]]
    at = np.flatnonzero(np.isin(cells, largest))
    pairs, distinct = dense_ids(cells[at] * (int(population.persons.max()) + 1) + population.persons[rows[at]])
    owner = distinct // (int(population.persons.max()) + 1)
    # Nobody lends who has more claims than are wanted. Of the others those first whose numbers come first: they were numbered in an
    # order that the production zone alone knows.
    each = np.bincount(pairs, minlength=len(owner))
    may_lend = each <= wanted[owner]
    first = np.searchsorted(owner, owner)
    claims, persons = (np.cumsum(some) - some for some in (each * may_lend, may_lend.astype(np.int64)))
    lent_persons, lent_claims = persons - persons[first], claims - claims[first]
    is_lent = may_lend & ((lent_persons < population.k * more[owner]) | (lent_claims < withheld[owner] * more[owner]))
    of_cell, lends_of = (np.bincount(owner, some, len(context)) for some in (np.ones(len(owner)), is_lent))
    is_lent &= (of_cell >= _LENT * lends_of)[owner]
    lent = at[is_lent[pairs]]
    parts, which = np.unique(cells[lent], return_inverse=True)
    cells = cells.copy()
    cells[lent] = len(context) + which
    left = np.flatnonzero(np.isin(cells, parts))
    allowed[parts] = population.releasable(np.searchsorted(parts, cells[left]), len(parts), rows[left])
    return cells, np.append(allowed, np.zeros(len(parts), np.bool_)), np.append(whole, parts)


def _marks_of_most(context: Ints, rows: Ints, population: Population, contexts: int) -> npt.NDArray[np.uint64]:
    """For each context the mark of the person with most of the `rows` beside about so many of others'."""
    assert population.persons is not None and population.marks is not None  # noqa: S101, PT018 - the caller has looked
    width = int(population.persons.max()) + 1
    ids, distinct = dense_ids(context * width + population.persons[rows])
    where, of_person = distinct // width, population.marks[distinct % width]
    claims = np.bincount(ids, minlength=len(distinct))
    last = np.lexsort((of_person, claims, where))  # the last of each context is set last
    most, mark = np.zeros(contexts), np.zeros(contexts, np.uint64)
    most[where[last]], mark[where[last]] = claims[last], of_person[last]
    beside = np.floor(np.log2(1 + np.bincount(where, claims, contexts) - most))
    return mark + beside.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


class Cells(NamedTuple):
    """The cell of each row looked at; the context and the number of rows of each cell."""

    of_row: Ints
    context: Ints
    counts: Ints


def withhold_complements(allowed: Mask, cells: Cells, population: Population, rows: Ints) -> None:
    """Withhold further cells until what a context withholds is nothing, or enough to be released as one number.

    `allowed` is changed in place. Otherwise a context's total less its released cells would tell of a few persons, or
    of one facility. The smallest released cell joins what is withheld, then the next, as often as it takes.
    """
    looked_at = np.arange(len(rows))
    for attempt in range(_WITHHOLDING_ROUNDS):
        lacking = _lacking(allowed, cells, population, looked_at, rows)
        if not lacking.any():
            return
        candidates = np.flatnonzero(allowed & lacking[cells.context])
        if attempt < _WITHHOLDING_ROUNDS - 1:
            order = np.lexsort((cells.counts[candidates], cells.context[candidates]))
            candidates = candidates[order]
            candidates = candidates[np.r_[True, np.diff(cells.context[candidates]) > 0]]
        allowed[candidates] = False
        # Contexts that were in order stay so: only the others need another look.
        looked_at = np.flatnonzero(lacking[cells.context[cells.of_row]])


def _lacking(allowed: Mask, cells: Cells, population: Population, looked_at: Ints, rows: Ints) -> Mask:
    """The contexts that release something and withhold so many claims as could be told, but of too few persons or facilities;
    `looked_at`: the places in `rows` of all claims of contexts that may lack.
    """  # noqa: D205
    released = np.zeros(int(cells.context.max(initial=0)) + 1, np.bool_)
    released[cells.context[allowed]] = True
    withheld = released[cells.context] & ~allowed
    looked_at = looked_at[withheld[cells.of_row[looked_at]]]
    ids, contexts = dense_ids(cells.context[cells.of_row[looked_at]], len(released))
    lacking = np.zeros(len(released), np.bool_)
    many = np.bincount(ids, minlength=len(contexts)) >= population.k
    lacking[contexts[many & ~population.releasable(ids, len(contexts), rows[looked_at])]] = True
    return lacking


def _close_prefixes(levels: list[_Counts], keys: list[Ints], sizes: list[int]) -> list[Level]:
    """Levels with contexts as full paths; a context without cells stays where a deeper one needs it."""
    needed = [np.unique(level.context) for level in levels]
    for depth in range(len(levels) - 1, 0, -1):
        above = keys[depth][needed[depth]] // sizes[depth - 1]
        needed[depth - 1] = np.union1d(needed[depth - 1], above)
    out, paths = [], np.zeros((1, 0), np.int64)
    if not len(needed[0]):
        needed[0] = np.zeros(1, np.int64)
    for depth, level in enumerate(levels):
        if depth:
            key = keys[depth][needed[depth]]
            parent = np.searchsorted(needed[depth - 1], key // sizes[depth - 1])
            paths = np.column_stack([paths[parent], key % sizes[depth - 1]])
        cells = np.searchsorted(needed[depth], level.context)
        per_context = np.bincount(cells, minlength=len(needed[depth]))
        out.append(
            Level(
                contexts=tuple(paths.ravel().tolist()),
                cells=tuple(per_context.tolist()),
                values=tuple(level.value.tolist()),
                units=tuple(level.units.tolist()),
            )
        )
    return out
