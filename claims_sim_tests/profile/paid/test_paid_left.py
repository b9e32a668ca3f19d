"""What payments leave: a deductible with sundries beside, of bills of any size; and shares near the whole of a bill."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.counts.numbers import bin_numbers, round_share
from claims_sim.profile.document import Profile
from claims_sim.profile.paid.paid_left import PAID_LEFT, what_is_left
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 12_000


def insured(leaves):
    """Bills of any size to the cent. They are paid but for what `leaves(claimed, g)` says."""
    g = np.random.default_rng(91)
    claimed = np.round(np.exp(g.normal(8, 1.0, ROWS)) + 600, 2)
    left = np.round(np.minimum(leaves(claimed, g), claimed), 2)
    return replaced(replaced(tariff_table(ROWS), "amount_claimed", claimed), "amount_paid", np.round(claimed - left, 2))


def deductible(claimed, g):
    """500 of every other bill, and of any bill sundries of a few."""
    return 500.0 * (g.random(len(claimed)) < 0.5) + np.exp(g.normal(2.5, 0.6, len(claimed)))


def left_of(table):
    return table["amount_claimed"].to_numpy(), table["amount_claimed"].to_numpy() - table["amount_paid"].to_numpy()


@pytest.fixture(scope="module")
def both(fit):
    table = insured(deductible)
    profile = fit(table)
    return profile, left_of(table), left_of(Sampler(profile).draw_claims(5, np.arange(ROWS)))


def test_what_is_left_of_dear_bills_is_what_is_left_of_others(both):
    profile, real, drawn = both
    assert PAID_LEFT in profile.bins
    for low, high in ((0, 400), (500, 560), (560, 5_000)):
        shares = [np.mean((left >= low) & (left < high)) for _, left in (real, drawn)]
        of_dear = [np.mean(((left >= low) & (left < high))[claimed > 6_000]) for claimed, left in (real, drawn)]
        assert shares[1] == pytest.approx(shares[0], abs=0.03)
        assert of_dear[1] == pytest.approx(of_dear[0], abs=0.05)


def test_no_payment_is_negative_or_more_than_the_bill(both):
    _, _, (claimed, left) = both
    assert (left >= 0).all()
    assert (left <= claimed).all()


def test_a_profile_with_what_is_left_is_read_back_as_it_was_written(both):
    profile, _, _ = both
    assert Profile.from_json(profile.to_json()) == profile
    document = json.loads(profile.to_json())
    lo = document["bins"].pop(PAID_LEFT)
    with pytest.raises(ProfileError, match="table paid has another size"):
        Profile.from_json(json.dumps(document))
    del document["bins"]["paid"]
    with pytest.raises(
        ProfileError, match="what payments leave is told beside means of payments, or without their shares"
    ):
        Profile.from_json(json.dumps(document | {"bins": document["bins"] | {PAID_LEFT: lo}}))


@pytest.mark.slow
def test_shares_of_bills_are_told_as_shares(fit):
    profile = fit(insured(lambda claimed, g: claimed * (0.1 + 0.2 * g.random(len(claimed)))))
    assert PAID_LEFT not in profile.bins


@pytest.mark.slow
def test_of_dear_bills_as_many_are_paid_all_as_of_others(fit):
    """A few of thousands are left: a share of 0.9985 is not the whole."""
    table = insured(lambda claimed, g: claimed * np.exp(g.uniform(np.log(3e-4), np.log(0.3), len(claimed))))
    claimed, left = left_of(Sampler(fit(table)).draw_claims(5, np.arange(ROWS)))
    real = left_of(table)
    for share in (1e-9, 1e-3, 2e-3, 0.01):
        assert np.mean(left < share * claimed) == pytest.approx(np.mean(real[1] < share * real[0]), abs=0.03)


def test_the_last_range_of_shares_begins_where_the_one_before_it_ends():
    g = np.random.default_rng(3)
    share = 1 - np.exp(g.uniform(np.log(1e-4), np.log(0.5), 6_000))
    found = bin_numbers(
        share, Population(6_000, 11, np.arange(6_000), None), most=60, most_single=0, rounded=round_share
    )
    lo, hi = np.array(found.bins.lo), np.array(found.bins.hi)
    assert (lo < hi).all()
    assert lo[1:] == pytest.approx(hi[:-1])
    assert hi[-1] <= 1.0
    # What is lacked is told to three digits, not the share: ranges go on where shares are 0.999 and more.
    assert np.count_nonzero(lo > 0.999) > 5


@pytest.mark.parametrize(
    ("share", "told"), [(0.12345, 0.123), (0.98764, 0.9876), (0.99987654, 0.999877), (1.02345, 1.0234)]
)
def test_a_share_near_the_whole_is_told_by_what_it_lacks(share, told):
    assert round_share(share, 3) == pytest.approx(told, abs=1e-9)


def test_no_end_between_two_ranges_is_a_value_of_somebody():
    """Of amounts of three digits and less an end at one of them would tell it."""
    values = 100.0 + 2 * np.random.default_rng(4).permutation(400)
    found = bin_numbers(values, Population(400, 11, np.arange(400), None), most=20, most_single=0)
    assert len(found.bins.lo) > 10
    assert not {*found.bins.lo[1:], *found.bins.hi[:-1]} & {*values.tolist()}


@pytest.mark.parametrize("of_one", [False, True])
def test_what_one_person_leaves_alone_is_told_by_nothing(of_one):
    g = np.random.default_rng(7)
    claimed = np.exp(g.normal(8, 1.0, 3_000)) + 600
    paid = claimed - 500 - np.exp(g.normal(2.5, 0.6, 3_000))
    persons = np.zeros(3_000, np.int64) if of_one else np.arange(3_000)
    encoded = SimpleNamespace(
        rows=3_000, claimed=claimed, paid=paid, codes={}, population=Population(3_000, 11, persons, None)
    )
    assert np.count_nonzero(what_is_left(encoded, np.arange(3_000), 0.01).codes >= 0) == (0 if of_one else 3_000)


@pytest.mark.slow
def test_bills_below_a_deductible_are_paid_nothing_as_often(fit):
    """Though hardly any other rule is there, how much is claimed tells which."""
    table = insured(lambda claimed, g: 1_500.0 + np.exp(g.normal(2.5, 0.6, len(claimed))))
    of_small = []
    for of in (table, Sampler(fit(table)).draw_claims(5, np.arange(ROWS))):
        claimed, left = left_of(of)
        of_small.append(np.mean((left >= claimed)[claimed < 1_400]))
    assert of_small[1] == pytest.approx(of_small[0], abs=0.08)
