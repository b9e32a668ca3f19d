"""The learned price list: steps and usual extras are explained, other amounts are not."""

import numpy as np
import pytest

from claims_sim.scoring.features import read_features
from claims_sim.scoring.keys import Vocabulary
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
        return tariff.look(features, vocabulary.encode(features))[0]

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
