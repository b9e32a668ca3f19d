"""Payments of few amounts, rounded the more coarsely the more is paid: nobody is paid what nobody of the table is."""

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.draft import Draft
from claims_sim.profile.paid.paid_bands import _few_steps
from claims_sim.profile.prices.few_amounts import all_there_are, nearest_of
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 12_000


def by_steps(unrounded=0.0, few=0):
    """Charges in tens, of which a share is paid: in tens up to 200, and in hundreds above; of stays in hundreds from 100 on.

    So large a part is paid `unrounded`, and so `few` claims of stays what no other is.
    """
    g = np.random.default_rng(211)
    table = tariff_table(ROWS, seed=212)
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    claimed = np.rint(np.exp(g.normal(5, 0.5, ROWS)) / 10) * 10 + 10
    part = claimed * g.choice([0.6, 0.75, 0.8, 1.0], ROWS)
    paid = np.where((part >= 200) | stays, np.floor(part / 100) * 100, np.floor(part / 10) * 10)
    paid = np.where(g.random(ROWS) < unrounded, np.round(part, 2), paid)
    paid[np.flatnonzero(stays)[:few]] = 1 + np.arange(few)
    return stays, replaced(replaced(table, "amount_claimed", claimed), "amount_paid", np.minimum(paid, claimed))


def payments(table, stays):
    """The different payments of stays and of all others."""
    paid = table["amount_paid"].to_numpy()
    return [set(paid[mine].tolist()) for mine in (stays, ~stays)]


def drawn(profile):
    claims = Sampler(profile).draw_claims(5, np.arange(ROWS))
    return claims, payments(claims, np.array(claims["service_type"].to_pylist()) == "RITL")


@pytest.mark.slow
def test_of_few_payments_each_kind_of_service_is_paid_its_own(fit):
    stays, table = by_steps(few=8)
    profile = fit(table)
    claims, found = drawn(profile)
    claimed, paid = (claims[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    real = payments(table, stays)
    assert found[0] <= {paid for paid in real[0] if paid % 100 == 0}
    assert found[1] - {0.0} <= real[1]
    assert len(found[1]) > 20
    assert (paid <= claimed).all()
    pairs = {*zip(table["amount_claimed"].to_pylist(), table["amount_paid"].to_pylist(), strict=True)}
    assert np.mean([pair in pairs for pair in zip(claimed.tolist(), paid.tolist(), strict=True)]) > 0.97
    in_full = [np.mean(one["amount_paid"].to_numpy() == one["amount_claimed"].to_numpy()) for one in (table, claims)]
    assert in_full[1] == pytest.approx(in_full[0], abs=0.03)
    assert Profile.from_json(profile.to_json()).money.every_payment == profile.money.every_payment
    assert any("payments that are nearly all there are" in what for what, _ in describe_crossing(profile).money)


def test_one_persons_odd_payments_make_no_difference(fit):
    _, table = by_steps()
    paid, claimed = (table[name].to_numpy().copy() for name in ("amount_paid", "amount_claimed"))
    hers = np.arange(ROWS) % 50 == 0
    paid[hers] = np.round(claimed[hers] * 0.777 + np.arange(hers.sum()) / 100, 2)
    owners = [f"p{i}" if not mine else "hers" for i, mine in enumerate(hers)]
    known = fit(replaced(replaced(table, "amount_paid", paid), "patient_id_hash", owners)).money.every_payment
    assert [len(amounts) > 3 for amounts in known] == [True, True]


@pytest.mark.slow
def test_where_a_few_are_paid_more_than_they_claim_a_few_are(fit):
    _, table = by_steps()
    paid, claimed = (table[name].to_numpy().copy() for name in ("amount_paid", "amount_claimed"))
    above = np.arange(ROWS) % 125 == 0
    paid[above] = np.ceil(claimed[above] / 100) * 100 + 100
    profile = fit(replaced(table, "amount_paid", paid))
    claims, _ = drawn(profile)
    over = np.mean(claims["amount_paid"].to_numpy() > claims["amount_claimed"].to_numpy())
    assert any(profile.money.every_payment)
    assert 0.002 < over < 0.03


@pytest.mark.slow
def test_where_more_are_paid_other_amounts_what_is_paid_is_no_list(fit):
    _, table = by_steps(unrounded=0.1)
    profile = fit(table)
    assert profile.money.every_payment == ()
    paid = drawn(profile)[0]["amount_paid"].to_numpy()
    assert np.mean(paid % 10 != 0) > 0.02


@pytest.mark.slow
def test_payments_that_are_as_many_as_charges_are_no_coarser_ones(fit):
    """Those of a tariff are paid in full, or nothing is."""
    assert fit(tariff_table(ROWS, seed=213)).money.every_payment == ()


@pytest.mark.parametrize(("many", "known"), [(4_500, True), (30_000, False)], ids=["one person's", "as many persons'"])
def test_one_persons_thousands_of_odd_amounts_leave_the_others_few(many, known):
    """Of 30,000 claims one in seven is hers, each of another amount; or all are each another person's, of any amount."""
    amounts = np.repeat([10.0, 20.0, 30.0], 10_000)
    amounts[:many] = 1_000 + np.arange(many)
    owners = np.arange(1, 30_001)
    owners[:4_500] = 1
    order = np.random.default_rng(222).permutation(30_000)
    population = Population(30_000, 11, owners[order], None)
    assert all_there_are(amounts[order], np.arange(30_000), population) == ((10.0, 20.0, 30.0) if known else ())


@pytest.mark.parametrize(
    ("every", "amounts", "nearest"),
    [
        pytest.param([10, 20, 40], [12, 27, 29, 90, 3, 0], [10, 20, 40, 40, 10, 0], id="by ratio"),
        pytest.param([50], [1, 50, 900, 0], [50, 50, 50, 0], id="one"),
        pytest.param([], [1, 900], [1, 900], id="not known"),
    ],
)
def test_an_amount_becomes_the_nearest_there_is(every, amounts, nearest):
    assert nearest_of(np.array(every, float), np.array(amounts, float)).tolist() == nearest


@pytest.mark.slow
def test_who_claims_less_than_the_least_payment_is_not_paid_that(fit):
    profile = fit(by_steps()[1])
    kind = next(number for number, every in enumerate(profile.money.every_payment) if min(every) == 100)
    draft = Draft(profile, 5, {})
    draft.codes["service_type"] = np.full(5, kind, np.int32)
    paid = np.array([80.0, 0.0, 120.0, 290.0, 180.0])
    Sampler(profile)._payments._pay_what_is_paid(draft, np.array([90.0, 90.0, 190.0, 290.0, 150.0]), paid)
    # The last is paid more than is claimed, as it was drawn.
    assert paid.tolist() == [80.0, 0.0, 100.0, 200.0, 200.0]


def test_payments_follow_single_amounts_of_any_size_only_where_few_are_paid():
    rows = 4000
    claimed = 1000.0 * (1 + np.arange(rows) % 20)
    paid_few = np.arange(rows) % 2 == 1
    population = Population(rows, 11, np.arange(rows) + 1, np.arange(rows) % 50 + 1)
    edges = _few_steps(claimed, np.ones(rows, np.bool_), population, 1.0, paid_few)
    assert edges == sorted({edge for amount in np.unique(claimed[paid_few]) for edge in (amount - 1, amount)})
