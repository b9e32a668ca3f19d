"""Prices of wards: lists that change for each ward by a share of its own, one price of a day for all, and factors of a service."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.document_parts import BY
from claims_sim_tests.profile.prices.test_price_periods import ROWS, codes_of, paid_in_full, priced
from claims_sim_tests.profile.tables import DX, names, pick, replaced, tariff_table

WARDS = ("ringan", "sedang", "berat")
CLASSES = ("RS Kelas C", "RS Kelas B", "RS Khusus Ibu dan Anak")


def factor(tariff, profile, name, values):
    """What each of `values` multiplies prices by, beside the first of them; in each period, where there are some."""
    logs = np.array(tariff.factors[name]).reshape(len(profile.vocabularies[name.removeprefix(BY)]), -1)
    at = [profile.vocabularies[name.removeprefix(BY)].index(value) for value in values]
    return np.exp(logs[at] - logs[at[0], 0])


@pytest.mark.slow
def test_wards_rise_by_shares_of_their_own_beside_owners(fit):
    """Owners that raise their prices, and wards that do."""
    of_owner, of_ward = (
        np.array([[1.0, 1.031], [1.2, 1.284], [0.9, 0.914]]),
        np.array([[1.0, 1.1], [1.5, 1.8], [3, 6.0]]),
    )
    base = np.rint(np.random.default_rng(7).lognormal(13, 0.6, (12, 3)) / 1000) * 1000
    ward = np.random.default_rng(8).choice(3, ROWS, p=[0.86, 0.09, 0.05])
    table = priced(lambda dx, house, owner, later: np.rint(base[dx, house] * of_owner[owner, later]))
    later, price = codes_of(table)[3], table["amount_claimed"].to_numpy()
    table = replaced(table, "severity_group", names(WARDS, ward))
    profile = fit(paid_in_full(table, np.rint(price * of_ward[ward, later])))
    (tariff,) = profile.money.tariffs
    wards, owners = (factor(tariff, profile, BY + name, values) for name, values in
                     (("severity_group", WARDS), ("facility_ownership", ("Pemkab", "Swasta", "TNI"))))  # fmt: skip
    assert wards[:, 0] == pytest.approx(of_ward[:, 0], abs=2e-3)
    assert owners[:, 0] == pytest.approx(of_owner[:, 0], abs=2e-3)
    rise = wards[:, 1:] / wards[:, :1] * (owners[0, 1] / owners[0, 0])
    assert rise[:, 0] == pytest.approx(of_ward[:, 1] / of_ward[:, 0] * 1.031, abs=4e-3)


@pytest.mark.slow
def test_what_one_price_of_all_is_multiplied_by_is_found(fit):
    """A visit costs the same whatever it is for, by class and owner, and more in some houses, which no column tells."""
    g, table = np.random.default_rng(3), tariff_table(ROWS)
    kind, owner = pick(g, 3, ROWS), pick(g, 2, ROWS)
    hidden = np.array([1.0, 1.1, 1.15, 1.2, 1.3])[pick(g, 5, ROWS)]
    price = np.rint(48_700 * np.array([1.0, 1.117, 0.883])[kind] * np.array([1.0, 1.041])[owner] * hidden)
    table = replaced(table, "facility_class", names(CLASSES, kind))
    table = replaced(table, "facility_ownership", names(("Pemkab", "Swasta"), owner))
    profile = fit(paid_in_full(table, price))
    (tariff,) = profile.money.tariffs
    assert np.exp(sorted(tariff.levels)) == pytest.approx([1.0, 1.1, 1.15, 1.2, 1.3], abs=1e-3)
    assert factor(tariff, profile, "facility_class", CLASSES)[:, 0] == pytest.approx([1, 1.117, 0.883], abs=1e-3)


@pytest.mark.slow
def test_a_service_whose_own_prices_do_not_show_a_factor_has_that_of_all(fit):
    """In hospital what is added depends on what the case is and where; visits show what the class does."""
    g, table = np.random.default_rng(4), tariff_table(2 * ROWS)
    dx, kind, rows = pick(g, 60, 2 * ROWS), pick(g, 3, 2 * ROWS), 2 * ROWS
    stays = g.random(rows) < 0.4
    usual = g.integers(0, 5, (60, 3))[dx, kind]
    level = np.where(g.random(rows) < 0.5, usual, g.integers(0, 5, rows))
    base = np.rint(g.lognormal(13, 0.6, (2, 60)) / 100)[stays.astype(int), dx] * 100
    of_class, added = np.array([1.0, 1.117, 0.883])[kind], np.array([1.0, 1.1, 1.15, 1.21, 1.3])
    price = np.rint(base * of_class * np.where(stays, added[level], 1.0))
    for name, values in (
        ("facility_class", names(CLASSES, kind)),
        ("service_type", names(("RJTL", "RITL"), stays.astype(int))),
        ("severity_group", names(WARDS, np.zeros(rows, int))),
        ("dx_primary_code", names(DX[::30][:60], dx)),
    ):
        table = replaced(table, name, values)
    profile = fit(paid_in_full(table, price))
    for tariff in profile.money.tariffs:
        assert factor(tariff, profile, "facility_class", CLASSES)[:, 0] == pytest.approx([1, 1.117, 0.883], abs=1e-3)
    assert len(profile.money.tariffs) == 2


def by_ward_and_service(rows=24_000):
    """Visits and stays priced apart, each with rises of wards; the prices, and which claims are of grave stays after the change."""
    g, table = np.random.default_rng(11), tariff_table(rows)
    dx, house, _, later = codes_of(replaced(table, "facility_ownership", names(("Pemkab",), np.zeros(rows, int))))
    stay = (np.array(table["service_type"].to_pylist()) == "RITL").astype(int)
    ward = g.choice(3, rows, p=[0.8, 0.12, 0.08])
    rise = np.array([[[1, 1.1], [1.5, 1.8], [3, 6.0]], [[1, 1.13], [1.3, 1.41], [2.2, 2.9]]])
    class_ = np.array([[1, 1.31, 0.77], [1, 1.117, 0.883]])
    base = np.rint(np.random.default_rng(7).lognormal(13, 0.6, (2, 12)) / 1000) * 1000
    price = np.rint(base[stay, dx] * class_[stay, house] * rise[stay, ward, later])
    return replaced(table, "severity_group", names(WARDS, ward)), price, (stay == 1) & (ward == 2) & (later == 1)


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(("whose", "told"), [("one person", False), ("one facility", False), ("many", True)])
def test_a_wards_rise_of_stays_is_told_of_stays_and_not_since_visits_have_many(fit, whose, told):
    table, price, cell = by_ward_and_service()
    its = np.flatnonzero(cell)[:120]
    price[its] = np.rint(price[its] / 2.9 * 2.2 * 1.777)
    rows = np.arange(len(price))
    if whose == "one person":
        person = np.array(table["patient_id_hash"].to_pylist(), object)
        person[its] = "ONE"
        table = replaced(table, "patient_id_hash", person.tolist())
    if whose == "one facility":
        table = table.append_column("facility_id", names([f"RS{i}" for i in range(12)], np.where(cell, 0, rows % 12)))
    profile = fit(paid_in_full(table, price).filter(pa.array(~cell | np.isin(rows, its))))
    visits = profile.vocabularies["service_type"].index("RJTL")
    stays = [tariff for tariff in profile.money.tariffs if visits not in tariff.contexts[:: len(tariff.parents)]]
    found = [np.exp(tariff.factors[name]) for tariff in stays for name in tariff.factors if "severity" in name]
    ratios = [float(one) / float(other) for values in found for one in values for other in values]
    assert any(abs(ratio - 1.777) < 0.01 for ratio in ratios) == told


@pytest.mark.parametrize("others_on_list", [False, True])
def test_a_factor_is_told_of_those_on_the_list_and_not_of_one_person_among_others(fit, others_on_list):
    """Most grave cases are one person's; the others' amounts are on no list, or on the same."""
    g, table = np.random.default_rng(8), tariff_table(ROWS)
    ward = g.choice(3, ROWS, p=[0.86, 0.11, 0.03])
    dx, house, _, _ = codes_of(replaced(table, "facility_ownership", names(("Pemkab",), np.zeros(ROWS, int))))
    base = np.rint(np.random.default_rng(7).lognormal(13, 0.6, (12, 3)) / 1000) * 1000
    price = base[dx, house] * np.array([1, 1.5, 7.77])[ward]
    grave = np.flatnonzero(ward == 2)
    hers, theirs = grave[: 7 * len(grave) // 10], grave[7 * len(grave) // 10 :]
    person = np.array(table["patient_id_hash"].to_pylist(), object)
    person[hers] = "ONE"
    if not others_on_list:
        price[theirs] = np.rint(g.lognormal(13, 1, len(theirs)))
    table = replaced(replaced(table, "severity_group", names(WARDS, ward)), "patient_id_hash", person.tolist())
    (tariff,) = fit(paid_in_full(table, price)).money.tariffs
    assert any(abs(np.exp(log) - 7.77) < 0.05 for log in tariff.factors["severity_group"]) == others_on_list
