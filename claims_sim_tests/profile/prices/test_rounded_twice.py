"""Prices that are rounded before a ward multiplies them and again after, and such as are rounded once."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.counts.numbers import on_grid_in_turn
from claims_sim.profile.document import Profile
from claims_sim.profile.fitting import money
from claims_sim.profile.prices.rounded_twice import settle_what_is_rounded_first
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, paid_in_full, pick, replaced, tariff_table

ROWS = 20_000
GRID = 100.0
WARDS = np.array([1.0, 1.2, 1.4])


BASES = np.rint(np.exp(np.random.default_rng(52).normal(14.5, 0.5, 150)) / GRID) * GRID
CODES = [DX[14 * code] for code in range(150)]
PLACES = {"ACEH": 1.0, "BALI": 1.013, "JAWA TIMUR": 1.027, "PAPUA": 1.046, "RIAU": 1.061}
CLASSES = {"RS Kelas C": 1.0, "RS Kelas B": 1.117, "RS Khusus Ibu dan Anak": 0.883}


def prices_of(table, twice):
    """What claims of each of `table` cost in each ward."""
    frame = table.select(["dx_primary_code", "province_name", "facility_class"]).to_pandas()
    base = BASES[frame["dx_primary_code"].map({code: i for i, code in enumerate(CODES)})]
    printed = base * frame["province_name"].map(PLACES) * frame["facility_class"].map(CLASSES)
    printed = np.rint(printed / GRID) * GRID if twice else printed
    return np.rint(printed.to_numpy()[:, None] * WARDS / GRID) * GRID


def ward_table(twice=True):
    """Stays cost what their diagnosis, place and class make, to the hundred, times what an untold ward makes, to the hundred again."""
    g = np.random.default_rng(51)
    table = tariff_table(ROWS, seed=6)
    table = replaced(table, "dx_primary_code", [CODES[code] for code in pick(g, 150, ROWS, 0.4).tolist()])
    price = prices_of(table, twice)[np.arange(ROWS), pick(g, 3, ROWS, 0.7)]
    # Drugs that a few are billed besides cost any rupiah.
    price += np.where(g.random(ROWS) < 0.08, g.integers(20_000, 900_000, ROWS), 0)
    table = replaced(table, "service_type", ["RITL"] * ROWS)
    return replaced(paid_in_full(table, price), "los", np.maximum(table["los"].to_numpy(), 1))


@pytest.fixture(scope="module")
def twice(fit):
    return fit(ward_table())


def on_prices(profile, twice=True):
    """The share of drawn claims on the hundred that cost what theirs do in one of the wards."""
    claims = Sampler(profile).draw_claims(2, np.arange(6000))
    claims = claims.filter(pa.array(claims["amount_claimed"].to_numpy() % GRID == 0))
    return np.mean((prices_of(claims, twice) == claims["amount_claimed"].to_numpy()[:, None]).any(1))


def test_a_ward_multiplies_what_is_printed(twice):
    (tariff,) = twice.money.tariffs
    assert tariff.rounded_at is not None
    times = np.exp(np.array(tariff.levels) - tariff.levels[tariff.rounded_at])
    assert times[times > 1.0] == pytest.approx([1.2, 1.4], abs=1e-8)
    assert on_prices(twice) > 0.98


@pytest.mark.slow
def test_without_it_prices_lie_a_step_off(monkeypatch, fit):
    """What is found is what the prices are right by."""
    monkeypatch.setattr(money, "settle_what_is_rounded_first", lambda *_: None)
    profile = fit(ward_table())
    assert all(tariff.rounded_at is None for tariff in profile.money.tariffs)
    assert on_prices(profile) < 0.9


def test_prices_that_are_rounded_once_stay_so(fit):
    profile = fit(ward_table(twice=False))
    assert [tariff.rounded_at for tariff in profile.money.tariffs] == [None]
    assert "rounded_at" not in profile.to_json()
    assert on_prices(profile, twice=False) > 0.98


def test_a_level_that_is_not_there_is_refused(twice):
    at = twice.money.tariffs[0].rounded_at
    with pytest.raises(ProfileError, match="rounded at a level"):
        Profile.from_json(twice.to_json().replace(f'"rounded_at":{at}', '"rounded_at":99'))


def test_prices_in_turn():
    logs, times = np.log([1_234_567.0, 1_234_567.0, 20.0]), np.log([1.0, 1.4, 1.4])
    assert on_grid_in_turn(logs, times, GRID, "as computed").tolist() == [1_234_600.0, 1_728_400.0, 0.0]


@pytest.mark.slow
def test_a_base_that_few_show_stays_as_it_was(monkeypatch, fit):
    """Bases move to what the printed level's claims show only where as many bear it as may be told."""
    caught = []

    def catch(found, primary, population):
        caught.append((replace(found, bases=found.bases.copy(), levels=found.levels.copy()), primary, population))

    monkeypatch.setattr(money, "settle_what_is_rounded_first", catch)
    fit(ward_table())
    found, primary, population = caught[0]
    before = found.bases.copy()
    settle_what_is_rounded_first(found, primary, replace(population, k=10_000))
    assert (found.bases == before).all()
    settle_what_is_rounded_first(found, primary, population)
    assert found.rounded_at >= 0
    assert (found.bases != before).any()
