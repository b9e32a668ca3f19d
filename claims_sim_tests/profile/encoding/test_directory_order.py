"""Whether houses of one owner or of one province join first: as their prices say, or else how dear they are; never those dealt out."""

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.encoding import dealing
from claims_sim.profile.encoding.dealing import deal_out_facilities
from claims_sim.profile.encoding.directory_order import OWNER, PLACE, owner_comes_first
from claims_sim.profile.encoding.encode import population_of
from claims_sim_tests.profile.encoding.test_directory import with_columns
from claims_sim_tests.profile.tables import tariff_table

PROVINCES = ("ACEH", "BALI", "BANTEN", "JAMBI", "LAMPUNG", "MALUKU", "PAPUA", "RIAU")
OWNERS = ("Pemkab", "Swasta")
HOUSES, ROWS = 80, 16_000
BASES = np.array([150_000, 205_500, 281_600, 385_700, 528_400, 724_000])


def houses_of(count=HOUSES):
    """The province and the owner of each house, evenly; houses that no other is like come behind them."""
    return np.arange(count) % 8, np.arange(count) // 8 % 2


def claims(count=HOUSES, *, by_place=0.0, by_owner=0.0, own=0.1):
    """Houses, cases and amounts of any size: a province or an owner makes claims dearer by so much, a house of its `own`, too."""
    g = np.random.default_rng(91)
    place, owner = houses_of(count)
    house, case = g.integers(0, count, ROWS), g.integers(0, 6, ROWS)
    dear = by_place * (place % 4) + by_owner * owner + g.normal(0, own, count)
    return house, case, np.round(BASES[case] * np.exp(dear[house] + g.normal(0, 0.5, ROWS)), 2)


def decide(house, case, *amounts, alone=None, count=HOUSES, person=None):
    place, owner = (codes[house].astype(np.int32) for codes in houses_of(count))
    columns = {"facility_class": np.zeros(ROWS, np.int32), PLACE: place, OWNER: owner}
    population = Population(ROWS, 11, np.arange(ROWS) + 1 if person is None else person, house + 1)
    alone = np.arange(ROWS) if alone is None else alone
    return owner_comes_first(columns, alone, [case.astype(np.int32)], amounts, population)


@pytest.mark.parametrize(
    ("by_place", "by_owner", "owner_first"),
    [(0.0, 0.3, True), (0.0, 0.08, True), (0.2, 0.1, False), (0.0, 0.0, False), (0.2, 0.5, False), (0.05, 0.5, True)],
)
def test_the_owner_comes_first_where_it_tells_clearly_more_of_how_dear_houses_are(by_place, by_owner, owner_first):
    house, case, amount = claims(by_place=by_place, by_owner=by_owner)
    assert decide(house, case, amount) == owner_first


@pytest.mark.parametrize("of_owner", [True, False])
def test_prices_say_it_where_there_are_any_whatever_makes_houses_dearer(of_owner):
    """Half of the claims bear a price of the province or of the owner; the other half are dearer by the other one."""
    house, case, amount = claims(**{"by_place" if of_owner else "by_owner": 0.5})
    g, (place, owner) = np.random.default_rng(92), houses_of()
    factor = np.array([1.0, 1.05])[owner] if of_owner else 1 + place / 100
    priced = np.rint(BASES[case] * factor[house] / 100) * 100
    assert decide(house, case, np.where(g.random(ROWS) < 0.5, priced, amount)) == of_owner


def test_what_one_house_bills_again_and_again_is_no_price():
    """Each house of a province has bills of its own that are all equal; claims of two houses are not."""
    house, case, _ = claims()
    g, (_, owner) = np.random.default_rng(93), houses_of()
    own = np.round(BASES[:, None] * np.exp(0.3 * owner + g.normal(0, 0.1, (6, HOUSES))), 2)
    assert decide(house, case, own[case, house])


def test_few_houses_decide_nothing():
    house, case, amount = claims(24, by_owner=0.5)
    assert not decide(house, case, amount, count=24)


def test_claims_of_nothing_and_without_an_amount_say_nothing():
    house, case, amount = claims(by_owner=0.3)
    paid = amount.copy()
    paid[::3], paid[1::3] = 0.0, np.nan
    assert decide(house, case, paid)
    assert not decide(house, case, np.full(ROWS, np.nan))
    assert not decide(house, case)


def test_only_claims_of_kinds_that_stand_alone_decide():
    house, case, amount = claims(by_owner=0.3)
    dealt = house < 40
    alone = np.flatnonzero(~dealt)
    amount[dealt] *= np.where(houses_of()[0][house[dealt]] > 3, 3.0, 1.0)
    assert decide(house, case, amount, alone=alone)
    assert not decide(house, case, amount)


