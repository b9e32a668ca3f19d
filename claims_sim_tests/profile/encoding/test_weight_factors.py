"""Weights of strata: what a place, a class, a service and a month of the year multiply them by, told where no stratum may be."""

import json

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.encoding.weight_factors import decimals_of, find_weight_factors, made_weights
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 12_000
PLACES = {"ZONE A": 18.4, "ZONE B": 31.7, "ZONE C": 27.9, "ZONE D": 44.2}
CLASSES = {"RS Kelas A": 0.61, "RS Kelas B": 0.83, "RS Kelas C": 1.0}
SERVICES = {"RJTL": 1.0, "RITL": 0.42}


def strata_weights(places, kinds, services, months, spoiled=0.0):
    """The weights of claims, to four decimals; this share of the houses' are others."""
    product = np.array([PLACES[one] for one in places]) * np.array([CLASSES[one] for one in kinds])
    product = product * np.array([SERVICES[one] for one in services])
    return np.round(product * (1 + 0.06 * np.sin(np.asarray(months) / 12 * 2 * np.pi)) * (1 + spoiled), 4)


def sample_table(spoiled_houses=0):
    """Of class A each zone has one house; of the others it has four each."""
    g = np.random.default_rng(71)
    table = tariff_table(ROWS, seed=9)
    zone, kind = g.integers(0, 4, ROWS), g.choice(3, ROWS, p=[0.1, 0.4, 0.5])
    house = np.where(kind == 0, zone, 4 + 16 * (kind - 1) + 4 * zone + g.integers(0, 4, ROWS))
    places, kinds = (np.array([*names], object)[codes] for names, codes in ((PLACES, zone), (CLASSES, kind)))
    months = table["admit_dt"].to_numpy().astype("datetime64[M]").astype(int) % 12
    spoiled = np.where(house >= 36 - spoiled_houses, 0.31, 0.0)
    weight = strata_weights(places, kinds, table["service_type"].to_pylist(), months, spoiled)
    for name, values in (("province_name", places.tolist()), ("facility_class", kinds.tolist()),
                         ("facility_ownership", ["Pemkab"] * ROWS), ("facility_id", [f"H{one}" for one in house]),
                         ("claim_weight", weight)):  # fmt: skip
        table = replaced(table, name, values)
    return table


@pytest.fixture(scope="module")
def profile(fit):
    return fit(sample_table(spoiled_houses=1))


def of_their_strata(claims):
    frame = claims.to_pandas()
    months = frame["admit_dt"].dt.month - 1
    wanted = strata_weights(frame["province_name"], frame["facility_class"], frame["service_type"], months)
    return np.abs(frame["claim_weight"] - wanted) < 1.5e-4


def test_every_stratum_has_its_weight_also_where_it_is_one_house(profile):
    assert set(profile.money.weight_factors.logs) == {
        "province_name",
        "facility_class",
        "service_type",
        "calendar_month",
    }
    sampler, rows = Sampler(profile), np.arange(8000)
    claims = sampler.draw_claims(4, rows)
    assert "RS Kelas A" in claims["facility_class"].to_pylist()
    assert of_their_strata(claims).all()
    given = claims.drop_columns(["claim_weight"])
    weights = sampler.draw_extra(9, rows, given)["claim_weight"].to_numpy()
    assert of_their_strata(given.append_column("claim_weight", pa.array(weights))).all()


def test_a_place_of_one_house_has_no_factor(fit):
    """All of zone D is one house: what its weights are multiplied by would tell that house's."""
    table = sample_table()
    houses = np.array(table["facility_id"].to_pylist(), object)
    houses[np.array(table["province_name"].to_pylist()) == "ZONE D"] = "H99"
    profile = fit(replaced(table, "facility_id", houses.tolist()))
    factors = profile.money.weight_factors.logs["province_name"]
    told = dict(zip(profile.vocabularies["province_name"], factors, strict=False))
    assert told.get("ZONE D") is None
    assert told["ZONE A"] is not None


def found(weight, columns, k=11):
    return find_weight_factors(weight, columns, Population(len(weight), k, np.arange(len(weight)) + 1, None))


def columns_of(rows=6000, sizes=(5, 4, 12)):
    g = np.random.default_rng(72)
    return {f"column {i}": g.integers(0, size, rows).astype(np.int32) for i, size in enumerate(sizes)}


def test_weights_of_persons_and_of_strata_that_are_no_products_have_none():
    columns, g = columns_of(), np.random.default_rng(73)
    one, other, _ = columns.values()
    assert found(np.round(g.lognormal(2, 0.5, 6000), 4), columns) is None
    assert found(np.round(g.lognormal(2, 0.5, 20), 4)[one * 4 + other], columns) is None
    assert found(np.round(g.lognormal(2, 0.5, 5), 4)[one], columns) is None  # so few are told one by one


