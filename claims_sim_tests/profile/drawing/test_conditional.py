"""Codes are asked for with their dots or without, by their beginning, by a name or all of them."""

import numpy as np
import pytest

from claims_sim.errors import RequestError
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table


@pytest.fixture(scope="module")
def sampler(fit):
    """Of diagnoses without dots, and of procedures of another list, with dots that are part of it."""
    table = tariff_table()
    procedures = [code and f"B01.{int(code) % 1000:03d}.001" for code in table["procedure_code"].to_pylist()]
    return Sampler(fit(replaced(table, "procedure_code", procedures)))


def asked_for(sampler, condition):
    wanted = sampler.conditions(ClaimFilter.parse([condition]))
    return sampler.draw_claims(3, np.arange(200), wanted), wanted


def test_a_code_is_found_with_the_dots_that_it_has_or_without(sampler):
    some = next(code for code in sampler.draw_claims(1, np.arange(50))["dx_primary_code"].to_pylist() if len(code) > 3)
    for asked in (some, f"{some[:3]}.{some[3:]}", some.lower()):
        claims, _ = asked_for(sampler, f"dx={asked}")
        assert set(claims["dx_primary_code"].to_pylist()) == {some}
    claims, _ = asked_for(sampler, f"dx={some[:3]}.*")
    assert {code[:3] for code in claims["dx_primary_code"].to_pylist()} == {some[:3]}


def test_a_code_with_dots_is_found_without_them_too(sampler):
    for asked in ("B01.741.001", "b01741001"):
        claims, _ = asked_for(sampler, f"procedure={asked}")
        assert set(claims["procedure_code"].to_pylist()) == {"B01.741.001"}


def test_a_star_alone_stands_for_all_codes(sampler):
    for field, column in (("dx", "dx_primary_code"), ("procedure", "procedure_code")):
        claims, _ = asked_for(sampler, f"{field}=*")
        assert len(set(claims[column].to_pylist()) - {None}) > 1
        assert claims[column].null_count == 0


@pytest.mark.parametrize("asked", ["procedure=n*", "procedure=b02*"])
def test_no_procedure_begins_like_nothing_that_was_done(sampler, asked):
    with pytest.raises(RequestError, match="nothing with procedure_code"):
        asked_for(sampler, asked)


def test_where_nothing_was_done_a_star_finds_nothing(fit):
    sampler = Sampler(fit(tariff_table().drop_columns(["procedure_code"])))
    with pytest.raises(RequestError, match="no procedure_code"):
        asked_for(sampler, "procedure=*")


@pytest.mark.parametrize("asked", ["A99.9", "Z.*", "."])
def test_a_code_that_the_profile_has_not_is_refused_with_dots_too(sampler, asked):
    with pytest.raises(RequestError, match="nothing with dx_primary_code"):
        asked_for(sampler, f"dx={asked}")


def test_an_amount_that_the_first_further_diagnosis_decides_is_given_as_asked(fit):
    g, rows = np.random.default_rng(2), 6_000
    grave = g.random(rows) < 0.3
    lists = [["A419"] if one else ["I10"] for one in grave.tolist()]
    money = np.round(np.exp(g.normal(0, 0.3, rows)) * np.where(grave, 80_000, 10_000), 2)
    table = replaced(tariff_table(rows), "dx_secondary_codes", lists)
    for name in ("amount_claimed", "amount_paid"):
        table = replaced(table, name, money)
    sampler = Sampler(fit(table))
    asked = sampler.conditions(ClaimFilter.parse(["amount=50000..90000"]))
    found = sampler.draw_claims(5, np.arange(500), asked)["amount_claimed"].to_numpy()
    assert ((found >= 50_000) & (found <= 90_000)).all()
