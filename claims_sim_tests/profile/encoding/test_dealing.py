"""What a claim says of its facility where hardly any facility usually says it: a number for all from some month on, say."""

import numpy as np
import pytest

from claims_sim.profile.encoding.dealing import deal_out_facilities
from claims_sim.profile.encoding.encode import population_of
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.encoding.test_directory import with_columns
from claims_sim_tests.profile.tables import tariff_table

ROWS, HOUSES = 9000, 60
OWNERS = ("Pemkab", "Swasta", "TNI")
EAST = ("BALI", "RIAU")


@pytest.fixture(scope="module")
def renumbered():
    """Of two provinces all claims say 00 of their owner in December, where every house has one."""
    g = np.random.default_rng(4)
    table = tariff_table(ROWS, seed=7)
    house = g.integers(0, HOUSES, ROWS)
    province = np.array(["BALI", "RIAU", "ACEH"], object)[house % 3]
    late = np.array([day.month == 12 for day in table["admit_dt"].to_pylist()])
    owner = np.where(late & np.isin(province, EAST), "00", np.array(OWNERS, object)[house % 5 % 3])
    return with_columns(
        table,
        {
            "facility_id": [f"H{i}" for i in house],
            "province_name": province.tolist(),
            "facility_ownership": owner.tolist(),
        },
    )


def test_what_is_nobodys_stays_with_the_claim_that_says_it(read, renumbered):
    source = read(renumbered)
    dealt = deal_out_facilities(source, population_of(source, 11))
    said = source.columns["facility_ownership"].combine_chunks()
    number = said.dictionary.to_pylist().index("00")
    came = said.indices.to_numpy()
    assert np.array_equal(dealt.columns["facility_ownership"] == number, came == number)
    assert number not in dealt.members["facility_ownership"]


def test_of_one_house_alone_it_is_dealt_out_as_all_that_it_has(read, renumbered):
    house = np.array(renumbered["facility_id"].to_pylist())
    said = np.array(renumbered["facility_ownership"].to_pylist(), object)
    usual = np.array(OWNERS, object)[np.char.lstrip(house.astype(str), "H").astype(int) % 5 % 3]
    own = np.where((said == "00") & ~np.isin(house, ["H0", "H1"]), usual, said)
    source = read(with_columns(renumbered, {"facility_ownership": own.tolist()}))
    dealt = deal_out_facilities(source, population_of(source, 11))
    number = source.columns["facility_ownership"].combine_chunks().dictionary.to_pylist().index("00")
    assert (dealt.columns["facility_ownership"] != number).all()


def test_claims_are_drawn_with_it_where_and_when_it_is_said(fit, renumbered):
    drawn = Sampler(fit(renumbered)).draw_claims(1, np.arange(ROWS)).to_pandas()
    late, east = drawn["admit_dt"].astype("datetime64[ns]").dt.month == 12, drawn["province_name"].isin(EAST)
    said = drawn["facility_ownership"] == "00"
    assert said[late & east].mean() > 0.9
    assert said[~late].mean() < 0.02
    assert said[~east].mean() < 0.02


SIZES = 1 / (np.arange(HOUSES) + 3.0)


def of_houses(read, said):
    """The house of each claim, what it says of its owner, and what of that is dealt out; `said` is given what each house usually says."""
    g = np.random.default_rng(5)
    house = g.choice(HOUSES, ROWS, p=SIZES / SIZES.sum())
    owner = said(house, np.array(OWNERS, object)[house % 3], g.random(ROWS))
    columns = {"facility_id": [f"H{i}" for i in house], "facility_ownership": owner.tolist()}
    source = read(with_columns(tariff_table(ROWS, seed=7), columns))
    dealt = deal_out_facilities(source, population_of(source, 11))
    names = [*source.columns["facility_ownership"].combine_chunks().dictionary.to_pylist(), None]
    return house, owner, np.array(names, object)[dealt.columns["facility_ownership"]]


def test_a_house_that_usually_says_it_is_one_of_its_own_kind(read):
    house, owner, dealt = of_houses(
        read, lambda house, usual, chance: np.where((house == 50) | (chance < 0.07), "00", usual)
    )
    assert None not in dealt
    assert set(dealt[(owner == "00") & (house != 50)]) == {"00"}


@pytest.mark.parametrize("whose", [0, 40])
def test_which_house_has_a_name_decides_nothing(read, whose):
    """The name of one house, which others write now and then, is nobody's neither where that house is large nor where it is small."""
    house, owner, dealt = of_houses(
        read,
        lambda house, usual, chance: np.where(
            (house == whose) | (np.isin(house, [5, 6, 7, 8, 9]) & (chance < 0.3)), "BUMN", usual
        ),
    )
    slip, own = (owner == "BUMN") & (house != whose), (owner != "BUMN") & np.isin(house, [5, 6, 7, 8, 9])
    assert np.mean(dealt[slip] == "BUMN") == pytest.approx(np.mean(dealt[own] == "BUMN"), abs=0.08)


def test_what_nearly_all_claims_say_of_one_house_is_not_kept(read):
    *_, dealt = of_houses(read, lambda house, usual, chance: np.where((house == 0) & (chance < 0.3), "00", usual))
    assert (dealt != "00").all()
