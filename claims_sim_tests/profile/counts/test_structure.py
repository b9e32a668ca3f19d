"""Which variables a table depends on, and what a price is of, where codes of hundreds leave too few claims that are alike."""

import numpy as np
import pytest

from claims_sim.codes.places import PROVINCES as ALL_PROVINCES
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.counts.structure import choose_parents
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 20_000
PROVINCES = sorted(ALL_PROVINCES)


def parent(name, codes):
    return Parent(name, codes.astype(np.int32), int(codes.max()) + 1)


def test_what_tells_something_beside_a_code_of_hundreds_comes_before_it():
    """What is done follows 600 diagnoses, and is of another kind for the few who stay."""
    g = np.random.default_rng(5)
    code, stays = g.integers(0, 600, ROWS), (g.random(ROWS) < 0.06).astype(int)
    visit = np.where(g.random(ROWS) < 0.5, code % 60, g.integers(0, 60, ROWS))
    done = np.where(stays, 60 + g.integers(0, 12, ROWS), visit)
    candidates = [parent("dx_primary_code", code), parent("service_type", stays), parent("sex", g.integers(0, 2, ROWS))]
    chosen, groups = choose_parents(Target("procedure_code", done.astype(np.int32), 72), candidates)
    variables = [one.name.partition("~")[0] for one in chosen]
    assert "service_type" in variables
    assert variables.index("service_type") < [one.name for one in chosen].index("dx_primary_code")
    assert "sex" not in variables
    assert groups.keys() == {one.name for one in chosen if "~" in one.name}


def test_what_tells_of_few_claims_comes_before_a_place_of_hundreds_that_tells_of_all():
    """Visits are of 200 diagnoses, as each of 150 districts has them; the few who stay have others."""
    g = np.random.default_rng(8)
    district, stays = g.integers(0, 150, ROWS), (g.random(ROWS) < 0.05).astype(int)
    visit = (district * 77 + g.gamma(1.5, 4, ROWS).astype(int)) % 200
    dx = np.where(stays & (g.random(ROWS) < 0.9), g.integers(0, 40, ROWS), visit)
    candidates = [parent("district_name", district), parent("service_type", stays)]
    chosen, _ = choose_parents(Target("dx_primary_code", dx.astype(np.int32), 200), candidates)
    assert [one.name for one in chosen] == ["service_type", "district_name"]


def test_groups_of_a_code_of_hundreds_are_sought_also_where_the_code_comes_last():
    """Which price is borne follows a case's class and house, in three claims of ten what the case has of its own."""
    g = np.random.default_rng(9)
    case, house = g.integers(0, 333, ROWS), g.integers(0, 5, ROWS)
    own = np.random.default_rng(1).integers(0, 12, 333)
    price = np.where(g.random(ROWS) < 0.3, own[case], (case % 4 * 3 + house + g.integers(0, 3, ROWS)) % 12)
    candidates = [parent("price_case", case), parent("severity_group", case % 4), parent("facility_class", house)]
    chosen, _ = choose_parents(Target("amount", price.astype(np.int32), 12), candidates)
    assert chosen[0].name == "price_case~amount~24"


def with_procedures(rows):
    """Claims with a class of house, a province, sixty diagnoses and 400 procedures that follow nothing."""
    g = np.random.default_rng(6)
    table = tariff_table(rows, seed=9)
    table = replaced(table, "dx_primary_code", [f"J{i:02d}" for i in g.integers(0, 60, rows).tolist()])
    return replaced(table, "procedure_code", [f"{10 + i // 5}{i % 5}" for i in g.integers(0, 400, rows).tolist()])


def codes_of(table, name):
    values, codes = np.unique(np.array(table[name].to_pylist(), str), return_inverse=True)
    return list(values), codes


def with_amounts(table, amounts):
    return replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts)