def test_no_persons_many_claims_decide():
    """She has ten claims in every house of the one owner, each of a hundred times what it costs."""
    house, case, amount = claims()
    hers = np.concatenate([np.flatnonzero(house == one)[:10] for one in np.flatnonzero(houses_of()[1] == 1)])
    amount[hers] *= 100.0
    person = np.arange(ROWS) + 1
    assert decide(house, case, amount, person=person)
    person[hers] = 1
    assert not decide(house, case, amount, person=person)


@pytest.mark.parametrize("by_owner", [0.0, 0.3])
def test_no_single_house_decides(by_owner):
    house, case, amount = claims(by_owner=by_owner)
    for one in (0, 79):
        far = np.where(house == one, amount * 200, amount)
        assert decide(house, case, far) == decide(house, case, amount)


def table(order=(0, 1, 2, 3)):
    """Houses of which owners tell how dear they are, and four of another class, one in each province; `order` says whose is which."""
    house, case, amount = claims(84, by_owner=0.4)
    place, owner = houses_of(84)
    place[80:], owner[80:] = (0, 1, 2, 3), (0, 0, 1, 1)
    amount = np.where(house >= 80, np.round(amount * (house - 78), 2), amount)
    borne = np.r_[np.arange(80), 80 + np.array(order)][house]
    return with_columns(
        tariff_table(ROWS, seed=9),
        {
            "facility_id": [f"H{i}" for i in house],
            "province_name": np.array(PROVINCES, object)[place[borne]].tolist(),
            "facility_class": np.where(house >= 80, "RS Kelas A", "RS Kelas B").tolist(),
            "facility_ownership": np.array(OWNERS, object)[owner[borne]].tolist(),
            "dx_primary_code": [f"A{i:02d}" for i in case],
            "service_type": ["RITL"] * ROWS,
            "amount_claimed": amount,
            "amount_paid": amount,
        },
    )  # fmt: skip


def test_the_columns_are_in_the_order_that_claims_say(read):
    source = read(table())
    names = list(deal_out_facilities(source, population_of(source, 11)).columns)
    assert names == ["facility_class", "facility_ownership", "province_name"]


@pytest.mark.parametrize("order", [(1, 0, 3, 2), (3, 2, 1, 0)])
def test_the_file_is_the_same_whichever_of_a_groups_facilities_is_dearest(fit, order, monkeypatch):
    said = []

    def spy(*args):
        said.append(owner_comes_first(*args))
        return said[-1]

    monkeypatch.setattr(dealing, "owner_comes_first", spy)
    assert fit(table()).profile_hash == fit(table(order)).profile_hash
    assert said == [True, True]


def of_absorbed(order=(0, 1)):
    """Houses of which owners tell how dear they are; and of another class three of a kind and a dear one, which join. `order` says who
    has the claims of which of the last two.
    """
    house, case, amount = claims(84, by_owner=0.11)
    place, owner = houses_of(84)
    place[80:], owner[80:] = (0, 0, 0, 1), (0, 0, 0, 1)
    amount = np.where(house == 83, np.round(amount * 40, 2), amount)
    borne = np.r_[np.arange(82), 82 + np.array(order)][house]
    columns = {
        "facility_id": [f"H{i}" for i in borne],
        "province_name": np.array(PROVINCES, object)[place[borne]].tolist(),
        "facility_class": np.where(house >= 80, "RS Kelas A", "RS Kelas B").tolist(),
        "facility_ownership": np.array(OWNERS, object)[owner[borne]].tolist(),
        "dx_primary_code": [f"A{i:02d}" for i in case],
        "amount_claimed": amount,
        "amount_paid": amount,
    }
    return with_columns(tariff_table(ROWS, seed=9), columns)


def test_claims_of_a_kind_that_others_have_joined_decide_nothing(read, monkeypatch):
    """A kind of three houses may be told, but is not told apart from the one that was left over."""
    asked = []
    monkeypatch.setattr(dealing, "owner_comes_first", lambda columns, alone, *_: asked.append(alone) or True)
    for order in ((0, 1), (1, 0)):
        source = read(of_absorbed(order))
        dealt = deal_out_facilities(source, population_of(source, 11))
        classes = np.array(source.columns["facility_class"].to_pylist())
        assert (dealt.dealt.group[classes == "RS Kelas A"] >= 0).all()
        assert set(classes[asked[-1]]) == {"RS Kelas B"}
    assert np.array_equal(*asked)
