"""What secondary codes weigh when they are drawn one after the other and none twice.

A profile counts how often a code stands in the lists of a context. Drawn by these counts without repeats, common codes
would come too seldom: they are in a list once at the most. Weighed by -log(1 - p), p the share of the lists that hold
the code, each comes as often as counted (arrival times of exponential clocks; the list is what arrives first), and common
codes come first, as they do in lists that somebody wrote.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.document import Level, Profile, Table

_STEPS: Final = 4  # of weight for a unit
_CERTAIN: Final = 0.97
_PRIMARY: Final = "dx_primary_code"


def weighed_members(profile: Profile) -> Table:
    """The table `member` with weights in place of counts, for drawing only."""
    table = profile.tables["member"]
    lengths = _mean_lengths(profile)
    levels = []
    for depth, level in enumerate(table.levels):
        paths = np.array(level.contexts, np.int64).reshape(len(level.cells), depth)
        length = _lengths_of(profile, table.parents[:depth], paths, lengths)
        levels.append(_weighed(level, length))
    return table.model_copy(update={"levels": tuple(levels)})


def _weighed(level: Level, length: npt.NDArray[np.float64]) -> Level:
    owner = np.repeat(np.arange(len(level.cells)), np.array(level.cells, np.int64))
    units, values = np.array(level.units, np.float64), np.array(level.values, np.int64)
    total = np.bincount(owner, units, len(level.cells))
    share = units / np.maximum(total[owner], 1) * length[owner]
    held = np.minimum(share, _CERTAIN)
    # What was merged stands for many codes that are rare: none of them is used up.
    grown = np.where((values < 0) | (held <= 0), 1.0, -np.log1p(-held) / np.maximum(share, 1e-9))
    return level.model_copy(update={"units": tuple(np.rint(units * grown * _STEPS).astype(np.int64).tolist())})


def _mean_lengths(profile: Profile) -> npt.NDArray[np.float64]:
    """The mean length of the lists that are not empty, for each primary diagnosis; last, that of all."""
    table = profile.tables["secondary_count"]
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
        some = count > 0
        for where in (group[owner], np.full(len(owner), groups)):
            lists += np.bincount(where[some], units[some], groups + 1)
            members += np.bincount(where[some], (units * count)[some], groups + 1)
    mean = members / np.maximum(lists, 1)
    mean = np.where(lists > 0, mean, mean[-1])
    return np.append(mean[group_of], mean[-1])


def _lengths_of(
    profile: Profile, parents: tuple[str, ...], paths: npt.NDArray[np.int64], lengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The mean length of each context's lists, as far as its path tells the primary diagnosis."""
    out = np.full(len(paths), lengths[-1])
    for place, name in enumerate(parents):
        feature = profile.features[name]
        if feature.variable == "secondary_count" and feature.groups is None:
            return paths[:, place].astype(np.float64)
        if feature.variable != _PRIMARY:
            continue
        if feature.groups is None:
            return np.asarray(lengths[:-1][paths[:, place]])
        sizes = np.bincount(np.array(feature.groups), minlength=feature.size)
        sums = np.bincount(np.array(feature.groups), lengths[:-1], feature.size)
        out = np.where(sizes > 0, sums / np.maximum(sizes, 1), lengths[-1])[paths[:, place]]
    return out
