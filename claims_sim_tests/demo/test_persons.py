from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.demo.persons import Occupancy, pseudonyms
from claims_sim.privacy.phi import identifiers_in

CLAIMS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 200), st.integers(0, 60)), max_size=30)


def _settle(claims, border):
    """The persons of `claims` (person, admit, length), settled in two runs that meet at `border`."""
    claims = sorted(claims, key=lambda claim: claim[1])
    numbers = np.arange(len(claims))
    persons, admit, length = (np.array([claim[i] for claim in claims], dtype=np.int64) for i in range(3))
    occupancy, settled = Occupancy(), []
    for inside, next_run in ((admit < border, border), (admit >= border, 1000)):
        run = np.flatnonzero(inside)
        end = admit[run] + length[run]
        settled.append(occupancy.settle(persons[run], numbers[run], admit[run], end, next_run))
    return np.concatenate(settled), admit, admit + length


@given(CLAIMS, st.integers(0, 260))
def test_nobody_is_in_care_twice_at_once(claims, border):
    persons, admit, discharge = _settle(claims, border)
    for person in set(persons.tolist()):
        mine = np.flatnonzero(persons == person)
        assert all(discharge[a] <= admit[b] for a, b in pairwise(mine))


@given(CLAIMS, st.integers(0, 260))
def test_where_one_run_ends_makes_no_difference(claims, border):
    assert _settle(claims, border)[0].tolist() == _settle(claims, 260)[0].tolist()


def test_a_pseudonym_belongs_to_one_person_and_looks_like_no_identifier():
    persons = np.arange(-500, 20_000)
    names = pseudonyms(3, persons).to_pylist()
    assert len(set(names)) == len(names)
    assert names == pseudonyms(3, persons).to_pylist()
    assert names != pseudonyms(4, persons).to_pylist()
    assert not any(identifiers_in(name) for name in names)
