"""Price lists that change: from which month on, for whom by how much, and what claims without a date cost."""

from types import SimpleNamespace

import numpy as np
import pyarrow.compute as pc
import pytest

from claims_sim.codes.places import PROVINCES
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import BY, PERIOD
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.encoding.encode import MONTH
from claims_sim.profile.prices.price_periods import find_periods
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import names, paid_in_full, pick, replaced, tariff_table

ROWS = 12_000
CHANGE = np.datetime64("2024-07-01")
OWNERS = ("Pemkab", "Swasta", "TNI")


def priced(price_of, rows=ROWS, seed=5):
    """A year's claims of twelve diagnoses, three classes and three owners, at `price_of(diagnosis, class, owner, later)`."""
    g, table = np.random.default_rng(seed), tariff_table(rows)
    table = replaced(table, "facility_ownership", names(OWNERS, pick(g, 3, rows)))
    return paid_in_full(table, price_of(*codes_of(table)))


def codes_of(table):
    frame = table.select(["dx_primary_code", "facility_class", "facility_ownership", "admit_dt"]).to_pandas()
    diagnoses = sorted(set(tariff_table(4000)["dx_primary_code"].to_pylist()))
    classes = ["RS Kelas B", "RS Kelas C", "RS Khusus Ibu dan Anak"]
    found = (
        frame[n].map({v: i for i, v in enumerate(vs)})
        for n, vs in zip(frame, (diagnoses, classes, OWNERS), strict=False)
    )
    return (*(codes.to_numpy() for codes in found), (frame.admit_dt.to_numpy() >= CHANGE).astype(int))


def of_each_case(diagnosis, house, owner, later):
    """Each case of the new list has a price that follows from nothing."""
    return np.rint(np.random.default_rng(6).lognormal(13, 0.6, (12, 3, 2))[diagnosis, house, later] / 100) * 100


def of_each_owner(diagnosis, house, owner, later):
    """Owners raise their prices by a share of their own each."""
    base = np.rint(np.random.default_rng(7).lognormal(13, 0.6, (12, 3)) / 1000) * 1000
    rise = np.array([[1.0, 1.031], [1.0, 1.07], [1.0, 1.0155]])
    return np.rint(base[diagnosis, house] * rise[owner, later])


def of_each_rate(diagnosis, house, owner, later):
    """Weights of cases times the rate of a class in a period, which is rounded to tens; prices to the unit."""
    rate = np.rint(2_418_530 * np.array([1.0, 0.9, 0.8217])[:, None] * np.array([1.0, 1.1283]) / 10) * 10
    weight = np.round(np.random.default_rng(7).lognormal(0, 0.6, 12), 4)
    return np.rint(rate[house, later] * weight[diagnosis])


def right(claims, price_of):
    return float(np.mean(np.abs(claims["amount_claimed"].to_numpy() - price_of(*codes_of(claims))) < 0.5))


@pytest.fixture(scope="module")
def changed(fit):
    return fit(priced(of_each_case))


@pytest.mark.slow
def test_prices_of_each_case_change_in_the_month_from_which_the_new_list_holds(changed):
    (tariff,) = changed.money.tariffs
    assert tariff.periods == (0,) * 6 + (1,) * 6
    assert PERIOD in tariff.parents
    assert right(Sampler(changed).draw_claims(1, np.arange(ROWS)), of_each_case) > 0.97
    assert Profile.from_json(changed.to_json()) == changed


def test_claims_of_no_month_of_the_profile_cost_what_they_do_in_its_last(changed):
    sampler = Sampler(changed)
    drawn = sampler.draw_claims(1, np.arange(2000))
    undated = drawn.drop_columns(["admit_dt", "discharge_dt", "amount_claimed", "amount_paid", "amount_gap"])
    late = drawn.set_column(0, "admit_dt", [np.full(2000, CHANGE)])
    money = sampler.draw_money(3, np.arange(2000), undated)
    assert (
        right(
            late.set_column(late.column_names.index("amount_claimed"), "amount_claimed", money["amount_claimed"]),
            of_each_case,
        )
        > 0.97
    )


