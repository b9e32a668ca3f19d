"""Amounts that are paid by name, whatever is claimed: ceilings of benefits, of all claims or of one kind of service."""

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.document import Profile
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.paid.paid_rules import _MOST_SHARED, _shared_amounts
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 30_000
CEILINGS = (500_000.0, 750_000.0, 1_000_000.0, 1_500_000.0)


def with_glasses(persons=None):
    """Three in a hundred claims are glasses, paid up to a ceiling of their plan; of all others any share is paid."""
    g = np.random.default_rng(301)
    table = tariff_table(ROWS)
    glasses = g.random(ROWS) < 0.03
    claimed = np.round(np.exp(g.normal(13, 0.8, ROWS)), 2)
    claimed[glasses] = np.rint(np.exp(g.normal(14.2, 0.4, glasses.sum())) / 50_000) * 50_000
    paid = np.round(claimed * g.uniform(0.3, 0.95, ROWS), 2)
    paid[glasses] = np.minimum(claimed[glasses], g.choice(CEILINGS, glasses.sum()))
    service = np.where(glasses, "GLASSES", table["service_type"].to_pylist())
    table = replaced(replaced(table, "service_type", service.tolist()), "amount_claimed", claimed)
    if persons is not None:
        person = np.array(table["patient_id_hash"].to_pylist(), object)
        person[glasses] = (
            person[np.flatnonzero(glasses)[:persons]].tolist() * (glasses.sum() // persons)
            + person[np.flatnonzero(glasses)[: glasses.sum() % persons]].tolist()
        )
        table = replaced(table, "patient_id_hash", person.tolist())
    return replaced(table, "amount_paid", paid)


def in_part(table):
    """What is paid for glasses where that is less than they cost."""
    claimed, paid = (table[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    there = (np.array(table["service_type"].to_pylist()) == "GLASSES") & (paid < claimed) & (paid > 0)
    return paid[there]


@pytest.mark.slow
def test_ceilings_of_a_rare_kind_of_service_are_paid_to_the_unit(fit):
    profile = fit(with_glasses())
    assert profile.money.paid_exact == CEILINGS
    assert Profile.from_json(profile.to_json()) == profile
    found, real = (in_part(table) for table in (Sampler(profile).draw_claims(3, np.arange(ROWS)), with_glasses()))
    assert np.isin(found, CEILINGS).mean() > 0.85
    shares = [[np.mean(paid == ceiling) for ceiling in CEILINGS] for paid in (found, real)]
    assert shares[0] == pytest.approx(shares[1], abs=0.1)


def test_ceilings_of_a_few_persons_are_nobodys_to_tell(fit):
    assert fit(with_glasses(persons=8)).money.paid_exact == ()


def number(paid, service, persons=None):
    population = Population(len(paid), 11, None if persons is None else persons + 1, None)
    encoded = Encoded(population=population, rows=len(paid), codes={"service_type": service.astype(np.int32)})
    return _shared_amounts(encoded, paid, np.arange(len(paid)), 1.0)


def test_an_amount_of_one_kind_of_service_is_none_of_another():
    """A tenth of visits are paid one amount; of stays nearly none is, and those who are have it by chance."""
    g = np.random.default_rng(302)
    paid, service = g.integers(100_000, 9_000_000, 20_000).astype(float), np.arange(20_000) % 10 == 0
    paid[np.flatnonzero(service)[:400]], paid[np.flatnonzero(~service)[:60]] = 333_333.0, 333_333.0
    exact, of_row = number(paid, service)
    assert exact == (333_333.0,)
    assert (of_row >= 0).sum() == 400
    assert service[of_row >= 0].all()


def test_of_hundreds_of_amounts_the_commonest_are_told():
    g = np.random.default_rng(303)
    amounts = np.sort(g.choice(9_000_000, 300, replace=False) + 1_000_000.0)
    claims = np.where(np.arange(300) < 40, 200, 60)
    paid = np.r_[np.repeat(amounts, claims), g.integers(100_000, 9_000_000, 20_000) + 0.5]
    exact, of_row = number(paid, np.zeros(len(paid)))
    assert {*amounts[:40]} <= {*exact} <= {*amounts}
    assert len(exact) <= _MOST_SHARED
    assert np.array_equal(paid[of_row >= 0], np.array(exact)[of_row[of_row >= 0]])


def test_of_equally_common_amounts_as_many_are_told_as_may_be():
    paid = np.repeat(np.arange(1, 141) * 70_000.0, 60)
    assert len(number(paid, np.zeros(len(paid)))[0]) == _MOST_SHARED


def test_one_persons_many_payments_make_no_amount_one_of_the_commonest():
    """A hundred and one amounts of a hundred persons each, and one of twenty, to whom one is paid it five hundred times."""
    paid = np.r_[np.repeat(np.arange(2, 103) * 70_000.0, 100), np.full(520, 70_000.0)]
    person = np.r_[np.arange(10_100), np.where(np.arange(520) < 500, 10_100, 10_100 + np.arange(520))]
    assert 70_000.0 not in number(paid, np.zeros(len(paid)), person)[0]
    assert 70_000.0 in number(paid, np.zeros(len(paid)), np.arange(len(paid)))[0]
