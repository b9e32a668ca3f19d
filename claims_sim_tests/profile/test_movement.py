import json

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.movement import compare_profiles
from claims_sim_tests.profile.tables import gravest_first, replaced, tariff_table, with_values


def test_a_profile_has_not_moved_from_itself(any_profile):
    moved = compare_profiles(any_profile, any_profile)
    assert {field.distance for field in moved.fields} == {0.0}
    assert moved.sentence() == "nothing moved: the profiles are the same"


@pytest.mark.slow
def test_the_column_that_moved_is_named_first_with_its_values(fit, tariff_profile):
    table = with_values(tariff_table(), "province_name", range(0, 4000, 4), "MALUKU")
    moved = compare_profiles(tariff_profile, fit(table))
    first = moved.fields[0]
    assert first.name == "province_name"
    assert first.distance == pytest.approx(0.25, abs=0.02)
    assert first.movers[0].value == "MALUKU"
    assert first.movers[0].then == 0.0
    assert first.appeared == ("MALUKU",)
    assert "province_name 0.2" in moved.sentence()


@pytest.mark.slow
def test_longer_stays_move_the_distribution_of_stays_by_as_much(fit, tariff_profile):
    table = tariff_table()
    longer = [value + 1 if i % 2 and value else value for i, value in enumerate(table["los"].to_pylist())]
    column = table.set_column(table.column_names.index("los"), "los", [longer])
    field = next(f for f in compare_profiles(tariff_profile, fit(column)).fields if f.name == "los")
    before, after = (np.bincount(values, minlength=30) / 4000 for values in (table["los"].to_numpy(), np.array(longer)))
    assert field.distance == pytest.approx(np.abs(before - after).sum() / 2, abs=0.04)


@pytest.mark.slow
def test_the_order_of_lists_moves_no_code(fit):
    lists = gravest_first(4000)
    then, now = (
        fit(replaced(tariff_table(), "dx_secondary_codes", pa.array(side)))
        for side in (lists, [sorted(codes) for codes in lists])
    )
    assert "first_member" in then.tables
    assert "first_member" not in now.tables
    field = next(field for field in compare_profiles(then, now).fields if field.name == "dx_secondary_codes")
    assert field.distance < 0.03


@pytest.mark.slow
def test_amounts_that_all_rise_are_seen(fit, foreign_profile, tariff_profile):
    table = tariff_table()
    dearer = [value * 2 for value in table["amount_claimed"].to_pylist()]
    at = table.column_names.index("amount_claimed")
    moved = compare_profiles(tariff_profile, fit(table.set_column(at, "amount_claimed", [dearer])))
    assert next(f for f in moved.fields if f.name == "amount_claimed").distance > 0.3
    assert compare_profiles(tariff_profile, foreign_profile).only_then == (
        "dx_secondary_codes", "facility_ownership", "secondary_count",
    )  # fmt: skip


def test_all_that_crosses_is_listed(any_profile):
    crossing = describe_crossing(any_profile)
    document = json.loads(any_profile.to_json())
    assert {table.name for table in crossing.tables} == set(document["tables"])
    listed = {values.column: set(values.values) for values in crossing.lists}
    for column, values in document["vocabularies"].items():
        assert listed[column] == {value or "(none)" for value in values}
    units = sum(len(level["units"]) for table in document["tables"].values() for level in table["levels"])
    assert sum(table.cells + table.remainders for table in crossing.tables) == units
    assert min(table.smallest for table in crossing.tables if table.cells) >= any_profile.k
