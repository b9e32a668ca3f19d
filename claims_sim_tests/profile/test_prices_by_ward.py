"""Prices of wards: lists that change for each ward by a share of its own, one price of a day for all, and factors of a service."""

import numpy as np
import pytest

from claims_sim.profile.document import BY
from claims_sim_tests.profile.tables import DX, names, pick, replaced, tariff_table
from claims_sim_tests.profile.test_price_periods import ROWS, codes_of, paid_in_full, priced

WARDS = ("ringan", "sedang", "berat")
CLASSES = ("RS Kelas C", "RS Kelas B", "RS Khusus Ibu dan Anak")


def factor(tariff, profile, name, values):
    """What each of `values` multiplies prices by, beside the first of them; in each period, where there are some."""
    logs = np.array(tariff.factors[name]).reshape(len(profile.vocabularies[name.removeprefix(BY)]), -1)
    at = [profile.vocabularies[name.removeprefix(BY)].index(value) for value in values]
    return np.exp(logs[at] - logs[at[0], 0])


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
