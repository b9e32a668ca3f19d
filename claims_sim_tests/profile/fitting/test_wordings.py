"""Codes whose names come in several wordings, which houses write in some half-years: an older edition of a list and its newer one."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.fitting.wordings import DX_WORDING, PROCEDURE_WORDING, wording_of
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import tariff_table

ROWS, HOUSES = 8_000, 40
DISEASES = ["Pneumonia", "Malaria", "Anaemia", "Asthma", "Cholera", "Migraine", "Psoriasis", "Gastritis"]
DONE = ["Biopsy of liver", "Repair of hernia", "Suture of tendon", "Dialysis"]
NEWER = " (disorder)"


def claims_of(newer, seed=5, houses=True, **columns):
    """A table whose names are of the newer edition where `newer(house, day, lane)` says so; lane 0 of diagnoses, 1 of procedures."""
    g, table = np.random.default_rng(seed), tariff_table(ROWS)
    house, dx, done = g.integers(0, HOUSES, ROWS), g.integers(0, len(DISEASES), ROWS), g.integers(0, len(DONE), ROWS)
    day = (table["admit_dt"].to_numpy() - np.datetime64("2024-01-01")).astype("timedelta64[D]").astype(int)
    written = [
        np.where(newer(house, day, lane), f"{{}}{NEWER}" if lane == 0 else "Unilateral {}", "{}") for lane in (0, 1)
    ]
    own = {
        "province_name": np.where(house < 20, "BALI", "ACEH").tolist(),
        "dx_primary_code": [f"J{10 + code}" for code in dx],
        "dx_primary_label": [form.format(DISEASES[code]) for form, code in zip(written[0], dx, strict=True)],
        "procedure_code": [f"{81 + code}" for code in done],
        "procedure_label": [form.format(DONE[code]) for form, code in zip(written[1], done, strict=True)],
    }
    if houses:
        own["facility_id"] = [f"H{one}" for one in house]
    for name, values in {**own, **columns}.items():
        if name in table.column_names:
            table = table.drop_columns([name])
        table = table.append_column(name, pa.array(values))
    return table


def by_house(house, day, _):
    """Houses take the newer edition one after the other, those of the first province half a year before those of the second."""
    return day > np.where(house < 20, 60, 240) + house % 20


@pytest.fixture(scope="module")
def profile(fit):
    return fit(claims_of(by_house))


@pytest.fixture(scope="module")
def drawn(profile):
    return Sampler(profile).draw_claims(3, np.arange(20_000)).to_pandas()


def editions(claims):
    return claims["dx_primary_label"].str.contains("(", regex=False), claims["procedure_label"].str.startswith("Uni")


@pytest.mark.parametrize(("name", "mark"), [("dx_primary_label", NEWER), ("procedure_label", "Unilateral")])
def test_names_that_the_same_houses_write_are_of_one_wording(profile, name, mark):
    groups, names = profile.features[wording_of(name)].groups, profile.vocabularies[name]
    of = {(mark in str(one), group) for one, group in zip(names, groups, strict=True) if one is not None}
    assert len(of) == 2, "one wording of the newer edition, another of the older"
    assert {DX_WORDING, PROCEDURE_WORDING} <= profile.tables.keys()


def test_claims_are_named_in_the_edition_of_their_month_and_place(drawn):
    newer, _ = editions(drawn)
    day = (drawn["admit_dt"] - np.datetime64("2024-01-01")).dt.days
    share = {
        (place, when): newer[(drawn["province_name"] == place) & (day // 120 == when)].mean()
        for place in ("BALI", "ACEH")
        for when in range(3)
    }
    assert share["BALI", 1] > 0.9
    assert share["ACEH", 0] < 0.1
    assert share["ACEH", 2] > 0.6


def test_the_names_of_one_claim_are_of_one_edition(drawn):
    dx, done = editions(drawn)
    assert (dx == done).mean() > 0.97


def test_they_are_so_too_where_an_author_decides_what_a_brief_leaves_open(profile, drawn):
    sampler, rows = Sampler(profile), np.arange(20_000)
    briefs = sampler.draw_briefs(3, rows)
    assert briefs["dx_primary_label"].to_pylist() == drawn["dx_primary_label"].tolist(), "the same claims by stages"
    opened = sampler.draw_open(4, rows, briefs)
    claims = pa.table({name: table[name] for table in (briefs, opened) for name in table.column_names})
    dated = sampler.draw_history(5, rows, claims)
    claims = claims.append_column("admit_dt", dated["admit_dt"]).to_pandas()
    dx, done = editions(claims)
    assert (dx == done).mean() > 0.97
    late = claims["admit_dt"] >= np.datetime64("2024-10-01")
    assert dx[late].mean() > 0.9
    assert dx[claims["admit_dt"] < np.datetime64("2024-03-01")].mean() < 0.1


def test_names_that_are_taken_by_chance_are_of_no_wording(fit):
    chance = np.random.default_rng(8)
    profile = fit(claims_of(lambda house, *_: chance.random(len(house)) < 0.5))
    assert not {DX_WORDING, PROCEDURE_WORDING} & profile.tables.keys()


@pytest.mark.parametrize(
    "newer", [lambda house, *_: house % 2 == 0, lambda house, day, _: day > 182], ids=["houses alone", "months alone"]
)
def test_either_houses_or_months_may_tell_wordings_apart(fit, newer):
    dx, done = editions(Sampler(fit(claims_of(newer))).draw_claims(3, np.arange(5_000)).to_pandas())
    assert (dx == done).mean() > 0.97
    assert 0.4 < dx.mean() < 0.6


def test_without_a_key_of_houses_places_show_which_names_go_together(fit):
    profile = fit(claims_of(lambda house, day, _: house < 20, houses=False))
    claims = Sampler(profile).draw_claims(3, np.arange(5_000)).to_pandas()
    assert (editions(claims)[0] == (claims["province_name"] == "BALI")).mean() > 0.97
    assert DX_WORDING in profile.tables


def test_one_persons_names_make_no_wording(fit):
    """A person who comes every day to houses that write in their own way counts once in each half-year of a house."""
    chance = np.random.default_rng(8)
    one = chance.random(ROWS) < 0.6
    persons = np.where(one, "P-one", [f"P-{i}" for i in range(ROWS)])

    def newer(house, _, lane):
        return np.where(one, house % 2 == 0, chance.random(ROWS) < 0.5)

    assert DX_WORDING not in fit(claims_of(newer, patient_id_hash=persons.tolist())).tables


def test_a_code_whose_names_are_all_of_one_wording_is_never_called_otherwise(fit):
    """Half the codes have one name, which is another code's in the older edition, whoever writes the newer of that."""
    table = claims_of(by_house)
    codes, names = table["dx_primary_code"].to_pylist(), table["dx_primary_label"].to_pylist()
    old = {f"J{10 + number}": DISEASES[number + 1] for number in range(0, len(DISEASES), 2)}
    names = [old.get(code, name) for code, name in zip(codes, names, strict=True)]
    table = claims_of(by_house, dx_primary_label=names)
    claims = Sampler(fit(table)).draw_claims(3, np.arange(5_000)).to_pandas()
    assert set(claims["dx_primary_label"]) == set(names)
    newer = claims["dx_primary_label"].str.endswith(NEWER)
    assert not newer[claims["dx_primary_code"].isin(old)].any()
    assert newer[~claims["dx_primary_code"].isin(old)].mean() > 0.4