@pytest.mark.slow
def test_owners_who_raise_their_prices_by_shares_of_their_own_share_one_list(fit):
    profile = fit(priced(of_each_owner))
    (tariff,) = profile.money.tariffs
    found = np.exp(np.array(tariff.factors[BY + "facility_ownership"]).reshape(-1, 2))
    owners = [profile.vocabularies["facility_ownership"].index(name) for name in OWNERS]
    assert found[owners, 1] / found[owners, 0] == pytest.approx([1.031, 1.07, 1.0155], abs=1e-3)
    assert PERIOD not in tariff.parents
    assert right(Sampler(profile).draw_claims(1, np.arange(ROWS)), of_each_owner) > 0.97
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.slow
def test_rates_that_are_rounded_are_each_class_and_periods_own(fit):
    """To the unit they are no product of a class and a period, though nearly: the prices of a case would be as many."""
    profile = fit(priced(of_each_rate))
    (tariff,) = profile.money.tariffs
    assert BY + "facility_class" in tariff.factors
    assert MONTH not in tariff.factors
    assert len(tariff.bases) <= 2 * 12  # of each service
    claims = Sampler(profile).draw_claims(3, np.arange(ROWS))
    assert right(claims, of_each_rate) > 0.97


@pytest.mark.slow
def test_rates_in_cents_that_rise_alike_are_each_places_and_periods_own(fit):
    """Weights of 400 diagnoses times the rate of a province, which rises by 3.1 % and is rounded to the cent: nearly a product."""
    rows, g = 60_000, np.random.default_rng(31)
    table = tariff_table(rows, seed=30)
    where, dx = g.integers(0, 9, rows), g.integers(0, 400, rows)
    rate = np.round(3921.44 * (1 + np.random.default_rng(32).uniform(-0.1, 0.1, 9)), 2)
    rates = np.round(np.column_stack([rate, rate * 1.031]), 2)
    weight = np.round(np.random.default_rng(33).lognormal(0.5, 0.6, 400), 3)
    codes = [f"{chr(65 + i // 20)}{10 + i % 20}" for i in range(400)]

    def price(place, diagnosis, day):
        return np.round(rates[place, (day >= CHANGE).astype(int)] * weight[diagnosis] + 1e-9, 2)

    table = replaced(table, "province_name", names(list(PROVINCES)[:9], where))
    table = replaced(table, "dx_primary_code", names(codes, dx))
    profile = fit(paid_in_full(table, price(where, dx, table["admit_dt"].to_numpy())))
    claims = Sampler(profile).draw_claims(3, np.arange(ROWS)).to_pandas()
    place, diagnosis = (
        claims[column].map({v: i for i, v in enumerate(values)}).to_numpy()
        for column, values in (("province_name", list(PROVINCES)[:9]), ("dx_primary_code", codes))
    )
    off = np.abs(claims["amount_claimed"].to_numpy() - price(place, diagnosis, claims["admit_dt"].to_numpy()))
    assert np.mean(off < 0.005) > 0.95


def test_where_no_price_changes_the_profile_knows_of_no_period(tariff_profile):
    assert all(tariff.periods == () for tariff in tariff_profile.money.tariffs)
    assert "periods" not in tariff_profile.to_json()


@pytest.mark.parametrize(("changing", "told"), [((0,), False), (range(6), True)])
def test_a_change_of_one_facility_is_not_told(fit, changing, told):
    house = np.random.default_rng(8).integers(0, 6, ROWS)

    def price(diagnosis, kind, owner, later):
        return of_each_case(diagnosis, kind, owner, later * np.isin(house, changing))

    table = priced(price).append_column("facility_id", names([f"RS{i}" for i in range(6)], house))
    # Columns that would tell the houses apart stay as they are: only the change is the one's own.
    assert any(tariff.periods for tariff in fit(table).money.tariffs) == told


