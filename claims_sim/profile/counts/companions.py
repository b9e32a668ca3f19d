"""What secondary codes weigh when they are drawn one after the other and none twice.

A profile counts how often a code stands in the lists of a context. Drawn by these counts without repeats, common codes
would come too seldom: they are in a list once at the most. Weighed by -log(1 - p), p the share of the lists that hold
the code, each comes as often as counted (arrival times of exponential clocks; the list is what arrives first), and common
codes come first, as they do in most lists that somebody wrote. Where they do not (the gravest first, or an order of the
coder's own), the first code has a table of its own, and `member` counts and draws what follows it.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import Codes, Ints, Mask
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import Level, Table

_STEPS: Final = 4  # of weight for a unit
_CERTAIN: Final = 0.97
_PRIMARY: Final = "dx_primary_code"
MEMBER: Final = "member"
FIRST_MEMBER: Final = "first_member"
_OWN_ORDER: Final = 0.01
"""Share of the lists that another code begins than would by commonness, beyond twice what chance explains of each code."""


def first_places(rows: Ints) -> Mask:
    """Which members stand first in their lists; `rows` names the list of each, list by list."""
    return np.asarray(np.r_[True, rows[1:] != rows[:-1]][: len(rows)])


def has_own_order(rows: Ints, codes: Codes, primary: Codes) -> bool:
    """Do other codes stand first than the commonest of their primary diagnosis? `rows`: each member's place in `primary`."""
    if not len(rows):
        return False
    first = first_places(rows)
    of_list, size = primary[rows[first]].astype(np.int64) + 1, int(codes.max(initial=0)) + 1
    lists = np.bincount(of_list)
    cells, held = np.unique((primary[rows].astype(np.int64) + 1) * size + codes, return_counts=True)
    weight = -np.log1p(-np.minimum(held / lists[cells // size], _CERTAIN))
    share = weight / np.bincount(cells // size, weight)[cells // size]
    expected = np.bincount(cells % size, share * lists[cells // size], size)
    found = np.bincount(codes[first], minlength=size)
    # Code by code: summed over hundreds that are rare, chance alone would be as much as an order that a few keep to.
    beyond = np.abs(expected - found) - 2 * np.sqrt(np.maximum(found, expected))
    return bool(np.maximum(beyond, 0).sum() > 2 * _OWN_ORDER * len(of_list))


def weighed_members(profile: Profile, table: Table) -> Table:
    """The `table` MEMBER with weights in place of counts, for drawing only."""
    lengths, levels = _mean_lengths(profile), []
    # Units that are weighed by the length have steps already.
    steps = _STEPS if table is profile.tables[MEMBER] else 1
    for depth, level in enumerate(table.levels):
        paths = np.array(level.contexts, np.int64).reshape(len(level.cells), depth)
        length = _lengths_of(profile, table.parents[:depth], paths, lengths)
        levels.append(_weighed(level, length, steps))
    return table.model_copy(update={"levels": tuple(levels)})


def _weighed(level: Level, length: npt.NDArray[np.float64], steps: int) -> Level:
    owner = np.repeat(np.arange(len(level.cells)), np.array(level.cells, np.int64))
    units, values = np.array(level.units, np.float64), np.array(level.values, np.int64)
    total = np.bincount(owner, units, len(level.cells))
    share = units / np.maximum(total[owner], 1) * length[owner]
    held = np.minimum(share, _CERTAIN)
    # What was merged stands for many codes that are rare: none of them is used up. Nor is any where one code is drawn.
    grown = np.where((values < 0) | (held <= 0) | (length[owner] == 1), 1.0, -np.log1p(-held) / np.maximum(share, 1e-9))
    return level.model_copy(update={"units": tuple(np.rint(units * grown * steps).astype(np.int64).tolist())})


def _mean_lengths(profile: Profile) -> npt.NDArray[np.float64]:
    """The mean length of the lists that MEMBER counts, for each primary diagnosis; last, that of all."""
    table, apart = profile.tables["secondary_count"], _counted_apart(profile)
    features = [profile.features[name] for name in table.parents]
    place = next((i for i, feature in enumerate(features) if feature.variable == _PRIMARY), None)
    codes = len(profile.vocabularies[_PRIMARY])
    group_of = np.zeros(codes, np.int64)
    groups = 1
    if place is not None:
        known = features[place].groups
        group_of, groups = (np.arange(codes), codes) if known is None else (np.array(known), max(known) + 1)
    lists, members = np.zeros(groups + 1), np.zeros(groups + 1)
    for depth, level in enumerate(table.levels):
        owner = np.repeat(np.arange(len(level.cells)), np.array(level.cells, np.int64))
        group = np.full(len(level.cells), groups)
        if place is not None and depth > place:
            group = np.array(level.contexts, np.int64).reshape(len(level.cells), depth)[:, place]
        count, units = np.array(level.values, np.int64), np.array(level.units, np.float64)
        count = count - apart
        some = count > 0
        for where in (group[owner], np.full(len(owner), groups)):
            lists += np.bincount(where[some], units[some], groups + 1)
            members += np.bincount(where[some], (units * count)[some], groups + 1)
    mean = members / np.maximum(lists, 1)
    mean = np.where(lists > 0, mean, mean[-1])
    return np.append(mean[group_of], mean[-1])


def _counted_apart(profile: Profile) -> int:
    """How many codes of each list have a table of their own."""
    return int(FIRST_MEMBER in profile.tables)


def _lengths_of(
    profile: Profile, parents: tuple[str, ...], paths: npt.NDArray[np.int64], lengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The mean length of each context's lists, as far as its path tells the length itself or the primary diagnosis."""
    out = np.full(len(paths), lengths[-1])
    given = [profile.features[name] for name in parents]
    for place, feature in enumerate(given):
        # Wherever it is given: no diagnosis says better how long a list is.
        if feature.variable == "secondary_count" and feature.groups is None:
            return np.maximum(paths[:, place] - _counted_apart(profile), 0).astype(np.float64)
    for place, feature in enumerate(given):
        if feature.variable != _PRIMARY:
            continue
        if feature.groups is None:
            return np.asarray(lengths[:-1][paths[:, place]])
        sizes = np.bincount(np.array(feature.groups), minlength=feature.size)
        sums = np.bincount(np.array(feature.groups), lengths[:-1], feature.size)
        out = np.where(sizes > 0, sums / np.maximum(sizes, 1), lengths[-1])[paths[:, place]]
    return out
