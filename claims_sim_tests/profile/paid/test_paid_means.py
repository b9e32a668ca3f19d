"""What is paid where no rule says it: it follows the case, or it is a share of what is claimed."""

import numpy as np
import pyarrow.compute as pc
import pytest

from claims_sim.codes.places import PROVINCES
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 12_000


def charged(follows_case):
    """Charges of any size; what is paid follows the diagnosis, or is a share that the class of the house has agreed on for it."""
    g, w = np.random.default_rng(51), np.random.default_rng(52)
    table = tariff_table(ROWS)
    dx, house = (np.unique(table[n].to_pylist(), return_inverse=True)[1] for n in ("dx_primary_code", "facility_class"))
    case = np.exp(w.normal(14, 0.6, 12))[dx]
    claimed = np.round(case * np.exp(g.normal(1.2, 0.5, ROWS)), 2)
    share = np.array([0.3, 0.5, 0.7])[house] * np.exp(w.normal(0, 0.2, 12)[dx] + g.normal(0, 0.05, ROWS))
    paid = case * np.exp(g.normal(0, 0.08, ROWS)) if follows_case else claimed * share
    return replaced(replaced(table, "amount_claimed", claimed), "amount_paid", np.round(np.minimum(paid, claimed), 2))


@pytest.fixture(scope="module", params=[pytest.param(True, marks=pytest.mark.slow), False], ids=["by case", "by share"])
def both(request, fit):
    table = charged(request.param)
    return request.param, fit(table), table


def logs(table):
    claimed, paid = table["amount_claimed"].to_numpy(), table["amount_paid"].to_numpy()
    part = (paid < claimed) & (paid > 0)
    return np.log(claimed[part]), np.log(paid[part]), np.array(table["dx_primary_code"].to_pylist())[part]


def within(values, codes):
    """The standard deviation of values about the means of their codes."""
    ids = np.unique(codes, return_inverse=True)[1]
    return float(np.std(values - (np.bincount(ids, values) / np.bincount(ids))[ids]))


@pytest.mark.slow
def test_it_is_told_of_amounts_or_of_shares_whichever_varies_less(both):
    follows_case, profile, _ = both
    assert profile.money.paid_means.follows_claimed == (0.0 if follows_case else 1.0)
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.slow
def test_shares_that_few_houses_of_a_place_have_each_their_own_stay_so_few(fit):
    """Houses are no column. Dear ones have a lower share: so what is paid varies less than in proportion to the charge. Of all places
    together the shares are of any size.
    """
    g, w, rows, places = np.random.default_rng(57), np.random.default_rng(58), 30_000, sorted(PROVINCES)[:30]
    place = g.integers(0, 30, rows)
    table = replaced(tariff_table(rows), "province_name", np.array(places)[place].tolist())
    house = 3 * place + g.integers(0, 3, rows)
    dear = w.normal(0, 0.4, 90)
    claimed = np.round(np.exp(13 + dear[house] + g.normal(0, 0.3, rows)), 2)
    share = np.exp(-1 - 0.7 * dear + w.normal(0, 0.1, 90))[house] * np.exp(g.normal(0, 0.01, rows))
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", np.round(claimed * share, 2))
    drawn = Sampler(fit(table)).draw_claims(3, np.arange(rows))
    cells = []
    for t in (table, drawn):
        share = np.clip(np.log(t["amount_paid"].to_numpy() / t["amount_claimed"].to_numpy()), -3, 0)
        where = np.unique(t["province_name"].to_pylist(), return_inverse=True)[1]
        cells.append(np.histogram2d(where, share, bins=[30, 50], range=[[0, 30], [-3, 0]])[0] / rows)
    assert np.abs(cells[0] - cells[1]).sum() / 2 < 0.15


