"""Which secondary codes stand in long lists and which in short ones: a complication is hardly ever alone, a birth's outcome often is.

How many codes a list has is drawn before they are. A context of theirs divided by that would have too few claims for most of
its codes to be told; so a profile counts apart how long the lists are that groups of codes begin, or are in, for groups of
diagnoses. A code is then the likelier in a list of some length the more lists of its group are as long (Bayes).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.builder import Builder
from claims_sim.profile.companions import FIRST_MEMBER, MEMBER
from claims_sim.profile.counting import Ints, Population
from claims_sim.profile.document import Feature, Level, Profile, Table
from claims_sim.profile.lookup import steps_of
from claims_sim.profile.release import Parent, Target

LENGTH: Final = "secondary_count"
LENGTH_BY: Final = {FIRST_MEMBER: "length_by_first_member", MEMBER: "length_by_member"}
"""The tables of lengths, by the table of the codes whose lists these are."""
_STEPS, _MOST_STEPS = 4, 4_000_000
"""Of weight for a unit of each length; fewer, but one, where a table would have more of all."""

Shares = npt.NDArray[np.floating[Any]]


def add_lengths(builder: Builder, members: Target, owner: Parent, length: Target, population: Population) -> None:
    """Release how long the lists are of the codes `members`, by the group of each and of its claim's `owner`, a diagnosis.

    All are of the same rows, of the `population`; nothing is released where a code's group tells hardly more than its owner's.
    """
    counted, before = length._replace(name=LENGTH_BY[members.name]), dict(builder.features)
    groups = [builder.in_groups(counted, parent, population) for parent in (owner, Parent(members.name, *members[1:]))]
    if not builder.last_tells_more(counted, groups, population):
        builder.features = before
        return
    builder.release(counted, groups, population)
    builder.use_feature(LENGTH)


def by_length(profile: Profile, name: str) -> Table:
    """The table `name` of secondary codes with the length of the list before all else that is given, for drawing only.

    The table itself where nothing is told of lengths.
    """
    table, lengths = profile.tables[name], profile.tables.get(LENGTH_BY[name])
    if lengths is None:
        return table
    owner, member = (profile.features[parent] for parent in lengths.parents)
    likely = _likely(lengths)
    group_of = np.arange(table.size) if member.groups is None else np.array(member.groups)
    longest = lengths.size
    every = sum(sum(level.units) for level in table.levels)
    per_unit = min(max(_MOST_STEPS / (every * longest), 1.0), _STEPS)
    levels, mix = [table.levels[0]], np.full((1, likely.shape[1]), 1 / likely.shape[1])
    steps = steps_of([(level.contexts, len(level.cells)) for level in table.levels], table.sizes)
    for depth, level in enumerate(table.levels):
        paths = _paths(level, depth)
        of_group = np.einsum("cg,gml->cml", _owners(profile, owner, table.parents[:depth], paths), likely)
        above = mix[steps[depth - 1].parent] if depth else mix
        context = np.repeat(np.arange(len(level.cells)), np.array(level.cells, np.int64))
        values, units = np.array(level.values, np.int64), np.array(level.units, np.float64)
        weight = of_group[context, group_of[values]]
        weight[values < 0] = np.einsum("cm,cml->cl", above, of_group)[context[values < 0]]
        weight *= units[:, None]
        weight *= _scale(context, weight, units)
        mix = above.copy()
        np.add.at(mix, (context[values >= 0], group_of[values[values >= 0]]), units[values >= 0])
        mix /= mix.sum(1, keepdims=True)
        levels.append(_for_each_length(level, paths, context, weight * per_unit))
    return Table(
        name=name,
        size=table.size,
        parents=(LENGTH, *table.parents),
        sizes=(longest, *table.sizes),
        levels=tuple(levels),
        has_pools=table.has_pools,
    )


def _paths(level: Level, depth: int) -> Ints:
    """What is given in each context of a level: a row a context, a column a parent."""
    return np.array(level.contexts, np.int64).reshape(len(level.cells), depth)


def _scale(context: Ints, weight: Shares, units: Shares) -> Shares:
    """What makes the cells of a context weigh as much for each length as they count: a row a cell, a column a length."""
    contexts = int(context.max(initial=0)) + 1
    before = np.bincount(context, units, contexts)
    after = np.column_stack([np.bincount(context, each, contexts) for each in weight.T])
    return np.asarray(np.where(after > 0, before[:, None] / np.maximum(after, 1e-12), 0.0)[context])


def _for_each_length(level: Level, paths: Ints, context: Ints, weight: Shares) -> Level:
    """The contexts of a level once for each length from 1 on; `weight`: of each cell, for each length."""
    weighed = np.rint(weight[:, 1:].T).astype(np.int64)
    of_length, cell = np.nonzero(weighed)
    lengths, contexts = len(weighed), len(level.cells)
    cells = np.bincount(of_length * contexts + context[cell], minlength=lengths * contexts)
    given = np.column_stack([np.repeat(np.arange(1, lengths + 1), contexts), np.tile(paths, (lengths, 1))])
    return Level(
        contexts=tuple(given.ravel().tolist()),
        cells=tuple(cells.tolist()),
        values=tuple(np.array(level.values)[cell].tolist()),
        units=tuple(weighed[of_length, cell].tolist()),
    )


def _likely(lengths: Table) -> Shares:
    """How likely each length is for each group of owners and of codes, as the table tells it."""
    likely = np.full((1, lengths.size), 1 / lengths.size)
    places: Ints = np.zeros(1, np.int64)
    for depth, level in enumerate(lengths.levels):
        if depth:
            likely = np.repeat(likely, lengths.sizes[depth - 1], axis=0)
            places = np.asarray(np.ravel_multi_index(tuple(_paths(level, depth).T), lengths.sizes[:depth]), np.int64)
        context = np.repeat(places, np.array(level.cells, np.int64))
        values, units = np.array(level.values, np.int64), np.array(level.units, np.float64)
        counted, told = np.zeros(len(likely)), np.zeros_like(likely)
        np.add.at(counted, context, units)
        np.add.at(told, (context[values >= 0], values[values >= 0]), units[values >= 0])
        rest = (counted - told.sum(1))[:, None]
        some = counted > 0
        likely[some] = ((told + rest * likely) / np.maximum(counted, 1)[:, None])[some]
    return likely.reshape(*lengths.sizes, lengths.size)


def _owners(profile: Profile, owner: Feature, parents: tuple[str, ...], paths: Ints) -> Shares:
    """How the claims of each context are shared among the groups of owners, as far as it is given of which owners they are."""
    codes = len(profile.vocabularies[owner.variable])
    group_of = np.arange(codes) if owner.groups is None else np.array(owner.groups)
    weight = np.maximum(profile.tables[owner.variable].marginal()[:codes], 0) + 1e-3
    inside = np.broadcast_to(weight, (1, codes))
    place = np.zeros(len(paths), np.int64)
    for at, feature in enumerate(profile.features[parent] for parent in parents):
        if feature.variable != owner.variable:
            continue
        of = np.arange(codes) if feature.groups is None else np.array(feature.groups)
        inside = np.where(of == np.arange(feature.size)[:, None], weight, 0.0)
        place = paths[:, at]
        if feature.groups is None:
            break
    shares = np.zeros((len(inside), owner.size))
    for group in range(owner.size):
        shares[:, group] = inside[:, group_of == group].sum(1)
    total = shares.sum(1, keepdims=True)
    return np.asarray(np.where(total > 0, shares / np.maximum(total, 1e-12), 1 / owner.size)[place])