def test_what_says_nothing_is_left_out_and_a_value_of_few_is_not_told():
    columns = columns_of()
    one, other, third = columns.values()
    one[:5] = 5
    factors = np.array([1.0, 1.7, 2.9, 3.3, 4.1, 9.9])[one] * np.array([1.0, 0.8, 0.61, 0.37])[other]
    factors = np.round(factors * np.array([1, 1.01, 1.03])[third % 3], 4)
    both = found(factors, columns | {"noise": np.random.default_rng(74).integers(0, 40, 6000).astype(np.int32)})
    assert set(both.logs) == set(columns)
    assert np.isnan(both.logs["column 0"]).tolist() == [False] * 5 + [True]
    made = made_weights(both.logs, columns, 6000, both.step)
    assert np.isnan(made[:5]).all()
    assert made[5:] == pytest.approx(factors[5:], abs=1.1 * both.step)


def test_odd_weights():
    columns = columns_of(200)
    for weight in (np.full(200, np.nan), np.zeros(200), np.full(200, 3.5), np.r_[np.nan, np.full(199, 1e300)]):
        assert found(weight, columns) is None
    assert found(np.ones(200), {}) is None
    assert [decimals_of(np.array(one)) for one in ([1.0, 2.0], [1.25], [0.1234567], [np.nan])] == [0, 2, 6, 0]


def test_what_crosses_counts_them_and_a_profile_that_lacks_what_they_are_of_is_none(profile):
    numbers = dict(describe_crossing(profile).money)
    assert numbers["factors of weights"] == sum(map(len, profile.money.weight_factors.logs.values()))
    document = profile.to_json()
    with pytest.raises(ProfileError, match="weights follow from nothing"):
        Profile.from_json(document.replace('"logs":{"calendar_month"', '"logs":{"nothing"'))


@pytest.mark.slow
def test_weights_that_are_nearly_all_one_or_that_sum_to_one(fit):
    g = np.random.default_rng(75)
    table = sample_table()
    nearly = np.where(g.random(ROWS) < 0.03, np.round(g.choice(np.linspace(2, 9, 40), ROWS), 2), 1.0)
    assert fit(replaced(table, "claim_weight", nearly)).money.weight_factors is None
    small = table["claim_weight"].to_numpy() / table["claim_weight"].to_numpy().sum()
    profile = fit(replaced(table, "claim_weight", small))
    drawn = Sampler(profile).draw_claims(4, np.arange(4000))["claim_weight"].to_numpy()
    assert drawn.mean() == pytest.approx(small.mean(), rel=0.05)
    assert len(np.unique(drawn)) > 0.5 * len(np.unique(np.round(small, 9)))


def test_only_claims_whose_weight_it_makes_show_what_a_value_multiplies_by():
    """In district 7 forty persons' weights are others; it would be known by one person's alone, who is most often there."""
    rows, g = 30_000, np.random.default_rng(76)
    district, kind = g.integers(0, 40, rows).astype(np.int32), g.integers(0, 12, rows).astype(np.int32)
    there = np.flatnonzero(district == 7)
    district[there[290:]] = 8
    hers, others = there[:250], there[250:290]
    of_district, of_kind = np.exp(g.normal(4, 0.6, 40)), np.exp(g.normal(0, 0.4, 12))
    weight = np.round(of_district[district] * of_kind[kind], 2)
    weight[others] = np.round(weight[others] * np.where(np.arange(40) % 2, 1.25, 0.8), 2)
    persons, houses = np.arange(1, rows + 1), g.integers(1, 400, rows)
    persons[hers], houses[hers], houses[others] = persons[hers[0]], 500, 501 + np.arange(40) % 5
    population = Population(rows, 11, persons, houses)
    told = find_weight_factors(weight, {"district_name": district, "facility_class": kind}, population)
    assert np.isnan(told.logs["district_name"]).nonzero()[0].tolist() == [7]


def test_a_rate_and_factors_at_once_are_refused(profile):
    document = json.loads(profile.to_json())
    document["money"]["weight_rate"] = {"amount": "amount_claimed", "grid": 0.01}
    document["tables"]["weight_rate"] = document["tables"]["claim_weight"] | {"name": "weight_rate"}
    document["bins"]["weight_rate"] = document["bins"]["claim_weight"]
    with pytest.raises(ProfileError, match="a rate and from factors"):
        Profile.from_json(json.dumps(document))
