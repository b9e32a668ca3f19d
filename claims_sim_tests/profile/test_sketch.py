from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.profile.sketch import Sketch, sketch_source
from claims_sim_tests.profile.tables import tariff_table


@pytest.fixture(scope="module")
def source(read):
    return read(tariff_table(1500))


def changed(source, take):
    return replace(source, columns=source.columns.take(pa.array(take)))


@given(seed=st.integers(0, 2**32 - 1), gone=st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_it_never_counts_more_persons_than_have_changed(source, seed, gone):
    g = np.random.default_rng(seed)
    kept = g.permutation(1500)[gone:]
    persons = source.columns["patient_id_hash"].to_numpy()
    truly = len(set(persons) - set(persons[kept])) + sum(
        (persons == person).sum() != (persons[kept] == person).sum() for person in set(persons[kept])
    )
    found = sketch_source(source, 5).change_to(sketch_source(changed(source, kept), 5))
    assert found.owners <= truly
    assert found.owners >= 0.9 * truly - 1


def test_the_order_of_rows_does_not_matter_and_the_text_form_is_equal(source):
    one, other = sketch_source(source, 5), sketch_source(changed(source, np.arange(1500)[::-1]), 5)
    assert one.change_to(other).owners == 0
    assert Sketch.from_json(one.to_json()).change_to(one).owners == 0
    with pytest.raises(ValueError, match="sketch"):
        Sketch.from_json('{"owners": "AAAAAA==", "facilities": null, "has_persons": true}')


def test_without_persons_a_changed_claim_counts_once(read):
    source = read(tariff_table(1500, persons=False))
    found = sketch_source(source, 5).change_to(
        sketch_source(changed(source, np.r_[np.arange(1490), np.zeros(10, int)]), 5)
    )
    assert 5 <= found.owners <= 10


def test_sketches_of_different_kinds_are_not_compared(read, source):
    assert sketch_source(source, 5).change_to(sketch_source(read(tariff_table(1500, persons=False)), 5)) is None


def test_another_key_gives_another_sketch(source):
    assert sketch_source(source, 5).change_to(sketch_source(source, 6)).owners > 500