@pytest.mark.slow
def test_a_few_houses_with_one_share_do_not_hide_what_all_other_shares_follow(fit):
    """A sixth of the houses cost one share of what they charge; with the others a day of the room costs less of it than all else."""
    g, w, rows, places = np.random.default_rng(59), np.random.default_rng(60), 30_000, sorted(PROVINCES)[:20]
    place, los = g.integers(0, 20, rows), g.geometric(0.2, rows)
    table = replaced(tariff_table(rows), "province_name", np.array(places)[place].tolist())
    table = replaced(
        table,
        "discharge_dt",
        np.array(table["admit_dt"].to_pylist(), "datetime64[s]") + los * np.timedelta64(86400, "s"),
    )
    table = replaced(table, "los", los)
    house = 3 * place + g.choice(3, rows, p=[0.5, 0.3, 0.2])
    of_house, day = np.exp(w.normal(-1, 0.3, 60))[house], g.normal(0, 0.1, rows) - 0.3 * np.log(los)
    share = np.where(house % 6 == 1, of_house, np.minimum(of_house * np.exp(day), 1))
    claimed = np.round(np.exp(13 + 0.6 * np.log(los) + g.normal(0, 0.6, rows)), 2)
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", np.round(claimed * share, 2))
    drawn = Sampler(fit(table)).draw_claims(3, np.arange(rows))
    falls = [
        np.polyfit(
            np.log(t["los"].to_numpy()), np.log(t["amount_paid"].to_numpy() / t["amount_claimed"].to_numpy()), 1
        )[0]
        for t in (table, drawn)
    ]
    assert falls[1] == pytest.approx(falls[0], abs=0.05)


@pytest.mark.slow
def test_dear_houses_are_paid_a_smaller_share_though_no_column_tells_which_are_dear(fit):
    """Five houses of a province charge one to eight times what a case costs, which is what is paid."""
    g, rows = np.random.default_rng(67), 20_000
    table = tariff_table(rows)
    dx = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    cost = np.exp(13 + 0.3 * dx + g.normal(0, 0.15, rows))
    times = np.array([1.1, 1.5, 2.4, 4.0, 8.0])[g.integers(0, 5, rows)]
    paid = np.round(cost * np.exp(g.normal(0, 0.03, rows)), 2)
    table = replaced(replaced(table, "amount_claimed", np.round(cost * times, 2)), "amount_paid", paid)
    drawn = Sampler(fit(table)).draw_claims(3, np.arange(rows))
    cells = []
    for t in (table, drawn):
        claimed, paid = (np.log(t[name].to_numpy()) for name in ("amount_claimed", "amount_paid"))
        of_case = np.unique(t["dx_primary_code"].to_pylist(), return_inverse=True)[1]
        where = [claimed - 0.3 * of_case, paid - claimed]
        cells.append(np.histogram2d(*where, bins=[12, 12], range=[[12.5, 16], [-2.4, 0.1]])[0] / rows)
    assert np.abs(cells[0] - cells[1]).sum() / 2 < 0.2


@pytest.mark.slow
def test_what_is_paid_may_follow_the_case_and_the_charge(fit):
    """How grave a claim is no column tells: it is charged more, and about half as much more is paid."""
    g, w = np.random.default_rng(54), np.random.default_rng(55)
    table = tariff_table(ROWS)
    dx = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    grave = g.normal(0, 0.6, ROWS)
    claimed = np.round(np.exp(w.normal(15, 0.6, 12)[dx] + grave + g.normal(0, 0.1, ROWS)), 2)
    paid = np.round(np.minimum(np.exp(w.normal(13, 0.6, 12)[dx] + 0.5 * grave + g.normal(0, 0.1, ROWS)), claimed), 2)
    profile = fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid))
    assert profile.money.paid_means.follows_claimed == pytest.approx(0.5, abs=0.1)
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    for measure in (within_both, lambda c, p, dx: within(p, dx)):
        assert measure(*logs(drawn)) == pytest.approx(measure(*logs(table)), abs=0.06)


def within_both(claimed, paid, codes):
    """How far what is charged and what is paid rise together among claims of one code."""
    ids = np.unique(codes, return_inverse=True)[1]
    apart = [values - (np.bincount(ids, values) / np.bincount(ids))[ids] for values in (claimed, paid)]
    return float(np.corrcoef(apart)[0, 1])