def test_who_claims_nothing_is_told_by_what_tells_it(fit):
    """A claim that could not be grouped has no severity and costs nothing; no other costs nothing."""
    table = tariff_table(ROWS)
    ungrouped = np.random.default_rng(9).random(ROWS) < 0.01
    severity = np.where(ungrouped, "0", table["severity_group"].to_numpy(zero_copy_only=False))
    amount = np.where(ungrouped, 0.0, table["amount_claimed"].to_numpy())
    profile = fit(paid_in_full(replaced(table, "severity_group", severity.tolist()), amount))
    drawn = Sampler(profile).draw_claims(1, np.arange(ROWS))
    nothing = pc.equal(drawn["amount_claimed"], 0.0).to_numpy()
    of_none = pc.equal(drawn["severity_group"], "0").to_numpy()
    assert of_none.sum() > 60
    assert (nothing == of_none).all()
    assert pc.min(drawn["amount_claimed"].filter(~nothing)).as_py() >= 1000


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"periods": (0, 1)}, "not those of the months"),
        ({"factors": {BY + "facility_class": (0.0,)}}, "not one of each value in each period"),
        ({"factors": {BY + "nobody": (0.0, 0.0)}}, "not one of each value in each period"),
        ({"periods": (0, 2) + (2,) * 10}, "do not follow each other"),
        ({"periods": (1,) * 11 + (0,)}, "do not follow each other"),
        ({"periods": ()}, "do not fit its periods"),
        ({"periods": (0,) * 10 + (1, 2)}, "do not fit its periods"),
    ],
)
def test_a_file_whose_periods_do_not_fit_is_refused(changed, change, told):
    document = changed.model_dump(mode="json")
    document["money"]["tariffs"][0] |= change
    with pytest.raises(ValueError, match=told):
        Profile.model_validate(document)


def test_a_file_whose_claims_of_nothing_are_three_things_is_refused(changed):
    document = changed.model_dump(mode="json")
    document["tables"]["claims_nothing"] = document["tables"]["admit_month"]
    with pytest.raises(ValueError, match="one of two things"):
        Profile.model_validate(document)


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(
    ("claims", "persons", "told"),
    [(6, 1, False), (10, 10, False), (60, 60, True)],
)
def test_what_a_place_raises_its_prices_by_is_not_told_of_a_few_persons(fit, claims, persons, told):
    """An owner has hardly any claims before the change; these are dearer by a third."""
    table = priced(of_each_owner)
    _, _, owner, later = codes_of(table)
    before = np.flatnonzero((owner == 2) & (later == 0))
    kept = np.setdiff1d(np.arange(ROWS), before[claims:])
    few = before[:claims]
    price, person = table["amount_claimed"].to_numpy().copy(), np.array(table["patient_id_hash"].to_pylist(), object)
    price[few] = np.rint(price[few] * 1.37)
    person[few] = [f"planted {i % persons}" for i in range(claims)]
    table = replaced(paid_in_full(table, price), "patient_id_hash", person.tolist()).take(kept)
    profile = fit(table)
    (tariff,) = profile.money.tariffs
    rises = np.exp(np.array(tariff.factors[BY + "facility_ownership"]).reshape(-1, 2))
    of_few = rises[profile.vocabularies["facility_ownership"].index("TNI")]
    assert (abs(of_few[0] / of_few[1] - 1.37 / 1.0155) < 0.01) == told


def test_what_a_place_raises_its_prices_by_is_not_told_of_one_facility(fit):
    table = priced(of_each_owner)
    _, _, owner, later = codes_of(table)
    before = np.flatnonzero((owner == 2) & (later == 0))
    house = np.random.default_rng(11).integers(0, 12, ROWS)
    house[before[:60]] = 0
    price = table["amount_claimed"].to_numpy().copy()
    price[before[:60]] = np.rint(price[before[:60]] * 1.37)
    table = paid_in_full(table, price).append_column("facility_id", names([f"RS{i}" for i in range(12)], house))
    profile = fit(table.take(np.setdiff1d(np.arange(ROWS), before[60:])))
    (tariff,) = profile.money.tariffs
    rises = np.exp(np.array(tariff.factors[BY + "facility_ownership"]).reshape(-1, 2))
    owners = [profile.vocabularies["facility_ownership"].index(name) for name in OWNERS]
    assert rises[owners[:2], 1] / rises[owners[:2], 0] == pytest.approx([1.031, 1.07], abs=1e-3)
    assert rises[owners[2], 1] == pytest.approx(rises[owners[2], 0], rel=1e-5)