def test_one_house_makes_no_wording(fit):
    """It changes its names every half-year, and all others write either, by chance."""
    chance = np.random.default_rng(8)
    large = chance.random(ROWS) < 0.5
    houses = np.where(large, "H-large", [f"H{i % 40}" for i in range(ROWS)])

    def newer(_, day, lane):
        return np.where(large, day > 182, chance.random(ROWS) < 0.5)

    assert DX_WORDING not in fit(claims_of(newer, facility_id=houses.tolist())).tables


def test_the_file_is_the_same_whatever_the_keys_of_houses_are(fit, profile):
    house = np.random.default_rng(5).integers(0, HOUSES, ROWS)
    other = fit(claims_of(by_house, facility_id=[f"Z{(7 * one + 3) % HOUSES}" for one in house.tolist()]))
    assert other.to_json() == profile.to_json()


def test_a_name_that_stands_for_rare_ones_is_of_the_same_wording_when_it_is_read(fit, profile):
    """Rare names of a code are shown as the public list's, which the table has as another code's name."""
    claims = claims_of(by_house)
    public, rows = profile.dx_names["J10"], zip(claims["dx_primary_code"].to_pylist(), range(ROWS), strict=True)
    named = claims["dx_primary_label"].to_pylist()
    names = [f"Case {i}" if code == "J10" else public if named[i] == "Malaria" else named[i] for code, i in rows]
    sampler, drawn = (
        Sampler(fit(claims_of(by_house, dx_primary_label=names, procedure_label=["Dialysis"] * ROWS))),
        np.arange(4_000),
    )
    claims = sampler.draw_claims(3, drawn)
    shown = claims.to_pandas()
    assert len(shown[(shown["dx_primary_code"] == "J10") & (shown["dx_primary_label"] == public)]) > 50
    dated = sampler.draw_history(3, drawn, claims.drop_columns(["admit_dt", "discharge_dt"]))
    assert dated["admit_dt"].to_pylist() == claims["admit_dt"].to_pylist()