@pytest.mark.slow
def test_a_factor_is_found_where_procedures_leave_few_claims_alike(fit):
    """Thirty provinces, each a hundredth and a half dearer than the one before, and a ward class that no column tells."""
    g = np.random.default_rng(7)
    place, ward = g.integers(0, 30, ROWS), g.integers(0, 3, ROWS)
    table = replaced(with_procedures(ROWS), "province_name", [PROVINCES[i] for i in place.tolist()])
    _, dx = codes_of(table, "dx_primary_code")
    price = np.exp(g.normal(14, 0.7, dx.max() + 1))[dx] * 1.0137**place * np.array([1.0, 1.2, 1.4])[ward]
    profile = fit(with_amounts(table, np.rint(price / 10) * 10))
    found = dict(
        zip(profile.vocabularies["province_name"], profile.money.tariffs[0].factors["province_name"], strict=True)
    )
    assert found[PROVINCES[29]] - found[PROVINCES[0]] == pytest.approx(29 * np.log(1.0137), abs=1e-3)


@pytest.mark.slow
def test_a_factor_that_most_cases_share_and_others_do_not_is_part_of_the_case(fit):
    """Ratios of classes are those of the two commonest procedures for half of the claims, and each procedure's own for the rest."""
    g = np.random.default_rng(8)
    house, done = g.integers(0, 8, 12_000), g.integers(0, 12, 12_000)
    done = np.where(g.random(12_000) < 0.55, done % 2, done)
    ratio = np.exp(g.normal(0.1, 0.2, (12, 8)).cumsum(1))
    ratio[:2] = 1.07 ** np.arange(8)
    amounts = np.rint(np.exp(g.normal(13, 0.7, 12))[done] * ratio[done, house] / 10) * 10
    table = replaced(with_procedures(12_000), "procedure_code", [f"{20 + i}.{i % 10}" for i in done.tolist()])
    table = replaced(table, "facility_class", [f"Kelas {'ABCDEFGH'[i]}" for i in house.tolist()])
    profile = fit(with_amounts(table, amounts))
    assert "facility_class" in profile.money.tariffs[0].parents
    drawn = Sampler(profile).draw_claims(1, np.arange(10_000))["amount_claimed"].to_numpy()
    assert np.isin(drawn, amounts).mean() > 0.98


@pytest.mark.slow
def test_who_is_seldom_paid_more_than_is_claimed_is_drawn_so_seldom(fit):
    """What is paid follows the diagnosis, and hardly ever exceeds a charge that lies about as high."""
    g = np.random.default_rng(9)
    table = tariff_table(12_000, seed=9)
    _, dx = codes_of(table, "dx_primary_code")
    usual = g.normal(13, 0.8, dx.max() + 1)[dx]
    claimed = np.round(np.exp(usual + g.normal(0.2, 0.3, 12_000)), 2)
    paid = np.minimum(np.round(np.exp(usual + g.normal(0, 0.1, 12_000)), 2), np.round(0.99 * claimed, 2))
    paid = np.where(g.random(12_000) < 0.006, np.round(1.05 * claimed, 2), paid)
    drawn = Sampler(fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)))
    claims = drawn.draw_claims(1, np.arange(20_000)).to_pandas()
    assert drawn.profile.money.paid_means is not None
    assert 0 < drawn.profile.identities["paid_over_claimed"] < 0.01
    assert (claims["amount_paid"] > claims["amount_claimed"]).mean() < 0.02


@pytest.mark.slow
def test_whether_all_is_paid_follows_the_month_though_shares_are_hundreds(fit):
    """In the second half of the year more claims are paid in full, by what was done; of the others any of 400 shares."""
    g = np.random.default_rng(11)
    table = tariff_table(ROWS, seed=9)
    done = g.integers(0, 30, ROWS)
    table = replaced(table, "procedure_code", [f"{30 + i}.{i % 10}" for i in done.tolist()])
    claimed = np.round(np.exp(g.normal(13, 0.8, ROWS)), 2)
    late = table["admit_dt"].to_numpy().astype("datetime64[M]").astype(int) % 12 >= 6
    full = g.random(ROWS) < np.where(late, 0.45, 0.25) * np.where(done < 15, 1.5, 0.5)
    share = np.where(full, 1.0, np.round(0.1 + 0.001 * g.integers(0, 400, ROWS) + 0.4 * (done % 2), 3))
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", np.round(claimed * share, 2))
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(ROWS)).to_pandas()
    whole, months = drawn["amount_paid"] == drawn["amount_claimed"], drawn["admit_dt"].dt.month
    assert whole[months > 6].mean() - whole[months <= 6].mean() == pytest.approx(0.2, abs=0.05)