@pytest.mark.slow
def test_places_have_rises_of_their_own_where_half_the_claims_were_dealt_out(fit):
    """Every third kind of house has four, the others one: the claims of these are dealt out."""
    table = priced(of_each_owner)
    columns = (table[name].to_pylist() for name in ("province_name", "facility_class", "facility_ownership"))
    kind = np.unique([" ".join(values) for values in zip(*columns, strict=True)], return_inverse=True)[1]
    house = kind * 4 + (np.random.default_rng(14).random(ROWS) * np.where(kind % 3 == 0, 4, 1)).astype(int)
    table = table.append_column("facility_id", names([f"RS{i}" for i in range(int(house.max()) + 1)], house))
    profile = fit(table)
    assert any("dealt out" in sentence for sentence in profile.oddities)
    (tariff,) = profile.money.tariffs
    rises = np.exp(np.array(tariff.factors[BY + "facility_ownership"]).reshape(-1, 2))
    owners = [profile.vocabularies["facility_ownership"].index(name) for name in OWNERS]
    assert rises[owners, 1] / rises[owners, 0] == pytest.approx([1.031, 1.07, 1.0155], abs=1e-3)
    # Whoever's they become, they bear what is charged there and then.
    assert right(Sampler(profile).draw_claims(3, np.arange(5000)), of_each_owner) > 0.95


@pytest.mark.slow
def test_houses_whose_prices_follow_from_nothing_but_rise_by_shares_of_their_own_keep_one_price_a_case(fit):
    """Each owner has its own prices, which no other's say anything of, and its own rise."""
    base = np.rint(np.random.default_rng(12).lognormal(13, 0.6, (12, 3)) / 1000) * 1000
    rise = np.array([[1.0, 1.031], [1.0, 1.07], [1.0, 1.0155]])

    def price(diagnosis, house, owner, later):
        return np.rint(base[diagnosis, owner] * rise[owner, later])

    profile = fit(priced(price))
    (tariff,) = profile.money.tariffs
    assert "facility_ownership" in tariff.parents
    assert PERIOD not in tariff.parents
    found = np.exp(np.array(tariff.factors[BY + "facility_ownership"]).reshape(-1, 2))
    owners = [profile.vocabularies["facility_ownership"].index(name) for name in OWNERS]
    assert found[owners, 1] / found[owners, 0] == pytest.approx(rise[:, 1], abs=1e-3)
    assert right(Sampler(profile).draw_claims(1, np.arange(ROWS)), price) > 0.97


@pytest.mark.parametrize("amount", [0.0, 5000.0])
@pytest.mark.slow
def test_where_all_claim_the_same_or_nothing_all_are_drawn_so(fit, amount):
    table = paid_in_full(tariff_table(2000), np.full(2000, amount))
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(500))
    assert set(drawn["amount_claimed"].to_pylist()) == {amount}


def test_that_a_few_claim_nothing_is_not_told(fit):
    table = tariff_table(ROWS)
    amount = table["amount_claimed"].to_numpy().copy()
    amount[:60] = 0.0
    person = np.array(table["patient_id_hash"].to_pylist(), object)
    person[:60] = [f"one of ten {i % 10}" for i in range(60)]
    profile = fit(replaced(paid_in_full(table, amount), "patient_id_hash", person.tolist()))
    assert "claims_nothing" not in profile.tables


@pytest.mark.slow
def test_weights_and_amounts_that_are_asked_for_go_together(fit):
    """Amounts that are asked for are drawn at the last prices; the weight stays that of the claim's own month."""
    table = tariff_table(6_000)
    late = table["admit_dt"].to_numpy() >= CHANGE
    sampler = Sampler(fit(replaced(table, "claim_weight", np.where(late, 4.0, 2.5))))
    wanted = sampler.conditions(ClaimFilter(amount_claimed=(1e5, 1e9)))
    drawn = sampler.draw_claims(1, np.arange(1000), wanted).to_pandas()
    assert (drawn["claim_weight"] == np.where(drawn["admit_dt"] >= CHANGE, 4.0, 2.5)).mean() > 0.99


def periods_of(price_of, house_shares=(0.2,) * 5, rows=6_000):
    """The periods of a year that `find_periods` sees by numbers of prices: `price_of(month, house, generator)`."""
    g = np.random.default_rng(13)
    month, house = g.integers(0, 12, rows), g.choice(len(house_shares), rows, p=house_shares)
    population = Population(rows, 11, np.arange(rows), house)
    months = tuple(f"2024-{i:02d}" for i in range(1, 13))
    encoded = SimpleNamespace(
        vocabularies={MONTH: months}, codes={MONTH: month.astype(np.int32)}, population=population
    )
    return find_periods(encoded, price_of(month, house, g), np.arange(rows))