def test_each_kind_of_service_is_paid_as_its_own_claims_are(fit):
    """Stays are paid by case, whatever they charge; visits nearly what they charge, at the points' worth of the day."""
    g, table = np.random.default_rng(87), charged(follows_case=True)
    claimed, stays = table["amount_claimed"].to_numpy(), np.array(table["service_type"].to_pylist()) == "RITL"
    paid = np.where(stays, table["amount_paid"].to_numpy(), np.round(claimed * g.uniform(0.9, 0.98, ROWS), 2))
    table = replaced(table, "amount_paid", paid)
    profile = fit(table)
    assert profile.money.paid_means.follows_claimed == 0.0
    assert Profile.from_json(profile.to_json()) == profile
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    for kind in ("RITL", "RJTL"):
        those, there = (t.filter(pc.equal(t["service_type"], kind)) for t in (drawn, table))
        share, real = (t["amount_paid"].to_numpy() / t["amount_claimed"].to_numpy() for t in (those, there))
        assert np.quantile(share, [0.01, 0.5, 0.95]) == pytest.approx(np.quantile(real, [0.01, 0.5, 0.95]), abs=0.03)
        dx = np.array(those["dx_primary_code"].to_pylist()), np.array(there["dx_primary_code"].to_pylist())
        amounts = (
            within(np.log(those["amount_paid"].to_numpy()), dx[0]),
            within(np.log(there["amount_paid"].to_numpy()), dx[1]),
        )
        assert amounts[0] == pytest.approx(amounts[1], abs=0.05)


@pytest.mark.slow
def test_it_varies_about_its_case_and_its_charges_as_it_does(both):
    _, profile, table = both
    claims = Sampler(profile).draw_claims(3, np.arange(ROWS))
    for measure in (lambda c, p, dx: within(p, dx), lambda c, p, dx: float(np.corrcoef(c, p - c)[0, 1])):
        real, drawn = (measure(*logs(t)) for t in (table, claims))
        assert drawn == pytest.approx(real, abs=0.06)


def test_nobody_is_paid_more_than_is_claimed_and_no_more_are_paid_in_full(both):
    _, profile, table = both
    claims = Sampler(profile).draw_claims(3, np.arange(ROWS))
    full = []
    for t in (table, claims):
        claimed, paid = t["amount_claimed"].to_numpy(), t["amount_paid"].to_numpy()
        assert (paid <= claimed).all()
        full.append(np.mean(paid == claimed))
    assert full[1] == pytest.approx(full[0], abs=0.01)


def test_where_rules_say_all_there_are_no_such_means(tariff_profile):
    assert tariff_profile.money.paid_means is None
    assert "paid_means" not in tariff_profile.to_json()


@pytest.mark.parametrize("ties", [*(pytest.param(ties, marks=pytest.mark.slow) for ties in ("down", "near")), "up"])
def test_what_the_patient_pays_may_be_what_is_rounded(fit, ties):
    """A share of thirty or fifty in a hundred by the class of the house, in whole hundreds, of amounts in tens."""
    g = np.random.default_rng(53)
    table = tariff_table(ROWS)
    house = np.unique(table["facility_class"].to_pylist(), return_inverse=True)[1]
    claimed = np.rint(np.exp(g.normal(10.5, 0.8, ROWS)) / 10) * 10
    share = np.array([0.3, 0.5, 0.3])[house]
    whole = {"down": np.floor, "near": np.rint, "up": np.ceil}[ties]
    part = whole(np.round(claimed * share, 6) / 100) * 100
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", claimed - part)
    profile = fit(table)
    assert (profile.money.patients_part.grid, profile.money.patients_part.ties) == (100.0, ties)
    assert profile.money.paid_lines == ()
    claims = Sampler(profile).draw_claims(3, np.arange(ROWS))
    amount, paid = claims["amount_claimed"].to_numpy(), claims["amount_paid"].to_numpy()
    half = np.array(table["facility_class"].to_pylist())[house == 1][0]
    agreed = np.where(np.array(claims["facility_class"].to_pylist()) == half, 0.5, 0.3)
    assert np.mean((amount - paid) % 100 == 0) == 1.0
    assert np.mean(amount - paid == whole(np.round(amount * agreed, 6) / 100) * 100) > 0.97


@pytest.mark.slow
def test_shares_of_rarer_and_of_smaller_claims_are_told_beside_the_commonest(fit):
    """Three in ten in whole hundreds; a tenth of them where claims are small, and of some persons seven tenths of three in ten."""
    g = np.random.default_rng(56)
    table = tariff_table(ROWS)
    claimed = np.rint(np.exp(g.normal(10.2, 0.7, ROWS)) / 10) * 10
    share = np.where(g.random(ROWS) < 0.05, 0.21, 0.3)
    share[(claimed > 12_000) & (claimed <= 18_000) & (g.random(ROWS) < 0.7)] = 0.1
    part = np.floor(np.round(claimed * share, 6) / 100) * 100
    money = fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", claimed - part)).money
    assert sorted(money.patients_part.shares) == [0.1, 0.21, 0.3]
    assert money.paid_lines == ()


