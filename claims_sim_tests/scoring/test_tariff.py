"""The learned price list: steps and usual extras are explained, other amounts are not."""

import numpy as np
import pytest

from claims_sim.scoring.features import read_features
from claims_sim.scoring.keys import Vocabulary
from claims_sim.scoring.listing import Listing
from claims_sim.scoring.tariff import Tariff

EXTRA = 3_200_000.0


@pytest.fixture(scope="module")
def learned(claims, replace):
    """A tariff learned from claims of a price list, of which one stay in thirty has the same extra on top."""
    table = claims(12_000, 4)
    amount = table["amount_claimed"].to_numpy().copy()
    amount[(table["los"].to_numpy() > 0) & (np.arange(len(table)) % 30 == 0)] += EXTRA
    features = read_features(replace(table, amount_claimed=amount, amount_paid=amount))
    vocabulary = Vocabulary.learn(features)
    return Tariff.learn(features, vocabulary.encode(features), seed=1), vocabulary


@pytest.fixture(scope="module")
def evidence(learned, claims, replace):
    """A function: what is added to the amounts of fresh stays -> the evidence of each."""

    def look(added):
        tariff, vocabulary = learned
        table = claims(3_000, 5)
        table = table.filter(np.asarray(table["los"].to_numpy() > 0))
        amount = table["amount_claimed"].to_numpy() + added
        features = read_features(replace(table, amount_claimed=amount, amount_paid=amount))
        return tariff.look(features, vocabulary.encode(features)).evidence

    return look


def test_the_usual_extra_is_found_and_nothing_else(learned):
    assert learned[0].extras.tolist() == [EXTRA]


def test_listed_amounts_are_hardly_ever_unusual(evidence):
    assert np.mean(np.nan_to_num(evidence(0.0)) >= 2) < 0.02


def test_a_usual_extra_is_less_unusual_than_other_amounts_near_it(evidence):
    usual, other = np.nan_to_num(evidence(EXTRA)), np.nan_to_num(evidence(EXTRA * 1.13))
    assert np.median(usual) < np.median(other)
    assert np.mean(other >= 1.5) > 0.8


def test_prices_are_recovered_to_the_rounding(learned, claims):
    tariff, vocabulary = learned
    features = read_features(claims(2_000, 6))
    rest = features.log_amount - tariff.polish.fit(vocabulary.encode(features))[0]
    stays = rest[features.stay > 0]
    steps = np.log([1.0, 1.2, 1.4])
    nearest = np.abs(stays[:, None] - np.median(stays[np.abs(stays) < 0.05]) - steps).min(axis=1)
    assert np.mean(nearest < 0.02) > 0.8


def test_an_amount_that_is_on_no_list_is_odder_than_one_that_is(scorer, claims, replace, at):
    """Half as much again is made up; the dearer ward of the price list is not, though it costs as much more."""
    table = claims(6_000, 41)
    plain = np.flatnonzero((table["los"].to_numpy() > 0) & (table["amount_claimed"].to_numpy() > 0))[:400]
    right = table.take(plain)
    claimed = right["amount_claimed"].to_numpy()
    made_up = np.rint(claimed * np.linspace(1.43, 1.57, len(claimed)) / 100) * 100
    odd = replace(right, amount_claimed=made_up, amount_paid=made_up, amount_gap=np.zeros(len(made_up)))
    scores = [scorer.score(t, scored_at=at)["risk_score"].to_numpy() for t in (right, odd)]
    assert (scores[1] >= 0.5).mean() > 0.3 > 10 * (scores[0] >= 0.5).mean()
    listing = scorer.trained.learned.tariff.listing
    assert 2 * listing.chance < np.median(listing.clean)
    assert np.median(listing.clean) > 0.6


def test_where_amounts_are_continuous_nothing_is_listed_and_nothing_is_said(claims, replace):
    g = np.random.default_rng(3)
    table = claims(3_000, 43)
    amounts = np.round(table["amount_claimed"].to_numpy() * g.uniform(0.5, 2, len(table)), 2)
    features = read_features(replace(table, amount_claimed=amounts, amount_paid=amounts))
    codes = Vocabulary.learn(features).encode(features)
    group = np.zeros(features.rows, np.int64)
    listing = Listing.learn(features, codes, np.zeros(0), group, 1)
    assert listing.chance < 0.01
    said = listing.says(features, codes, np.zeros(0), group, own=1)
    assert np.abs(said).mean() < 0.01
