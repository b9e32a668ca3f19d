"""What is paid keeps to price lists of its own, or to amounts, shares and lines, whatever is claimed."""

from types import SimpleNamespace

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.encoding.encode import MONTH, encode
from claims_sim.profile.paid.paid_lists import BESIDE_PRICES, _are_usual, beside_price, usual_price
from claims_sim.profile.prices.following import follows_paid
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.price_lists import find_tariffs
from claims_sim.profile.prices.pricing import PriceList, case_over, place_on_lists
from claims_sim.profile.prices.top_ups import find_top_ups
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import months_of, replaced, tariff_table, two_lists

ROWS = 8000
RISE = 1.06


@pytest.fixture(scope="module")
def by_case_rate():
    """Charges of the house, and of them what the case's rate allows."""
    g = np.random.default_rng(12)
    table = tariff_table(12_000, seed=5)
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    charged = np.round(np.exp(13 + 0.1 * case + g.normal(0, 0.5, 12_000)), 2)
    rate = np.round(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12)) / 100)[case] * 100
    return replaced(replaced(table, "amount_claimed", charged), "amount_paid", np.minimum(charged, rate))


@pytest.mark.slow
def test_payments_by_case_rates_are_the_rates_whatever_is_claimed(fit, by_case_rate):
    profile = fit(by_case_rate)
    assert not profile.money.tariffs
    assert len(profile.money.paid_tariffs) == 1
    real, claims = by_case_rate, Sampler(profile).draw_claims(3, np.arange(12_000))
    claimed, paid = (claims[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    rates = np.unique(
        real["amount_paid"].to_numpy()[real["amount_paid"].to_numpy() < real["amount_claimed"].to_numpy()]
    )
    assert np.isin(paid[paid < claimed], rates).mean() > 0.97
    in_full = [np.mean(t["amount_paid"].to_numpy() == t["amount_claimed"].to_numpy()) for t in (real, claims)]
    assert in_full[0] == pytest.approx(in_full[1], abs=0.04)


@pytest.mark.slow
def test_one_kind_of_service_may_be_paid_by_rates_where_the_others_are_paid_shares(fit, by_case_rate):
    """Two claims in five are of stays, which are paid the rate; of the others any share is."""
    table, g = by_case_rate, np.random.default_rng(14)
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    claimed, rate = (table[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    share = np.round(claimed * g.uniform(0.3, 0.9, len(claimed)), 2)
    profile = fit(replaced(table, "amount_paid", np.where(stays, rate, share)))
    assert profile.money.paid_tariffs
    claims = Sampler(profile).draw_claims(3, np.arange(12_000))
    theirs = np.array(claims["service_type"].to_pylist()) == "RITL"
    claimed, paid = (claims[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    assert np.isin(paid[theirs & (paid < claimed)], rate).mean() > 0.9
    assert np.isin(paid[~theirs], rate).mean() < 0.1
    few = np.flatnonzero(stays)[:900]
    assert not fit(
        replaced(table, "amount_paid", np.where(np.isin(np.arange(12_000), few), rate, share))
    ).money.paid_tariffs


@pytest.mark.parametrize(
    ("listed", "usual"),
    [
        pytest.param({"a": 55, "b": 0, "c": 0}, True, id="most of a kind that many are of"),
        pytest.param({"a": 45, "b": 45, "c": 9}, False, id="half of none"),
        pytest.param({"a": 0, "b": 0, "c": 20}, False, id="all of a kind that few are of"),
        pytest.param({"a": 100, "b": 20, "c": 0}, True, id="most of all"),
    ],
)
def test_a_list_is_most_of_a_kind_of_service_that_many_are_of(listed, usual):
    """Of the kinds a, b and c 100, 100 and 20 persons are paid a part, so many of them a price of a list; one has 90 claims more."""
    kinds = {"a": 100, "b": 100, "c": 20}
    service = np.repeat(np.arange(3), list(kinds.values()))
    on = np.concatenate([np.arange(many) < listed[kind] for kind, many in kinds.items()])
    service, on = np.r_[service, np.full(90, 1)], np.r_[on, np.full(90, listed["a"] < 50)]
    population = Population(len(on), 11, np.r_[np.arange(1, 221), np.full(90, 300)], None)
    encoded = SimpleNamespace(rows=len(on), population=population, codes={"service_type": service.astype(np.int32)})
    assert _are_usual(on, np.ones(len(on), bool), encoded) is usual


@pytest.mark.slow
def test_case_rates_rise_with_the_month_and_are_never_more_than_is_claimed(fit, by_case_rate):
    table = by_case_rate
    claimed = table["amount_claimed"].to_numpy()
    late = months_of(table) >= 6
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    rate = np.round(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12)) / 100)[case] * 100
    paid = np.minimum(claimed, np.rint(rate * np.where(late, RISE, 1.0) / 100) * 100)
    # One claim in fifty is paid more than it asks for: no identity says then that none is.
    odd = np.random.default_rng(15).random(len(claimed)) < 0.02
    profile = fit(replaced(table, "amount_paid", np.where(odd, np.round(claimed * 1.1, 2), paid)))
    assert profile.identities["paid_over_claimed"] > 0
    assert MONTH in profile.money.paid_tariffs[0].factors
    claims = Sampler(profile).draw_claims(3, np.arange(12_000))
    listed = np.isin(claims["amount_paid"].to_numpy(), paid[~odd & (paid < claimed)])
    assert listed.mean() > 0.2
    assert (claims["amount_paid"].to_numpy()[listed] <= claims["amount_claimed"].to_numpy()[listed]).all()
    without = [name for name in claims.column_names if not name.startswith(("amount", "admit", "discharge"))]
    again = Sampler(profile).draw_money(3, np.arange(12_000), claims.select(without))["amount_paid"].to_numpy()
    early = listed & (months_of(claims) < 6) & np.isin(again, paid[late])
    ratio = again[early] / claims["amount_paid"].to_numpy()[early]
    assert np.median(ratio) == pytest.approx(RISE, abs=1e-3)


@pytest.mark.slow
def test_charges_lie_about_the_price_that_is_paid_where_they_follow_it(fit, by_case_rate):
    beside = fit(by_case_rate)
    assert beside.money.others_about == "tariffs"
    assert "others_about" not in beside.to_json()
    case = np.unique(by_case_rate["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    price = np.rint(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12))[case] / 100) * 100
    charged = np.round(price * np.exp(np.random.default_rng(16).normal(0.8, 0.3, len(price))), 2)
    table = replaced(replaced(by_case_rate, "amount_claimed", charged), "amount_paid", np.minimum(price, charged))
    profile = fit(table)
    assert profile.money.others_about == "paid_tariffs"
    claims = Sampler(profile).draw_claims(3, np.arange(len(price)))
    spread = []
    for t in (table, claims):
        claimed, paid = t["amount_claimed"].to_numpy(), t["amount_paid"].to_numpy()
        part = paid < claimed
        spread.append(np.std(np.log(claimed[part] / paid[part])))
    assert spread[1] == pytest.approx(spread[0], rel=0.05)


@pytest.mark.slow
def test_what_is_paid_may_follow_the_month_of_the_year(fit):
    table = tariff_table(ROWS)
    claimed = table["amount_claimed"].to_numpy()
    early = months_of(table) < 3
    paid = np.where(early, np.rint(claimed * 0.6), claimed)
    claims = Sampler(fit(replaced(table, "amount_paid", paid))).draw_claims(1, np.arange(ROWS))
    share = claims["amount_paid"].to_numpy() / claims["amount_claimed"].to_numpy()
    assert share[months_of(claims) < 3].mean() == pytest.approx(0.6, abs=0.01)
    assert share[months_of(claims) >= 3].mean() == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
def test_shares_that_are_paid_are_no_lines_though_rounding_puts_them_near_some(fit):
    g = np.random.default_rng(21)
    claimed = tariff_table(ROWS)["amount_claimed"].to_numpy()
    share = g.choice([1.0, 0.9, 0.5], ROWS, p=[0.8, 0.12, 0.08])
    table = replaced(tariff_table(ROWS), "amount_paid", np.rint(claimed * share / 1000) * 1000)
    assert not fit(table).money.paid_lines


@pytest.mark.slow
def test_case_rates_may_be_more_than_is_claimed_where_they_are(fit, by_case_rate):
    """Half of the charges lie below the rate, which is paid all the same."""
    table = by_case_rate.to_pandas()
    case = np.unique(table["dx_primary_code"], return_inverse=True)[1]
    rate = np.round(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12)) / 100)[case] * 100
    claimed = np.round(rate * np.exp(np.random.default_rng(3).normal(0.0, 0.3, len(table))), 2)
    profile = fit(replaced(replaced(by_case_rate, "amount_claimed", claimed), "amount_paid", rate))
    drawn = Sampler(profile).draw_claims(1, np.arange(10_000)).to_pandas()
    assert (drawn["amount_paid"] > drawn["amount_claimed"]).mean() == pytest.approx(0.5, abs=0.05)
    assert drawn["amount_paid"].isin(rate).mean() > 0.95


def rates_of(table):
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    return np.rint(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12))[case] / 100) * 100


def billed_as_paid(table, rows):
    """What is paid of all is the case's rate, which `rows` bill; the others bill about twice as much."""
    rate = rates_of(table)
    charged = np.round(rate * np.exp(np.random.default_rng(16).normal(0.8, 0.3, len(rate))), 2)
    return replaced(
        replaced(table, "amount_claimed", np.where(rows, rate, charged)), "amount_paid", np.minimum(rate, charged)
    )


@pytest.mark.slow
def test_houses_that_bill_the_case_rate_do_so_in_what_is_drawn(fit, by_case_rate):
    house = np.array(by_case_rate["facility_class"].to_pylist()) == "RS Kelas C"
    table = billed_as_paid(by_case_rate, house & (np.random.default_rng(17).random(len(house)) < 0.5))
    profile = fit(table)
    assert profile.money.claimed_as_paid
    assert Profile.from_json(profile.to_json()) == profile
    assert ("lists of what is paid whose prices some bill just so", 1) in describe_crossing(profile).money
    claims = Sampler(profile).draw_claims(3, np.arange(len(house)))
    known = np.unique(rates_of(table))
    for name in ("RS Kelas C", "RS Kelas B"):
        shares = []
        for t in (table, claims):
            of_house = np.array(t["facility_class"].to_pylist()) == name
            claimed, paid = (t[column].to_numpy()[of_house] for column in ("amount_claimed", "amount_paid"))
            shares.append(np.mean((claimed == paid) & np.isin(paid, known)))
        assert shares[1] == pytest.approx(shares[0], abs=0.04)


@pytest.mark.parametrize(
    ("several", "share"),
    [
        ("points", 0.25),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (("levels", 0.12), ("levels", 0.25), ("points", 0.12))
        ),
    ],
)
@pytest.mark.slow
def test_who_bills_the_rate_bills_the_one_that_is_paid_where_a_case_has_several(fit, by_case_rate, several, share):
    """Whoever bills a rate is paid the third one, others any; `levels`: rates of all cases are multiples of each other."""
    g, rows = np.random.default_rng(18), by_case_rate.num_rows
    rate, which = rates_of(by_case_rate), g.choice(3, rows, p=[0.6, 0.25, 0.15])
    if several == "levels":
        each = np.array([1, 1.2, 1.45])[:, None] * rate
    else:
        case = np.unique(by_case_rate["dx_primary_code"].to_pylist(), return_inverse=True)[1]
        each = np.exp(np.random.default_rng(19).normal(0, 0.4, (3, 12)))[:, case] * rate
    each = np.rint(each / 100) * 100
    as_paid = g.random(rows) < share
    paid = np.where(as_paid, each[2], each[which, np.arange(rows)])
    charged = np.where(as_paid, paid, np.round(paid * np.exp(g.normal(0.8, 0.3, rows)), 2))
    table = replaced(replaced(by_case_rate, "amount_claimed", charged), "amount_paid", np.minimum(paid, charged))
    profile = fit(table)
    assert profile.money.claimed_as_paid
    claims, third = Sampler(profile).draw_claims(3, np.arange(rows)), np.unique(each[2])
    shares = []
    for t in (table, claims):
        claimed, settled = t["amount_claimed"].to_numpy(), t["amount_paid"].to_numpy()
        full = (claimed == settled) & np.isin(settled, np.unique(each))
        shares.append((full.mean(), np.isin(settled, third)[full].mean(), np.isin(settled, third)[~full].mean()))
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


@pytest.mark.slow
def test_charges_near_a_coarse_rate_are_not_the_rate(fit, by_case_rate):
    rate = np.rint(rates_of(by_case_rate) / 100_000) * 100_000
    charged = by_case_rate["amount_claimed"].to_numpy()
    profile = fit(replaced(by_case_rate, "amount_paid", np.minimum(charged, rate)))
    assert profile.money.paid_tariffs
    assert not profile.money.claimed_as_paid


@pytest.mark.parametrize("above", ["RITL", pytest.param("RJTL", marks=pytest.mark.slow)])
def test_rates_are_above_charges_for_the_services_whose_are(fit, by_case_rate, above):
    rate, g = rates_of(by_case_rate), np.random.default_rng(20)
    charged = np.round(rate * np.exp(g.normal(0.2, 0.4, len(rate))), 2)
    service = np.array(by_case_rate["service_type"].to_pylist())
    paid = np.where(service == above, rate, np.minimum(rate, charged))
    table = replaced(replaced(by_case_rate, "amount_claimed", charged), "amount_paid", paid)
    profile = fit(table)
    assert ("kinds of service that are paid these also where less is claimed", 1) in describe_crossing(profile).money
    claims = Sampler(profile).draw_claims(3, np.arange(len(rate)))
    for t in (table, claims):
        more = t["amount_paid"].to_numpy() > t["amount_claimed"].to_numpy()
        of_service = np.array(t["service_type"].to_pylist())
        assert more[of_service == above].mean() == pytest.approx(0.3, abs=0.04)
        assert not more[of_service != above].any()


@pytest.mark.slow
def test_claims_of_nothing_are_paid_nothing_though_rates_are_above_charges(fit, by_case_rate):
    """Visits of another kind are paid by the head: nothing is claimed for them, and nothing paid; they have no rate."""
    rate, g = rates_of(by_case_rate), np.random.default_rng(20)
    by_head, odd = g.random(len(rate)) < 0.1, g.random(len(rate)) < 0.15
    charged = np.where(by_head, 0, np.round(rate * np.exp(g.normal(0.2, 0.4, len(rate))), 2))
    paid = np.where(by_head, 0, np.where(odd, np.round(rate * np.exp(g.normal(-0.4, 0.1, len(rate))), 2), rate))
    service = np.where(by_head, "RJTP", by_case_rate["service_type"].to_pylist())
    table = replaced(by_case_rate, "service_type", service.tolist())
    profile = fit(replaced(replaced(table, "amount_claimed", charged), "amount_paid", paid))
    assert any(profile.money.rates_above_claimed)
    assert profile.money.paid_means is not None
    claims = Sampler(profile).draw_claims(3, np.arange(len(rate)))
    claimed, paid = (claims[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    assert np.mean(claimed == 0) == pytest.approx(by_head.mean(), abs=0.01)
    assert np.mean(paid[claimed == 0] > 0) < 0.01


@pytest.mark.slow
def test_a_few_rates_above_charges_that_are_mostly_paid_whole_do_not_make_all_so(fit, by_case_rate):
    rate, g = rates_of(by_case_rate), np.random.default_rng(20)
    charged = np.round(rate * np.exp(g.normal(0.2, 0.4, len(rate))), 2)
    odd = g.random(len(rate)) < 0.12
    paid = np.where(odd, rate, np.minimum(rate, charged))
    profile = fit(replaced(replaced(by_case_rate, "amount_claimed", charged), "amount_paid", paid))
    assert (paid > charged).mean() > 0.03
    assert not profile.money.rates_above_claimed


def test_bills_that_are_the_case_rate_by_chance_or_of_few_persons_are_not_told(fit, by_case_rate):
    few = np.arange(by_case_rate.num_rows) % 25 == 0
    persons = [f"person {i % 3}" if own else f"person {i}" for i, own in enumerate(few.tolist())]
    for rows, keys in ((few & (np.cumsum(few) < 100), None), (few, persons)):
        table = billed_as_paid(by_case_rate, rows)
        profile = fit(table if keys is None else replaced(table, "patient_id_hash", keys))
        assert not profile.money.claimed_as_paid
        assert "claimed_as_paid" not in profile.to_json()


@pytest.mark.slow
def test_ceilings_of_benefits_are_paid_where_more_is_claimed_however_little_more(fit):
    """What a plan pays at the most, no column tells: of claims of about as much some are cut a little, and others not at all."""
    g, rows = np.random.default_rng(23), 20_000
    stays, plan = g.random(rows) < 0.3, g.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    ceiling = np.array([[45.0, 50.0, 60.0, 70.0], [300.0, 350.0, 400.0, 600.0]])[stays.astype(int), plan]
    claimed = np.round(np.where(stays, 330, 50) * np.exp(g.normal(0, 0.25, rows)), 1)
    paid = np.minimum(claimed, ceiling)
    table = replaced(replaced(tariff_table(rows), "amount_claimed", claimed), "amount_paid", paid)
    table = replaced(table, "service_type", np.where(stays, "RITL", "RJTL").tolist())
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    for most in (45, 50, 60, 300, 350, 400):
        cut = drawn["amount_claimed"][(drawn["amount_paid"] == most) & (drawn["amount_claimed"] > most)]
        real = claimed[(paid == most) & (claimed > most)]
        assert len(cut) == pytest.approx(len(real), rel=0.15)
        assert (cut < 1.1 * most).sum() == pytest.approx((real < 1.1 * most).sum(), rel=0.2)


@pytest.mark.slow
def test_that_a_few_are_paid_above_what_they_claim_makes_ceilings_no_prices_of_cases(fit):
    g, rows = np.random.default_rng(23), 8_000
    stays, plan = g.random(rows) < 0.3, g.choice(3, rows)
    ceiling = np.array([[45.0, 50.0, 60.0], [300.0, 350.0, 400.0]])[stays.astype(int), plan]
    claimed = np.round(np.where(stays, 330, 50) * np.exp(g.normal(0, 0.25, rows)), 1)
    paid = np.minimum(claimed, ceiling)
    table = replaced(tariff_table(rows), "service_type", np.where(stays, "RITL", "RJTL").tolist())
    lines = []
    for odd in (0, 5):
        above = np.flatnonzero(claimed < ceiling)[:odd]
        settled = np.where(np.isin(np.arange(rows), above), ceiling, paid)
        profile = fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", settled))
        assert not profile.money.paid_tariffs
        lines.append(profile.money.paid_lines)
    assert lines[0] == lines[1] != ()


@pytest.mark.slow
def test_amounts_that_are_paid_whatever_is_claimed_are_known_by_name(fit):
    """Each of forty packages of a rare kind has a price, of which one claim in two bears it; the rest is paid in shares."""
    rows = 12_000
    g = np.random.default_rng(21)
    claimed = np.round(np.exp(g.normal(13, 0.4, rows)), 2)
    packages = np.rint(np.exp(np.random.default_rng(22).normal(12.2, 0.3, 40)) / 100) * 100
    packaged = g.random(rows) < 0.1
    share = np.round(claimed * g.beta(20, 3, rows), 2)
    paid = np.where(packaged, np.minimum(packages[g.integers(0, 40, rows)], claimed), share)
    table = replaced(replaced(tariff_table(rows), "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert set(profile.money.paid_exact) <= set(packages)
    assert len(profile.money.paid_exact) > 30
    drawn = Sampler(profile).draw_claims(1, np.arange(20_000)).to_pandas()
    named = drawn["amount_paid"].isin(packages)
    assert named.mean() == pytest.approx(np.isin(paid, packages).mean(), abs=0.01)
    assert (drawn["amount_paid"] <= drawn["amount_claimed"]).all()


@pytest.mark.slow
def test_what_is_paid_may_keep_to_a_list_of_each_service_beside_payments_to_the_cent(fit):
    g = np.random.default_rng(21)
    table = two_lists(12_000)
    price = table["amount_paid"].to_numpy()
    paid = np.where(g.random(12_000) < 0.08, np.round(price * g.uniform(0.2, 0.9, 12_000), 2), price)
    claimed = np.maximum(np.round(price * np.exp(g.normal(0.9, 0.3, 12_000)), 2), paid)
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert not profile.money.tariffs
    # Some stays cost more from July on: these have a list of their own.
    assert [tariff.grid for tariff in profile.money.paid_tariffs] == [100.0] * 3
    assert Profile.from_json(profile.to_json()) == profile
    claims = Sampler(profile).draw_claims(3, np.arange(12_000))
    for service in ("RITL", "RJTL"):
        known = np.unique(price[np.array(table["service_type"].to_pylist()) == service])
        shares = [
            np.isin(t["amount_paid"].to_numpy()[np.array(t["service_type"].to_pylist()) == service], known).mean()
            for t in (table, claims)
        ]
        assert shares[1] == pytest.approx(shares[0], abs=0.06)


@pytest.fixture(scope="module")
def by_two_schedules():
    """What is claimed is one of three prices of the case, or the benefit; of it a benefit is paid at the most: one of three of the case,
    by a plan that no column tells. The table, and the benefits of each case.
    """
    rows, g = 20_000, np.random.default_rng(31)
    table = tariff_table(rows, seed=5)
    benefits = np.rint(np.exp(g.normal(8.0, 0.4, 24))[:, None] * [1.0, 1.3, 1.6]) * 100
    benefit = benefits[case_of(table), g.choice(3, rows, p=[0.5, 0.3, 0.2])]
    charged = np.rint(np.exp(g.normal(8.2, 0.4, (24, 3)))[case_of(table), g.integers(0, 3, rows)]) * 100
    charged = np.where(g.random(rows) < 0.4, benefit, charged)
    return replaced(replaced(table, "amount_claimed", charged), "amount_paid", np.minimum(charged, benefit)), benefits


def case_of(claims):
    """The number of each claim's diagnosis and service, of 24."""
    dx, service = (
        np.unique(claims[name].to_pylist(), return_inverse=True)[1] for name in ("dx_primary_code", "service_type")
    )
    return 2 * dx + service


@pytest.mark.slow
def test_what_is_paid_may_keep_to_lists_where_what_is_claimed_does(fit, by_two_schedules):
    table, benefits = by_two_schedules
    profile = fit(table)
    assert len(profile.money.tariffs) == len(profile.money.paid_tariffs) == 1
    assert not profile.money.claimed_as_paid
    assert Profile.from_json(profile.to_json()) == profile
    claims = Sampler(profile).draw_claims(3, np.arange(table.num_rows))
    whole = []
    for t in (table, claims):
        claimed, paid = t["amount_claimed"].to_numpy(), t["amount_paid"].to_numpy()
        assert (paid[:, None] == benefits[case_of(t)]).any(1)[paid < claimed].mean() > 0.98
        least = claimed < benefits[case_of(t), 0]
        second = (claimed > benefits[case_of(t), 0]) & (claimed < benefits[case_of(t), 1])
        whole.append([np.mean(paid[at] == claimed[at]) for at in (least, second, claimed > 0)])
    below_all, between, all_claims = range(3)
    assert whole[0][below_all] == 1.0
    assert whole[1][below_all] > 0.99
    assert whole[1][all_claims] == pytest.approx(whole[0][all_claims], abs=0.02)
    assert whole[1][between] == pytest.approx(whole[0][between], abs=0.08)


def test_how_many_times_the_price_is_claimed_is_a_step_and_just_the_price_one_of_its_own():
    claimed = np.array([1.0, 60.0, 99.0, 99.6, 100.0, 100.4, 101.0, 120.0, 500.0])
    step = beside_price(claimed, np.full(9, 100.0), 1.0)
    assert (np.diff(step) >= 0).all()
    assert len(set(step[3:6].tolist())) == 1
    assert not {int(step[2]), int(step[6])} & {int(step[4])}
    assert len(set(step.tolist())) == 7
    assert 0 < step.min() <= step.max() < BESIDE_PRICES
    assert beside_price(claimed[:2], np.array([0.0, np.nan]), 1.0).tolist() == [0, 0]


def a_list(service, bases, top_ups, rows=8):
    """A list of one service (0 or 1) with a case of two prices; every other row is of it, and the last of these bears a top-up."""
    case = np.where(np.arange(rows) % 2 == service, 0, -1)
    on = np.flatnonzero(case == 0)
    point, top_up = np.full(rows, -1, np.int32), np.zeros(rows, np.int32)
    point[on] = np.arange(len(on)) % 2
    top_up[on[-1]] = 1
    codes = {"service_type": (np.arange(rows) % 2).astype(np.int32)}
    return Lattice(
        ("service_type",), (2,), 1.0, codes, {}, np.zeros(1), np.array([service]), case, bases=np.log(bases), base_start=np.array([0, 2]),
        point=point, level=np.where(case == 0, 0, -1).astype(np.int32), top_ups=np.array(top_ups), top_up=top_up,
    )  # fmt: skip


def test_places_on_several_lists_are_counted_over_all_of_them():
    lists = [a_list(0, [100.0, 110.0], [5.0]), a_list(1, [200.0, 230.0], [7.0])]
    places = place_on_lists(lists, 8)
    assert places.top_ups == 2
    assert places.top_up.tolist() == [0, 0, 0, 0, 0, 0, 1, 2]
    assert places.point.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    codes = {"service_type": (np.arange(8) % 2).astype(np.int32)}
    assert case_over([PriceList.of_lattice(one) for one in lists], codes, 8).tolist() == [0, 1] * 4
    assert usual_price(lists, 8).tolist() == pytest.approx([100.0, 200.0] * 4)


@pytest.mark.slow
def test_what_follows_the_price_that_is_paid_follows_that_of_ones_own_list(read):
    """Where the case of either list would be the same number, stays would follow what is usual of visits."""
    rows = 12_000
    table = two_lists(rows)
    encoded = encode(read(table), 11)
    lists = find_tariffs(encoded, table["amount_paid"].to_numpy().astype(float), 100.0)
    assert len(lists) == 3  # of visits, of stays, and of those that cost more from July on
    g = np.random.default_rng(3)
    paid = table["amount_paid"].to_numpy().astype(float)
    claimed = np.exp(np.log(paid) + g.normal(0.5, 0.1, rows))
    unknown = g.random(rows) < 0.1
    multiple, usual = np.zeros(rows), np.zeros(rows)
    for one in lists:
        one.point[unknown] = -1
        on = np.flatnonzero(one.point >= 0)
        multiple[on] = np.log(paid[on]) - one.bases[one.base_start[one.case[on]]] - one.place_log(on)
        mean = np.bincount(one.case[on], multiple[on], len(one.case_keys)) / np.maximum(
            np.bincount(one.case[on], minlength=len(one.case_keys)), 1
        )
        usual[one.case >= 0] = mean[one.case[one.case >= 0]]
    slopes, each = follows_paid(lists, claimed, paid, encoded)
    slope = np.append(slopes, 0.0)[encoded.codes["service_type"]]
    assert slope.max() > 0.5
    listed = np.any([one.point >= 0 for one in lists], axis=0)
    assert listed[~unknown].mean() > 0.99
    assert np.abs(each[listed] - (slope * multiple)[listed]).max() < 1e-9
    assert np.abs(each[~listed] - (slope * usual)[~listed]).max() < 1e-9


@pytest.mark.parametrize("by_case", [0.0, 0.5])
def test_what_charges_have_of_the_days_does_not_follow_the_price(by_case):
    """Long stays are of the dearer group of a case, and their charges are dear for the days; and so much for the group."""
    rows, g = 12_000, np.random.default_rng(4)
    dear = g.random(rows) < 0.5
    days = 1.0 + g.poisson(np.where(dear, 8, 3))
    prices = np.array([np.log(4_000_000), np.log(7_000_000)])
    zeros = np.zeros(rows, np.int32)
    codes = {"service_type": zeros}
    one = Lattice(("service_type",), (1,), 1.0, codes, {}, np.zeros(1), np.array([0]), zeros, bases=prices)
    one.base_start, one.point, one.level = np.array([0, 2]), dear.astype(np.int32), zeros
    paid = np.exp(prices[dear.astype(int)])
    claimed = np.exp(13 + np.log(days) + by_case * np.log(paid) + g.normal(0, 0.2, rows))
    encoded = SimpleNamespace(los=days, codes=codes, rows=rows, population=Population(rows, 11, np.arange(rows), None))
    (slope,), _ = follows_paid([one], claimed, paid, encoded)
    assert slope == pytest.approx(by_case, abs=0.051)


@pytest.mark.parametrize("billed_as_paid", [0.4, 0.75])
@pytest.mark.slow
def test_charges_of_stays_follow_their_prices_beside_visits_that_bill_theirs(fit, billed_as_paid):
    """Of each diagnosis there are two case groups that no column tells, one of them thrice as dear; visits are billed what they cost, or
    by what was done.
    """
    g, table = np.random.default_rng(82), tariff_table(12_000, seed=81)
    stay = np.array(table["service_type"].to_pylist()) == "RITL"
    dx = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    done, place = (
        np.unique([str(v) for v in table[n].to_pylist()], return_inverse=True)[1]
        for n in ("procedure_code", "province_name")
    )
    price = (900_000 + 37_000 * dx) * np.where(stay & (g.random(12_000) < 0.4), 3, 1) * np.where(
        stay, 4, 1
    ) // 4 + 1700 * place
    billed = np.where(g.random(12_000) < billed_as_paid, price, 41_000 + 13_000 * done)
    charge = np.where(stay, np.round(price * np.exp(g.normal(-0.3, 0.3, 12_000)), 2), billed)
    profile = fit(replaced(replaced(table, "amount_claimed", charge), "amount_paid", price.astype(float)))
    drawn = Sampler(profile).draw_claims(1, np.arange(12_000)).to_pandas()
    ours = drawn[drawn["service_type"] == "RITL"]
    off = np.log(ours["amount_claimed"] / ours["amount_paid"])
    assert off.std() == pytest.approx(0.3, abs=0.05)
    visits = drawn[drawn["service_type"] == "RJTL"]
    as_paid = (charge == price)[~stay].mean()
    assert (visits["amount_claimed"] == visits["amount_paid"]).mean() == pytest.approx(as_paid, abs=0.03)


@pytest.mark.parametrize(("claims", "told"), [(99, 0), (100, 1)])
def test_a_claim_has_one_vote_for_a_top_up_that_it_comes_to_by_several_prices(claims, told):
    """1,200 is a price, and that of 1,000 at another level."""
    amounts = np.r_[np.full(300, 1000.0), np.full(100, 1200.0), np.full(claims, 1977.0)]
    rows, point = len(amounts), np.where(amounts == 1977, -1, amounts == 1200).astype(np.int32)
    levels, bases = np.log([1.0, 1.2, 1 / 1.2]), np.log([1000.0, 1200.0, 1440.0])
    found = Lattice(
        ("dx_primary_code",), (1,), 1.0, {"dx_primary_code": np.zeros(rows, np.int32)}, {}, levels, np.zeros(1, np.int64),
        np.zeros(rows, np.int64), bases=bases, base_start=np.array([0, 3]), point=point,
        level=np.where(point < 0, -1, 0).astype(np.int32),
    )  # fmt: skip
    find_top_ups(found, amounts, Population(rows, 50, None, None))
    assert len(found.top_ups) == told
    assert (found.top_up > 0).sum() == (claims if told else 0)