def test_where_shares_are_rounded_as_all_amounts_are_there_is_no_patients_part(both):
    _, profile, _ = both
    assert profile.money.patients_part is None
    assert "patients_part" not in profile.to_json()


@pytest.mark.slow
def test_a_fixed_part_is_a_deductible_and_no_share(fit):
    g = np.random.default_rng(54)
    table = tariff_table(ROWS)
    claimed = np.round(np.exp(g.normal(4.5, 0.6, ROWS)), 2)
    table = replaced(
        replaced(table, "amount_claimed", claimed), "amount_paid", np.round(np.maximum(claimed - 12.5, 0), 2)
    )
    money = fit(table).money
    assert money.patients_part is None
    assert (1.0, -12.5) in money.paid_lines


def test_no_effect_follows_from_the_share_of_one_claim(fit):
    """All claims of one diagnosis are paid in full but for one."""
    documents = []
    for share in (0.9, 0.1):
        table = charged(follows_case=False)
        claimed, paid = table["amount_claimed"].to_numpy(), table["amount_paid"].to_numpy().copy()
        own = np.flatnonzero(np.array(table["dx_primary_code"].to_pylist()) == table["dx_primary_code"][0].as_py())
        paid[own] = claimed[own]
        paid[own[0]] = np.round(claimed[own[0]] * share, 2)
        profile = fit(replaced(table, "amount_paid", paid))
        code = profile.vocabularies["dx_primary_code"].index(table["dx_primary_code"][0].as_py())
        documents.append(profile.money.paid_means.means.effects["dx_primary_code"][code])
    assert documents == [0.0, 0.0]


@pytest.mark.slow
def test_a_part_that_is_rounded_up_is_no_more_than_the_claim(fit):
    g = np.random.default_rng(55)
    table = tariff_table(ROWS)
    claimed = np.rint(np.exp(g.normal(9.5, 1.5, ROWS)) / 10) * 10 + 10
    paid = np.maximum(claimed - np.ceil(np.round(claimed * 0.2, 6) / 1000) * 1000, 0)
    profile = fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid))
    assert profile.money.patients_part is not None
    assert (Sampler(profile).draw_claims(3, np.arange(ROWS))["amount_paid"].to_numpy() >= 0).all()


@pytest.mark.slow
def test_parts_of_any_size_of_small_claims_are_no_shares(fit):
    g = np.random.default_rng(57)
    table = tariff_table(ROWS)
    claimed = np.rint(np.exp(g.normal(8.5, 0.5, ROWS)) / 10) * 10 + 1000
    part = np.floor(claimed * g.beta(2, 6, ROWS) / 100) * 100
    money = fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", claimed - part)).money
    assert money.patients_part is None


@pytest.mark.slow
def test_of_hundreds_of_shares_it_is_told_first_about_how_large_one_is(fit):
    """Each place pays a share of its own in each quarter, less a part that follows the class of the house."""
    g, rows = np.random.default_rng(23), 24_000
    table = tariff_table(rows, seed=23)
    place, kind = g.integers(0, 20, rows), g.integers(0, 4, rows)
    claimed = np.rint(np.exp(g.normal(6.5, 0.5, rows))) + 300
    quarter = table["admit_dt"].to_numpy().astype("datetime64[M]").astype(int) % 12 // 3
    share = np.round(g.uniform(0.86, 1.0, (20, 4)), 4)[place, quarter]
    paid = np.rint(claimed * share) - np.array([50, 80, 150, 250])[kind]
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    table = replaced(table, "province_name", [f"PLACE {chr(65 + i)}" for i in place])
    table = replaced(table, "facility_class", [f"Class {chr(65 + i)}" for i in kind])
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    left = drawn["amount_claimed"] - drawn["amount_paid"]
    for i in range(4):
        of_kind = np.quantile(left[drawn["facility_class"] == f"Class {chr(65 + i)}"], [0.1, 0.5, 0.9])
        real = np.quantile((claimed - paid)[kind == i], [0.1, 0.5, 0.9])
        assert of_kind == pytest.approx(real, rel=0.15), (i, of_kind, real)


