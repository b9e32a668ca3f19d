"""Where amounts of any size lie: by single columns, by contexts that begin with the diagnosis, by houses, by chapters and operations."""

import numpy as np
import pytest

from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 30_000
ZONES = [f"ZONE {letter}" for letter in "ABCDEF"]


def of_houses_and_operations():
    """Charges of any size: each kind of house of a zone has its own level, and each operation one in every letter of diagnoses."""
    g, w = np.random.default_rng(61), np.random.default_rng(62)
    codes = [f"{letter}{number}{digit}" for letter in "IJKN" for number in (10, 20, 30, 40) for digit in range(4)]
    dx, zone, house, owner, operation = (g.integers(0, size, ROWS) for size in (len(codes), 6, 3, 2, 9))
    of_house, of_operation = w.normal(0, 0.35, (6, 3, 2)), w.normal(0, 0.5, (4, 9))
    log = 14 + of_house[zone, house, owner] + of_operation[dx // 16, operation] + g.normal(0, 0.3, ROWS)
    table = replaced(tariff_table(ROWS), "amount_claimed", np.round(np.exp(log), 2))
    table = replaced(table, "amount_paid", table["amount_claimed"].to_numpy())
    for name, values, chosen in (
        ("province_name", ZONES, zone),
        ("facility_class", ["RS Kelas B", "RS Kelas C", "RS Kelas D"], house),
        ("facility_ownership", ["Pemkab", "Swasta"], owner),
        ("dx_primary_code", codes, dx),
        ("procedure_code", [f"{30 + code}" for code in range(9)], operation),
    ):
        table = replaced(table, name, np.array(values, object)[chosen].tolist())
    return table


@pytest.fixture(scope="module")
def charged(fit):
    table = of_houses_and_operations()
    return fit(table), table


def means_by(table, *names):
    """The mean logarithm of the amounts of each combination."""
    keys = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    distinct = sorted(set(keys))
    cells = np.array([distinct.index(key) for key in keys])
    return np.bincount(cells, np.log(table["amount_claimed"].to_numpy())) / np.bincount(cells)


def test_houses_and_operations_of_chapters_cost_what_they_do(charged):
    profile, table = charged
    table = table.append_column("letter", [[code[0] for code in table["dx_primary_code"].to_pylist()]])
    drawn = Sampler(profile).draw_claims(4, np.arange(ROWS))
    drawn = drawn.append_column("letter", [[code[0] for code in drawn["dx_primary_code"].to_pylist()]])
    for names in (("province_name", "facility_class", "facility_ownership"), ("letter", "procedure_code")):
        real, ours = means_by(table, *names), means_by(drawn, *names)
        assert np.std(real) > 0.25
        assert np.std(ours - real) < 0.25 * np.std(real)


def test_further_means_are_of_enough_persons_and_survive_storing(charged):
    profile, _ = charged
    further = profile.money.means.further
    assert {name for nested in further for name in nested.parents} >= {"facility_class", "dx_group", "procedure_code"}
    assert Profile.from_json(profile.to_json()) == profile
    assert all(len(nested.levels) == len(nested.parents) + 1 for nested in further)


def test_where_single_columns_say_all_there_are_no_further_means(tariff_profile):
    assert tariff_profile.money.means.further == ()
    assert '"further"' not in tariff_profile.to_json()
