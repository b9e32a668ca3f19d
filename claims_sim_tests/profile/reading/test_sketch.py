import json
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.profile.reading.sketch import Sketch, sketch_source
from claims_sim.profile.reading.source import read_source
from claims_sim_tests.depth import examples
from claims_sim_tests.profile.reading.test_behind_codes import table
from claims_sim_tests.profile.tables import tariff_table


@pytest.fixture(scope="module")
def source(read):
    return read(tariff_table(1500))


def changed(source, take):
    return replace(source, columns=source.columns.take(pa.array(take)))


@given(seed=st.integers(0, 2**32 - 1), gone=st.integers(0, 40))
@settings(max_examples=examples(8), deadline=None)
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


def test_sketches_of_another_key_or_other_columns_are_not_compared(source):
    one = sketch_source(source, 5)
    assert one.change_to(sketch_source(source, 6)) is None
    less = replace(source, columns=source.columns.drop_columns(["severity_group"]))
    assert one.change_to(sketch_source(less, 5)) is None


def test_sketches_by_another_release_of_duckdb_are_not_compared_though_they_are_read(source, monkeypatch):
    one = Sketch.from_json(sketch_source(source, 5).to_json())
    assert one.change_to(sketch_source(source, 5)).owners == 0
    monkeypatch.setattr(duckdb, "__version__", "9.0.0")
    assert one.change_to(sketch_source(source, 5)) is None


def test_sketches_of_claims_that_were_read_by_another_statement_are_not_compared(read, monkeypatch):
    one, same = (sketch_source(read(tariff_table(50)), 5) for _ in range(2))
    assert one.change_to(same).owners == 0
    monkeypatch.setattr("claims_sim.profile.reading.source_sql.MAX_TEXT", 7)
    assert one.change_to(sketch_source(read(tariff_table(50)), 5)) is None


def test_a_sketch_that_tells_no_basis_is_read_and_compared_with_none(source):
    told = json.loads(sketch_source(source, 5).to_json())
    del told["basis"]
    old = Sketch.from_json(json.dumps(told))
    assert old.change_to(old) is None
    assert old.change_to(sketch_source(source, 5)) is None


def test_claims_that_are_numbered_anew_have_not_changed(source):
    one, other = (
        replace(
            source, columns=source.columns.append_column("claim_id", pa.array([f"{start}-{i}" for i in range(1500)]))
        )
        for start in ("a", "b")
    )
    assert sketch_source(one, 5).change_to(sketch_source(other, 5)).owners == 0


@pytest.mark.parametrize("lists", [["88.01#90.59", "88.01"], ["88.01", "88.01#90.59"]])
@pytest.mark.slow
def test_further_procedures_of_a_claim_count_as_all_that_is_read_of_it(tmp_path_factory, lists):
    """A refresh that differs by what one person has behind the first procedure is held back as any other."""
    before, after = (
        read_source(
            table(
                folder,
                procedure_code=["88.01#99.04", *["39.95"] * 48, listed],
                dx_primary_code=["A09"] * 50,
                amount_claimed=[1.0] * 50,
                patient_id_hash=[f"p{i}" for i in range(50)],
            )
        )
        for folder, listed in zip((tmp_path_factory.mktemp(name) for name in "ab"), lists, strict=True)
    )
    assert before.columns.equals(after.columns)
    assert sketch_source(before, 7).change_to(sketch_source(after, 7)).owners == 1
