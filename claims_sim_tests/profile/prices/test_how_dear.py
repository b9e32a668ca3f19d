"""How dear a claim is for its case: what tells it in all cases together is drawn in those, too, that hold few such claims."""

import numpy as np
import pytest
from pydantic import ValidationError

from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import DEAR_BANDS
from claims_sim.profile.prices.how_dear import AS_USUAL, above_mean, band_of, nearest_places
from claims_sim.profile.prices.pricing import PriceLists
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, pick, replaced, tariff_table

ROWS = 24_000
SHORT = 0.4
"""What part of its case's price a stay of a day costs, in two cases of three."""


@pytest.fixture(scope="module")
def stays():
    """Stays of 120 diagnoses, each with two prices that no column tells, one of them rarer here and there; one in ten is of a day, and
    cheap then in two diagnoses of three.
    """
    g, table = np.random.default_rng(12), tariff_table(ROWS)
    dx = pick(g, 120, ROWS)
    price = np.random.default_rng(13).lognormal(14, 0.5, 120)[dx]
    days = np.where(g.random(ROWS) < 0.1, 1, 2 + g.poisson(3, ROWS))
    dear = g.random(ROWS) < np.random.default_rng(14).random(120)[dx]
    times = np.random.default_rng(15).uniform(1.15, 3.0, 120)[dx]
    amounts = np.rint(price * np.where(dear, times, 1.0) * np.where((days == 1) & (dx % 3 > 0), SHORT, 1.0) / 100) * 100
    admit = table["admit_dt"].to_numpy().astype("datetime64[D]")
    for name, values in (
        ("service_type", ["RITL"] * ROWS),
        ("severity_group", ["ringan"] * ROWS),
        ("procedure_code", ["9904"] * ROWS),
        ("dx_primary_code", [DX[11 * code] for code in dx.tolist()]),
        ("los", days),
        ("discharge_dt", admit + days),
        ("amount_claimed", amounts),
        ("amount_paid", amounts),
    ):
        table = replaced(table, name, values)
    return table


@pytest.fixture(scope="module")
def profile(fit, stays):
    return fit(stays)


def how_dear_stays_of_a_day_are(table, codes):
    """The mean logarithm of how many times its diagnosis' mean price a stay of a day costs, of diagnoses with `codes`."""
    dx, los = np.array(table["dx_primary_code"].to_pylist()), table["los"].to_numpy()
    logs = np.log(table["amount_claimed"].to_numpy())
    _, of = np.unique(dx, return_inverse=True)
    mean = np.bincount(of, logs * (los > 1)) / np.bincount(of, los > 1)
    at = np.isin(dx, codes) & (los == 1)
    return float((logs - mean[of])[at].mean())


def test_stays_of_a_day_cost_less_where_their_case_has_too_few_of_them_too(profile, stays):
    dx = np.array(stays["dx_primary_code"].to_pylist())
    codes, count = np.unique(dx[stays["los"].to_numpy() == 1], return_counts=True)
    rare = [code for code, claims in zip(codes, count, strict=True) if claims < profile.k and DX.index(code) % 3 > 0]
    assert len(rare) > 40
    claims = Sampler(profile).draw_claims(3, np.arange(2 * ROWS))
    real, drawn = (how_dear_stays_of_a_day_are(table, rare) for table in (stays, claims))
    assert real == pytest.approx(np.log(SHORT), abs=0.1)
    assert drawn < 0.7 * real


def test_prices_of_one_case_are_what_they_were(profile, stays):
    """That a price is chosen by how dear it is makes no new ones."""
    claims = Sampler(profile).draw_claims(3, np.arange(ROWS))
    real, drawn = (
        list(zip(table["dx_primary_code"].to_pylist(), table["amount_claimed"].to_pylist(), strict=True))
        for table in (stays, claims)
    )
    known = set(real)
    assert np.mean([pair in known for pair in drawn]) > 0.9


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda tables: tables.pop("amount_kind"), id="nothing that it is of"),
        pytest.param(lambda tables: tables.pop("amount_kind_of_few"), id="nothing for few"),
        pytest.param(lambda tables: tables["amount_kind"].update(size=20), id="other kinds"),
    ],
)
def test_a_document_whose_kinds_do_not_fit_is_refused(profile, change):
    document = profile.model_dump(mode="json")
    assert {"amount_kind", "amount_kind_of_few"} <= document["tables"].keys()
    change(document["tables"])
    with pytest.raises(ValidationError, match="the table amount_kind does not fit"):
        Profile.model_validate(document)


