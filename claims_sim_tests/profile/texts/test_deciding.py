"""Groups of cases that end in the severity of their cases: severity and group agree in what is drawn, also where groups are rare."""

import numpy as np
import pytest

from claims_sim.profile.sampler import Sampler
from claims_sim.profile.texts.deciding import decided_by
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 6000
SEVERITIES = ["none", "ringan", "sedang", "berat"]


def grouped_table(agree=1.0):
    """Sixty stems of groups, from a thousand claims to a few; each group is its stem and a digit for its severity."""
    g = np.random.default_rng(3)
    stem = (60 * g.random(ROWS) ** 2.5).astype(int)
    severity = np.minimum(g.geometric(0.55, ROWS) - 1, 3)
    told = np.where(g.random(ROWS) < agree, severity, g.integers(0, 4, ROWS))
    codes = [f"{chr(65 + s // 10)}{s % 10:02d}M{1 + d}" for s, d in zip(stem.tolist(), told.tolist(), strict=True)]
    table = replaced(tariff_table(ROWS), "procedure_code", codes)
    return replaced(table, "severity_group", [SEVERITIES[d] for d in severity.tolist()])


def agreement(claims):
    ends = np.array([int(code[-1]) - 1 for code in claims["procedure_code"].to_pylist()])
    return np.mean(ends == np.array([SEVERITIES.index(one) for one in claims["severity_group"].to_pylist()]))


@pytest.mark.slow
def test_a_group_of_cases_has_its_severity_also_where_it_is_rare(fit):
    table = grouped_table()
    profile = fit(table)
    real, told = set(table["procedure_code"].to_pylist()), set(profile.vocabularies["procedure_code"])
    assert told < real  # some are too rare
    assert agreement(Sampler(profile).draw_claims(1, np.arange(20_000))) > 0.999


def test_what_is_withheld_of_a_diagnosis_groups_is_a_group_of_the_same_severity(fit):
    """Each diagnosis has five groups of its own, and now and then one of any other's, which is too rare to be told of it."""
    g, table = np.random.default_rng(7), tariff_table(ROWS)
    own = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1] * 5 + g.integers(0, 5, ROWS)
    stem, severity = (
        np.where(g.random(ROWS) < 0.2, g.integers(0, 60, ROWS), own),
        np.minimum(g.geometric(0.55, ROWS) - 1, 3),
    )
    codes = [f"{chr(65 + s // 10)}{s % 10:02d}M{1 + d}" for s, d in zip(stem.tolist(), severity.tolist(), strict=True)]
    table = replaced(table, "severity_group", [SEVERITIES[d] for d in severity.tolist()])
    profile = fit(replaced(table, "procedure_code", codes))
    assert len(profile.tables["procedure_code"].parents) > 1
    assert agreement(Sampler(profile).draw_claims(1, np.arange(20_000))) > 0.999


@pytest.mark.slow
def test_codes_that_tell_the_service_and_the_severity_agree_with_both(fit):
    table = grouped_table()
    service = np.array(table["service_type"].to_pylist())
    theirs = [f"{code}{kind[1]}" for code, kind in zip(table["procedure_code"].to_pylist(), service, strict=True)]
    profile = fit(replaced(table, "procedure_code", theirs))
    assert profile.tables["procedure_code"].parents[:2] == ("service_type", "severity_group")
    claims = Sampler(profile).draw_claims(1, np.arange(20_000))
    kinds = [f"R{code[-1]}" for code in claims["procedure_code"].to_pylist()]
    assert np.mean(np.array(kinds) == [kind[:2] for kind in claims["service_type"].to_pylist()]) > 0.999
    ends = [code[:-1] for code in claims["procedure_code"].to_pylist()]
    assert agreement(replaced(claims, "procedure_code", ends)) > 0.999


@pytest.mark.slow
def test_where_they_agree_by_chance_only_groups_are_drawn_as_others_are(fit):
    profile = fit(grouped_table(agree=0.0))
    assert profile.tables["procedure_code"].parents[:1] != ("severity_group",)
    assert agreement(Sampler(profile).draw_claims(1, np.arange(20_000))) == pytest.approx(
        agreement(grouped_table(agree=0.0)), abs=0.03
    )


def codes(values):
    return np.array(values, np.int32)


def test_codes_decide_what_nearly_all_their_claims_have():
    code = np.arange(400) % 4
    assert decided_by(codes(code), codes(code % 2)).tolist() == [0, 1, 0, 1]
    slips = np.where(np.arange(400) % 25 == 0, 1 - code % 2, code % 2)
    assert decided_by(codes(code), codes(slips)) is None


def test_codes_decide_nothing_that_nearly_all_claims_have_anyway_nor_what_single_claims_have():
    code = np.arange(400) % 4
    assert decided_by(codes(code), codes(code == 3)).tolist() == [0, 0, 0, 1]
    twenty = np.arange(400) % 20
    assert decided_by(codes(twenty), codes(twenty == 3)) is None  # of nineteen in twenty the same
    assert decided_by(codes(np.arange(400)), codes(code % 2)) is None
    assert decided_by(codes(code), codes(code * 3)) is None  # too many values
    assert decided_by(codes(np.full(4, -1)), codes(code[:4])) is None


def test_claims_without_a_code_say_nothing():
    code = np.where(np.arange(400) % 2, -1, np.arange(400) % 4)
    none = np.where(code < 0, 4, code)
    other = np.random.default_rng(1).integers(0, 2, 400)
    mixed = np.where(none == 4, other, none // 2)
    assert decided_by(codes(none), codes(mixed)) is None
    assert decided_by(codes(none), codes(mixed), none=4).tolist() == [0, -1, 1, -1, -1]