def test_all_changes_of_a_year_are_found_and_nothing_else():
    assert periods_of(lambda month, _, g: g.integers(0, 20, len(month))) == ()
    assert periods_of(lambda month, _, g: g.integers(0, 20, len(month)) + 100 * (month >= 5)) == (0,) * 5 + (1,) * 7
    twice = periods_of(lambda month, _, g: g.integers(0, 20, len(month)) + 100 * (month >= 4) + 100 * (month >= 8))
    assert twice == (0,) * 4 + (1,) * 4 + (2,) * 4
    assert (
        periods_of(lambda month, _, g: g.integers(0, 20, len(month)) + 100 * month) == ()
    )  # no two months have one list
    assert (
        periods_of(lambda month, _, g: g.integers(0, 6_000, len(month)) + 10_000 * (month >= 5)) == ()
    )  # nor any list


@pytest.mark.parametrize(("new", "kept", "start"), [(0.7, 0, 5), (0.3, 0, 6), (0.65, 6, 5), (0.3, 6, 6)])
def test_a_list_that_changes_within_a_month_changes_in_the_one_that_has_mostly_its_prices(new, kept, start):
    """Of twenty prices some are kept."""

    def price(month, _, g):
        case = g.integers(0, 20, len(month))
        later = (month > 5) | ((month == 5) & (g.random(len(month)) < new))
        return case + 100 * (later & (case >= kept))

    assert periods_of(price) == (0,) * start + (1,) * (12 - start)


def test_a_list_that_one_house_changes_within_a_month_is_none():
    def price(month, house, g):
        later = (month > 5) | ((month == 5) & (g.random(len(month)) < 0.7))
        return g.integers(0, 4, len(month)) + 100 * house + 1000 * (later & (house == 0))

    assert periods_of(price, (0.8, 0.05, 0.05, 0.05, 0.05)) == ()


def test_prices_that_come_beside_others_which_stay_are_no_change():
    assert (
        periods_of(
            lambda month, _, g: g.integers(0, 20, len(month)) + 100 * ((month >= 5) & (g.random(len(month)) < 0.7))
        )
        == ()
    )


def test_new_prices_of_one_house_are_no_change_though_most_claims_are_its_own():
    def price(changing):
        return lambda month, house, g: (
            g.integers(0, 4, len(month)) + 100 * house + 1000 * ((month >= 5) & np.isin(house, changing))
        )

    shares = (0.8, 0.05, 0.05, 0.05, 0.05)
    assert periods_of(price((0,)), shares) == ()
    assert periods_of(price((0, 1, 2, 3)), shares) == (0,) * 5 + (1,) * 7


WEIGHTS = np.random.default_rng(9).integers(200, 6000, (12, 3, 4)) / 1000
RATES = np.random.default_rng(10).integers(370_000, 410_000, (20, 4)) / 100
WHERE = sorted(PROVINCES)[:20]


def by_weight_and_rate(table):
    """What a case weighs changes with every quarter's list, and so do the rates of the provinces, each by an amount of its own."""
    diagnosis, house, *_ = codes_of(table)
    month = table["admit_dt"].to_numpy().astype("datetime64[M]").astype(int) % 12
    quarter = month // 3
    province = table["province_name"].to_pandas().map({name: i for i, name in enumerate(WHERE)}).to_numpy()
    return np.round(WEIGHTS[diagnosis, house, quarter] * RATES[province, quarter], 2)


@pytest.mark.slow
def test_weights_that_change_with_every_list_are_told_from_the_rates_of_places(fit):
    g, table = np.random.default_rng(8), tariff_table(ROWS)
    table = replaced(table, "province_name", names(WHERE, g.integers(0, 20, ROWS)))
    price, dear = by_weight_and_rate(table), g.random(ROWS) < 0.2
    profile = fit(paid_in_full(table, np.where(dear, np.round(price * g.uniform(0.7, 1.6, ROWS), 2), price)))
    (tariff,) = profile.money.tariffs
    rates = np.exp(np.array(tariff.factors[BY + "province_name"]).reshape(20, -1))
    assert np.abs(rates / rates[0] - RATES / RATES[0]).max() < 1e-5
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    off = np.abs(claims["amount_claimed"].to_numpy() - by_weight_and_rate(claims))
    assert 0.7 < np.mean(off < 0.011) < 0.9