@pytest.mark.slow
def test_what_is_paid_of_nothing_says_nothing_of_what_is_paid_of_others(fit):
    """A claim in ten is of nothing, and of the others one in five is paid in full."""
    g, table = np.random.default_rng(62), tariff_table(ROWS)
    claimed = np.where(g.random(ROWS) < 0.1, 0.0, np.round(np.exp(g.normal(11, 1, ROWS)), 2))
    share = np.where(g.random(ROWS) < 0.2, 1.0, 0.2 + 0.001 * g.integers(0, 750, ROWS))
    paid = np.round(claimed * share, 2)
    profile = fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid))
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    ours = [claims[name].to_numpy() for name in ("amount_claimed", "amount_paid")]
    in_full = [np.mean((a == b)[a > 0]) for a, b in ((claimed, paid), ours)]
    assert in_full[1] == pytest.approx(in_full[0], abs=0.03)
    assert np.mean(ours[0] == 0) == pytest.approx(np.mean(claimed == 0), abs=0.02)
    assert not ours[1][ours[0] == 0].any()


@pytest.mark.parametrize("above", [299, 280])
@pytest.mark.slow
def test_claims_of_nothing_are_paid_nothing_where_nearly_one_in_a_hundred_is_paid_more_than_it_claims(fit, above):
    """Of 30,000 claims 299 or 280 are paid 5,000 more, told as one in a hundred; a quarter is paid one of thirty amounts."""
    rows, g = 30_000, np.random.default_rng(1)
    claimed = np.where(np.arange(rows) % 5 == 0, 0.0, np.rint(np.exp(g.normal(14, 0.8, rows))))
    paid, at = claimed.copy(), g.permutation(np.flatnonzero(claimed))
    paid[at[:above]] += 5000
    named = at[above : above + 30 * 55]
    paid[named] = np.minimum(np.repeat(np.arange(30) * 2500 + 10_007.0, 55), claimed[named])
    table = replaced(
        replaced(tariff_table(rows, seed=3, persons=False), "amount_claimed", claimed), "amount_paid", paid
    )
    profile = fit(table)
    assert profile.identities["paid_over_claimed"] == pytest.approx(0.01, abs=0.001)
    claims = Sampler(profile).draw_claims(1, np.arange(rows))
    ours = [claims[name].to_numpy() for name in ("amount_claimed", "amount_paid")]
    assert np.mean(ours[0] == 0) == pytest.approx(0.2, abs=0.02)
    assert not ours[1][ours[0] == 0].any()


def test_one_person_who_is_paid_more_than_she_claims_does_not_say_what_claims_of_nothing_are_paid(fit):
    """A claim in ten is of nothing; 72 of 6,000 are one person's."""
    rows, g = 6000, np.random.default_rng(1)
    table = tariff_table(rows, seed=3)
    nothing, price = g.random(rows) < 0.1, table["amount_claimed"].to_numpy()
    claimed = np.where(nothing, 0.0, price)
    paid = np.where(nothing, 0.0, np.where(g.random(rows) < 0.3, np.rint(price * 0.8 / 1000) * 1000, price))
    hers = np.flatnonzero(~nothing)[:72]
    persons = np.array([f"person {i}" for i in g.integers(0, 4000, rows)], object)
    persons[hers] = "she"
    counted = []
    for more in (0, 1000):
        paid[hers] = claimed[hers] + more
        columns = {"amount_claimed": claimed, "amount_paid": paid, "patient_id_hash": persons.tolist()}
        one = table
        for name, values in columns.items():
            one = replaced(one, name, values)
        profile = fit(one)
        counted.append(sum(sum(level.units) for level in profile.tables["paid"].levels) * profile.k)
    assert abs(counted[0] - counted[1]) <= 200


@pytest.mark.slow
def test_where_shares_are_told_by_their_size_as_many_are_paid_all_and_nothing(fit):
    """One claim in five is paid in full and one in ten nothing, the others one of hundreds of shares."""
    g, rows = np.random.default_rng(63), 24_000
    table = tariff_table(rows, seed=63)
    claimed, kind = np.round(np.exp(g.normal(11, 1, rows)), 2), g.random(rows)
    share = 0.2 + 0.001 * g.integers(0, 700, rows)
    paid = np.where(kind < 0.2, claimed, np.where(kind < 0.3, 0, np.round(claimed * share, 2)))
    profile = fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid))
    assert "paid_level" in profile.tables
    drawn = Sampler(profile).draw_claims(1, np.arange(rows)).to_pandas()
    assert np.mean(drawn["amount_claimed"] == drawn["amount_paid"]) == pytest.approx(0.2, abs=0.03)
    assert np.mean(drawn["amount_paid"] == 0) == pytest.approx(0.1, abs=0.02)
