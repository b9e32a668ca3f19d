"""Sources that tell how many secondary diagnoses a claim has and not which: as many well-known ones stand for them."""

import numpy as np
import pyarrow.compute as pc
import pytest

from claims_sim.codes import icd9cm, icd10
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.reading.source_columns import what_follows
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 4000
SEVERITIES = ["ringan", "sedang", "berat"]


def counted(rows=ROWS, codes=None):
    """More companions the graver a case is; a few claims say nothing, or what is no number of companions."""
    table = tariff_table(rows).drop_columns(["dx_secondary_codes"])
    g = np.random.default_rng(4)
    grave = np.array([SEVERITIES.index(one) for one in table["severity_group"].to_pylist()])
    count = g.poisson(0.5 + 1.5 * grave).astype(object)
    count[::100], count[1::200], count[3::400] = None, 2.5, -1
    table = table.append_column("comorbidity_count", [count.tolist()])
    return table if codes is None else replaced(table, "dx_primary_code", codes)


@pytest.fixture(scope="module")
def profile(fit):
    return fit(counted())


def known(table):
    count = np.array([np.nan if one is None else float(one) for one in table["comorbidity_count"].to_pylist()])
    return np.where((count >= 0) & (count == np.floor(count)), count, np.nan)


def test_claims_have_as_many_as_the_source_counts_by_what_it_follows(profile):
    assert profile.defaults["dx_secondary_codes"] == "well-known conditions, as many as comorbidity_count says"
    assert Profile.from_json(profile.to_json()) == profile
    claims, real = Sampler(profile).draw_claims(1, np.arange(20_000)), counted()
    count = claims["comorbidity_count"].to_numpy()
    assert (count == pc.list_value_length(claims["dx_secondary_codes"]).to_numpy()).all()
    for severity in SEVERITIES:
        own, theirs = (np.array(t["severity_group"].to_pylist()) == severity for t in (claims, real))
        assert np.mean(count[own]) == pytest.approx(np.nanmean(known(real)[theirs]), abs=0.15)
        assert np.mean(count[own] == 0) == pytest.approx(np.nanmean(known(real)[theirs] == 0), abs=0.05)


@pytest.mark.slow
def test_none_is_there_twice_or_the_primary_one_and_all_are_public_codes(fit):
    profile = fit(counted(codes=[icd10.COMPANIONS[i % 9] for i in range(ROWS)]))
    claims = Sampler(profile).draw_claims(2, np.arange(10_000))
    lists, primary = claims["dx_secondary_codes"].to_pylist(), claims["dx_primary_code"].to_pylist()
    assert all(len({*codes, own}) == len(codes) + 1 for codes, own in zip(lists, primary, strict=True))
    assert {code for codes in lists for code in codes} == {*icd10.COMPANIONS}
    assert set(profile.vocabulary().filter(pc.field("column_name") == "dx_secondary_codes")["value"].to_pylist()) == {
        *icd10.COMPANIONS
    }


def test_a_table_that_stands_for_the_source_has_their_number_alone(profile):
    sampler, rows = Sampler(profile), np.arange(500)
    claims = sampler.draw_claims(3, rows)
    left = sampler.leave_empty(3, rows, claims)
    assert left["dx_secondary_codes"].null_count == 500
    assert pc.sum(left["comorbidity_count"]).as_py() > 200
    asked = sampler.leave_empty(3, rows, claims, asked=("dx_secondary_codes",))
    assert asked["dx_secondary_codes"].null_count == 0


def test_what_crosses_says_that_they_are_not_the_sources(profile):
    (own,) = (found for found in describe_crossing(profile).lists if found.column == "dx_secondary_codes")
    assert own.origin == "well-known conditions of the public code system, whatever the source has"


@pytest.mark.slow
def test_beside_diagnoses_of_icd_9_they_are_codes_of_that(fit):
    profile = fit(counted(codes=[icd9cm.COMPANIONS[i % 12] for i in range(ROWS)]))
    assert profile.vocabularies["dx_secondary_codes"] == icd9cm.COMPANIONS


def test_they_are_the_same_conditions_in_both_lists_and_a_prime_number():
    assert len({*icd10.COMPANIONS}) == len({*icd9cm.COMPANIONS}) == 37
    assert all(map(icd10.is_known, icd10.COMPANIONS))
    assert all(map(icd9cm.is_diagnosis, icd9cm.COMPANIONS))


def test_without_any_count_there_are_none(fit):
    profile = fit(tariff_table(ROWS).drop_columns(["dx_secondary_codes"]))
    assert profile.defaults["dx_secondary_codes"] == "none"
    assert pc.sum(Sampler(profile).draw_claims(1, np.arange(500))["comorbidity_count"]).as_py() == 0


def test_map_says_so():
    assert "well-known" in what_follows(["dx_secondary_codes"])["dx_secondary_codes"]
    assert what_follows(["dx_secondary_codes", "comorbidity_count"]) == {}
