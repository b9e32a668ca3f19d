"""How a source's own habits decide what a plausibility rule means."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.document import Profile
from claims_sim.rules.plausibility import PLAUSIBILITY, level_of
from claims_sim_tests.profile.tables import tariff_table

RULE = next(rule for rule in PLAUSIBILITY if rule.name == "obstetric_procedure_without_pregnancy")


def source(wrong: int, rows: int = 4000, persons: int | None = None) -> pa.Table:
    """A table in which half of the claims are deliveries, `wrong` of them, by `persons`, without a pregnancy."""
    table = tariff_table(rows)
    number = np.arange(rows)
    procedure = pa.array(np.where(number < rows // 2, "741", "8744").tolist())
    dx = pa.array(np.where(number >= rows // 2, "J189", np.where(number < wrong, "A010", "O829")).tolist())
    keys = pa.array([f"person {i % (persons or rows) if i < wrong else i}" for i in range(rows)])
    for name, column in {"procedure_code": procedure, "dx_primary_code": dx, "patient_id_hash": keys}.items():
        table = table.set_column(table.column_names.index(name), name, column)
    empty = pa.array([[]] * rows, pa.list_(pa.string()))
    return table.set_column(table.column_names.index("dx_secondary_codes"), "dx_secondary_codes", empty)


@pytest.mark.parametrize(
    ("wrong", "rate", "level"),
    [(0, 0.0, "rejects"), pytest.param(15, 0.0055, "rejects", marks=pytest.mark.slow), (400, 0.2, "warns")],
)
def test_the_rate_of_a_source_makes_a_rule_reject_or_warn(fit, wrong, rate, level):
    profile = fit(source(wrong))
    assert profile.plausibility[RULE.name] == pytest.approx(rate, rel=0.1, abs=1e-9)
    assert level_of(RULE, profile.plausibility) == level


def test_what_fewer_than_k_persons_do_is_not_told_apart_from_nothing(fit):
    assert fit(source(10)).plausibility == fit(source(0)).plausibility
    assert fit(source(400, persons=5)).plausibility[RULE.name] == 0.0


@pytest.mark.slow
def test_a_rule_without_claims_to_hold_it_against_has_no_rate(fit):
    profile = fit(source(0))
    assert "radiotherapy_without_neoplasm" not in profile.plausibility


@pytest.mark.slow
def test_a_profile_of_an_earlier_version_has_no_rates_and_loads(fit):
    profile = fit(source(0))
    document = profile.model_dump(mode="json")
    del document["plausibility"]
    assert Profile.model_validate(document).plausibility == {}
