"""What a round amount is paid by no rule, and what that leaves, are both round where one is; of odd amounts one is odd."""

import json

import numpy as np
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.paid.test_paid_rounding import ROWS, are_whole, money
from claims_sim_tests.profile.tables import replaced, tariff_table


@pytest.fixture(scope="module")
def table():
    """A third of the bills are in thousands, all others in units; patients pay any amount, six of seven times in thousands."""
    g = np.random.default_rng(71)
    step = np.where(g.random(ROWS) < 1 / 3, 1000, 1)
    claimed = np.rint(np.exp(g.normal(12, 0.9, ROWS)) / step) * step + 20_000
    own_step = np.where(g.random(ROWS) < 1 / 7, 1, 1000)
    own = np.rint(claimed * g.uniform(0.05, 0.6, ROWS) / own_step) * own_step
    return replaced(replaced(tariff_table(ROWS), "amount_claimed", claimed), "amount_paid", claimed - own)


@pytest.fixture(scope="module")
def profile(table, fit):
    return fit(table)


def test_odd_bills_are_not_paid_round_amounts(table, profile):
    shares = []
    for claims in (table, Sampler(profile).draw_claims(5, np.arange(ROWS))):
        claimed, paid = money(claims)
        odd = ~are_whole(claimed, 1000)
        shares.append([odd.mean(), are_whole(paid, 1000)[odd].mean(), are_whole(claimed - paid, 1000)[odd].mean()])
        shares[-1].append(are_whole(paid, 1000)[~odd].mean())
    assert shares[0] == pytest.approx([2 / 3, 0, 6 / 7, 6 / 7], abs=0.02)
    assert shares[1] == pytest.approx(shares[0], abs=0.04)


def test_a_profile_that_says_of_other_grids_on_which_bills_lie_is_refused(profile):
    document = json.loads(profile.to_json())
    assert [one for one in document["features"].values() if one["variable"] == "claimed_rounded_to"]
    paid, left = (document["money"][name] for name in ("paid_rounded_to", "left_rounded_to"))
    left[-1] = 77_777.0 if left[-1] in paid else paid[0]
    with pytest.raises(ProfileError, match="claimed_rounded_to"):
        Profile.from_json(json.dumps(document))
