"""Groups of codes by what their thin cells hold: which codes come together, by whose claims, and what it brings."""

import numpy as np
import pytest

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Ints, Population
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.counts.withheld import group_what_is_withheld, place_to_group

K = 11
CODES, FAMILIES, OWN, RARE = 48, 4, 40, 8
"""Codes of four families: each has values of its own, and rare ones that it shares with its family only."""


def claims_of_families(rows: int = 12_000, seed: int = 3) -> tuple[Ints, Ints]:
    """The code and the value of each claim: one in four has one of its family's 24 rare values, six claims a cell or so."""
    g = np.random.default_rng(seed)
    code = g.integers(0, CODES, rows)
    rare = OWN + RARE * 3 * (code % FAMILIES) + g.integers(0, RARE * 3, rows)
    return code, np.where(g.random(rows) < 0.25, rare, code % OWN)


def parent_of(code: Ints) -> Parent:
    return Parent("code", code.astype(np.int32), CODES)


def target_of(value: Ints) -> Target:
    return Target("value", value.astype(np.int32), OWN + RARE * 3 * FAMILIES)


def population_of(code: Ints, persons: Ints | None = None) -> Population:
    return Population(len(code), K, np.arange(len(code)) if persons is None else persons, None)


def groups_of(code: Ints, value: Ints, population: Population) -> np.ndarray:
    groups = group_what_is_withheld(target_of(value), [parent_of(code)], 0, population)
    assert groups is not None
    return np.array(groups)


def test_codes_with_the_same_rare_values_come_together():
    code, value = claims_of_families()
    groups = groups_of(code, value, population_of(code))
    families = np.arange(CODES) % FAMILIES
    for group in np.unique(groups):
        assert len(set(families[groups == group].tolist())) == 1


def test_a_code_is_not_placed_by_thin_cells_of_fewer_than_k_persons():
    """Ten persons bear the rare values of code 0: whichever values these are, it lies where it lay."""
    code, value = claims_of_families()
    persons = np.arange(len(code))
    thin = np.flatnonzero((code == 0) & (value >= OWN))
    persons[thin] = persons[thin[:10]][np.arange(len(thin)) % 10]
    found = []
    for family in range(FAMILIES):
        theirs = value.copy()
        theirs[thin] = OWN + RARE * 3 * family + (value[thin] - OWN) % (RARE * 3)
        found.append(groups_of(code, theirs, population_of(code, persons))[0])
    assert len(set(found)) == 1
    # With a person for each claim the same exchange moves the code.
    moved = []
    for family in range(FAMILIES):
        theirs = value.copy()
        theirs[thin] = OWN + RARE * 3 * family + (value[thin] - OWN) % (RARE * 3)
        groups = groups_of(code, theirs, population_of(code))
        moved.append(groups[0] == groups[family + FAMILIES])
    assert all(moved)


def test_no_groups_where_what_is_rare_is_rare_everywhere():
    code, value = claims_of_families()
    anywhere = np.random.default_rng(1).integers(OWN, OWN + RARE * 3 * FAMILIES, len(code))
    value = np.where(value >= OWN, anywhere, value)
    assert group_what_is_withheld(target_of(value), [parent_of(code)], 0, population_of(code)) is None


@pytest.mark.parametrize(
    ("names", "place"), [(["code"], 0), (["few", "code"], 1), (["code~value~24", "code"], None), (["few"], None)]
)
def test_groups_belong_before_a_parent_of_many_codes_that_has_none(names, place):
    parents = [Parent(name, np.zeros(1, np.int32), 3 if name == "few" else CODES) for name in names]
    assert place_to_group(parents) == place


def test_a_table_tells_more_of_what_is_rare_and_no_cell_of_it_is_smaller():
    code, value = claims_of_families()
    builder = Builder(population_of(code))
    builder.variables["code"] = (code.astype(np.int32), CODES)
    builder.add(target_of(value), builder.candidates(["code"]))
    table = builder.tables["value"]
    groups = np.array(builder.features[table.parents[0]].groups)
    assert table.parents[1] == "code"
    told = 0
    level = table.levels[1]
    for group, cells, first in zip(level.contexts, level.cells, np.cumsum([0, *level.cells]), strict=False):
        inside = groups[code] == group
        for rare in (v for v in level.values[first : first + cells] if v >= OWN):
            told += 1
            # What is told of a group is of claims that no code of it tells: here all of them.
            assert (inside & (value == rare)).sum() >= K
    assert told >= FAMILIES * RARE
    assert builder.smallest >= K