@pytest.mark.slow
def test_how_dear_claims_are_is_told_only_where_it_is_told_by_more_than_their_case(fit, stays):
    """With prices that days have no part in there is nothing to tell, nor where hardly any price is but the usual one of its case; and
    wards that no column tells would but be told apart.
    """
    days = np.where(np.arange(ROWS) % 2 == 0, 3, 4)
    admit = stays["admit_dt"].to_numpy().astype("datetime64[D]")
    table = replaced(replaced(stays, "los", days), "discharge_dt", admit + days)
    assert "amount_kind" not in fit(table).tables
    price = np.random.default_rng(13).lognormal(14, 0.5, 120)
    _, of = np.unique(stays["dx_primary_code"].to_pylist(), return_inverse=True)
    usual = np.rint(price[of] / 100) * 100
    assert "amount_kind" not in fit(replaced(replaced(stays, "amount_claimed", usual), "amount_paid", usual)).tables
    ward = np.random.default_rng(16).choice([1.0, 1.37, 1.9], ROWS)
    of_wards = np.rint(stays["amount_claimed"].to_numpy() * ward / 100) * 100
    assert (
        "amount_kind" not in fit(replaced(replaced(stays, "amount_claimed", of_wards), "amount_paid", of_wards)).tables
    )


def test_bands_are_about_the_mean_of_a_cases_prices():
    bases, start = np.log([100.0, 40.0, 250.0, 7.0]), np.array([0, 3, 3, 4])
    above = above_mean(bases, start)
    assert above[:3] == pytest.approx(np.log([1.0, 0.4, 2.5]), abs=1e-12)
    assert band_of(above).tolist() == [AS_USUAL, 1, DEAR_BANDS - 2, AS_USUAL]


def test_the_nearest_price_of_a_case_is_by_point_and_hidden_level():
    start, levels = np.array([0, 3, 4]), np.log([1.0, 1.4])
    above = np.log([1.0, 0.4, 2.5, 1.0])
    case, band = np.array([0, 0, 0, 1, 1], np.int32), np.array([0, AS_USUAL, DEAR_BANDS - 2, AS_USUAL, 8], np.int32)
    point, level = nearest_places(above, start, levels, case, band)
    assert point.tolist() == [1, 0, 2, 0, 0]
    assert level.tolist() == [0, 0, 0, 0, 1]


def test_a_price_that_is_as_dear_as_it_should_be_is_left_and_others_are_moved(profile):
    money = profile.money
    lists = PriceLists(money.tariffs, profile.amount_grid, money.ceiling)
    (tariff,) = money.tariffs
    several = int(np.argmax(tariff.points))
    names = dict(zip(tariff.parents, tariff.contexts[several * len(tariff.parents) :], strict=False))
    points = tariff.points[several]
    given = {name: np.full(points + 1, code, np.int32) for name, code in names.items()}
    given |= {name: np.zeros(points + 1, np.int32) for name in tariff.factors}
    code = (np.append(np.arange(points), 10_000) * lists.levels).astype(np.int32)
    starts = np.r_[0, np.cumsum(tariff.points)]
    bands = band_of(above_mean(np.array(tariff.bases), starts))[starts[several] : starts[several + 1]]
    assert len(set(bands.tolist())) > 1
    first = np.flatnonzero(bands == bands[-1])[0]
    moved = lists.as_dear(given, code, np.append(bands, bands[-1]).astype(np.int32))
    assert moved[:-1].tolist() == code[:-1].tolist()
    assert bands[moved[-1] // lists.levels] == bands[first]
    assert lists.as_dear(given, code, np.full(points + 1, DEAR_BANDS, np.int32)).tolist() == code.tolist()
    # A point that the case lacks is no price of it, though it be one of the next case that is as dear for that.
    of_next = band_of(above_mean(np.array(tariff.bases), starts))[starts[several + 1]]
    one = {name: codes[:1] for name, codes in given.items()}
    lacked = np.array([points * lists.levels], np.int32)
    assert lists.as_dear(one, lacked, np.array([of_next], np.int32))[0] // lists.levels < points


@pytest.mark.slow
def test_amounts_by_name_are_drawn_as_often_beside_prices_by_how_dear_they_are(fit, stays):
    """One stay in ten costs one of sixty amounts that have nothing to do with its case."""
    g = np.random.default_rng(17)
    fees = np.rint(np.exp(g.uniform(12, 15, 60))) + 0.5
    amounts = np.where(g.random(ROWS) < 0.1, fees[g.integers(0, 60, ROWS)], stays["amount_claimed"].to_numpy())
    profile = fit(replaced(replaced(stays, "amount_claimed", amounts), "amount_paid", amounts))
    assert {"amount_kind_of_few", "shared_amount"} <= profile.tables.keys()
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))["amount_claimed"].to_numpy()
    assert np.isin(drawn, fees).mean() == pytest.approx(np.isin(amounts, fees).mean(), abs=0.02)
