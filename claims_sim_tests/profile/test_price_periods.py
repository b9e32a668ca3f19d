"""Price lists that change: from which month on, for whom by how much, and what claims without a date cost."""

import numpy as np
import pyarrow.compute as pc
import pytest

from claims_sim.profile.document import BY, PERIOD, Profile
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import names, pick, replaced, tariff_table

ROWS = 12_000
CHANGE = np.datetime64("2024-07-01")
OWNERS = ("Pemkab", "Swasta", "TNI")


def priced(price_of, rows=ROWS, seed=5):
    """A year's claims of twelve diagnoses, three classes and three owners, at `price_of(diagnosis, class, owner, later)`."""
    g, table = np.random.default_rng(seed), tariff_table(rows)
    table = replaced(table, "facility_ownership", names(OWNERS, pick(g, 3, rows)))
    return paid_in_full(table, price_of(*codes_of(table)))


def paid_in_full(table, price):
    return replaced(replaced(table, "amount_claimed", price), "amount_paid", price)


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
    rise = np.array([[1.0, 1.031], [1.0, 1.07], [1.0, 1.0]])
    return np.rint(base[diagnosis, house] * rise[owner, later])


def right(claims, price_of):
    return float(np.mean(np.abs(claims["amount_claimed"].to_numpy() - price_of(*codes_of(claims))) < 0.5))


@pytest.fixture(scope="module")
def changed(fit):
    return fit(priced(of_each_case))


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


def test_owners_who_raise_their_prices_by_shares_of_their_own_share_one_list(fit):
    profile = fit(priced(of_each_owner))
    (tariff,) = profile.money.tariffs
    found = np.exp(np.array(tariff.factors[BY + "facility_ownership"]).reshape(-1, 2))
    owners = [profile.vocabularies["facility_ownership"].index(name) for name in OWNERS]
    assert found[owners, 1] / found[owners, 0] == pytest.approx([1.031, 1.07, 1.0], abs=1e-3)
    assert PERIOD not in tariff.parents
    assert right(Sampler(profile).draw_claims(1, np.arange(ROWS)), of_each_owner) > 0.97
    assert Profile.from_json(profile.to_json()) == profile


def test_where_no_price_changes_the_profile_knows_of_no_period(tariff_profile):
    assert all(tariff.periods == () for tariff in tariff_profile.money.tariffs)
    assert "periods" not in tariff_profile.to_json()


@pytest.mark.parametrize(("changing", "told"), [((0,), False), ((0, 1, 2), True)])
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
    ],
)
def test_a_file_whose_periods_do_not_fit_is_refused(changed, change, told):
    document = changed.model_dump(mode="json")
    document["money"]["tariffs"][0] |= change
    with pytest.raises(ValueError, match=told):
        Profile.model_validate(document)
