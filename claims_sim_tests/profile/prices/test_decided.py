"""Prices of case groups: an operation decides the price whatever the diagnosis, and rare codes cost what their group does."""

import numpy as np
import pytest

from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, names, pick, replaced, tariff_table

ROWS = 12_000
OPERATIONS = [f"{45 + i}{11 + i}" for i in range(6)]
"""They decide; of the other procedures none does."""
OTHERS = [f"{87 + i % 5}{20 + i}" for i in range(10)]


def grouped(rows=ROWS, codes=60):
    """Sixty diagnoses in eight case groups, six operations with a group each, prices by group, class and severity."""
    g, w = np.random.default_rng(31), np.random.default_rng(32)
    table = tariff_table(rows)
    dx, procedure = pick(g, codes, rows), g.integers(0, 40, rows)
    operated, other = procedure < 6, (procedure >= 6) & (procedure < 16)
    house = np.unique(table["facility_class"].to_pylist(), return_inverse=True)[1]
    group = np.where(operated, 8 + np.minimum(procedure, 5), w.integers(0, 8, codes)[dx])
    price = np.rint(np.exp(w.normal(13, 0.6, 14))[group] * np.exp(w.normal(0, 0.1, (14, 3)))[group, house] / 100) * 100
    given = names([*OPERATIONS, *OTHERS], np.minimum(procedure, 15), ~(operated | other))
    table = replaced(
        replaced(table, "dx_primary_code", np.array(DX)[:: 1500 // codes][:codes][dx].tolist()), "procedure_code", given
    )
    return replaced(replaced(table, "amount_claimed", price), "amount_paid", price)


@pytest.fixture(scope="module")
def by_group(fit):
    table = grouped()
    return fit(table), table


def decisive(profile):
    tariff = profile.money.tariffs[0]
    vocabulary = profile.vocabularies["procedure_code"]
    return {vocabulary[pair % tariff.decisive.procedures] for pair in tariff.decisive.pairs}


def prices(table, among):
    columns = [
        table[name].to_pylist() for name in ("dx_primary_code", "procedure_code", "facility_class", "amount_claimed")
    ]
    return [row for row in zip(*columns, strict=True) if among(row)]


def test_the_procedures_that_decide_are_found_and_no_others(by_group):
    profile, _ = by_group
    assert decisive(profile) == set(OPERATIONS)
    assert Profile.from_json(profile.to_json()) == profile


def test_an_operation_costs_what_it_does_whatever_the_diagnosis(by_group):
    profile, table = by_group
    known = {
        (procedure, house, price) for _, procedure, house, price in prices(table, lambda row: row[1] in OPERATIONS)
    }
    drawn = prices(Sampler(profile).draw_claims(2, np.arange(ROWS)), lambda row: row[1] in OPERATIONS)
    assert len(drawn) > 1000
    assert np.mean([(procedure, house, price) in known for _, procedure, house, price in drawn]) > 0.98


def test_what_was_done_beside_it_changes_no_price_and_rare_codes_cost_what_their_group_does(by_group):
    profile, table = by_group
    known = {(dx, house, price) for dx, _, house, price in prices(table, lambda row: row[1] not in OPERATIONS)}
    common = {(house, price) for _, house, price in known}
    drawn = prices(Sampler(profile).draw_claims(2, np.arange(ROWS)), lambda row: row[1] not in OPERATIONS)
    assert np.mean([(dx, house, price) in known for dx, _, house, price in drawn]) > 0.95
    counts = {
        code: table["dx_primary_code"].to_pylist().count(code) for code in set(table["dx_primary_code"].to_pylist())
    }
    rare = [row for row in drawn if counts.get(row[0], 0) < 90]  # about a third of these to a class
    assert len(rare) > 300
    assert np.mean([(house, price) in common for _, _, house, price in rare]) > 0.9


def test_without_operations_that_decide_there_is_nothing_of_the_kind_in_the_profile(tariff_profile):
    assert all(tariff.decisive is None for tariff in tariff_profile.money.tariffs)
    assert "decisive" not in tariff_profile.to_json()


@pytest.mark.slow
def test_whether_anything_is_done_follows_the_service_though_what_is_done_follows_the_diagnosis(fit):
    g = np.random.default_rng(33)
    table = tariff_table(ROWS)
    dx, stays = pick(g, 80, ROWS), np.array(table["service_type"].to_pylist()) == "RITL"
    procedure = (dx + g.integers(0, 8, ROWS)) % 60
    nothing = g.random(ROWS) > np.where(stays, 0.6, 0.08)
    table = replaced(table, "dx_primary_code", np.array(DX)[::18][:80][dx].tolist())
    table = replaced(table, "procedure_code", names([f"{10 + i}" for i in range(60)], procedure, nothing))
    claims = Sampler(fit(table)).draw_claims(4, np.arange(ROWS))
    shares = []
    for t in (table, claims):
        done = np.array([code is not None for code in t["procedure_code"].to_pylist()])
        inpatient = np.array(t["service_type"].to_pylist()) == "RITL"
        shares.append([done[inpatient].mean(), done[~inpatient].mean()])
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


@pytest.mark.slow
def test_procedures_decide_also_where_no_kind_of_service_is_known(fit, by_group):
    _, table = by_group
    profile = fit(table.drop_columns(["service_type", "los", "discharge_dt"]))
    assert "service_type" not in profile.vocabularies
    assert decisive(profile) == set(OPERATIONS)
    assert len(Sampler(profile).draw_claims(2, np.arange(100))) == 100


def test_money_for_claims_without_a_procedure_column_is_drawn(by_group):
    profile, _ = by_group
    sampler, rows = Sampler(profile), np.arange(200)
    money = sampler.draw_money(1, rows, sampler.draw_briefs(1, rows))
    assert money["amount_claimed"].null_count == 0
