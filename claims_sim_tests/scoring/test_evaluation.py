"""Does the scorer find what was put in? Anomalies are mutations in place, 2 % of the claims, with a fixed seed."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

KINDS = ("inflated", "padded", "upcoded", "short")
LEAST_AUC, LEAST_PRECISION = 0.85, 0.35  # random: 0.5 and 0.02


def _auc(truth, scores):
    ranks = pc.rank(pa.array(scores), sort_keys="ascending", tiebreaker="dense").to_numpy().astype(float)
    order = np.argsort(ranks, kind="stable")
    average = np.empty(len(ranks))
    average[order] = np.arange(1, len(ranks) + 1)
    sums, counts = np.bincount(ranks.astype(int), weights=average), np.bincount(ranks.astype(int))
    average = (sums / np.maximum(counts, 1))[ranks.astype(int)]
    hits = truth.sum()
    return (average[truth].sum() - hits * (hits + 1) / 2) / (hits * (len(truth) - hits))


def _precision(truth, scores, share=0.01):
    shuffled = np.random.default_rng(0).permutation(len(scores))  # ties in no particular order
    top = shuffled[np.argsort(-scores[shuffled], kind="stable")[: int(len(scores) * share)]]
    return truth[top].mean()


def _finds_anomalies(truth, scores):
    return _auc(truth, scores) >= LEAST_AUC and _precision(truth, scores) >= LEAST_PRECISION


@pytest.fixture(scope="module")
def injected(claims, replace):
    """Claims, and which kind of anomaly each is ("" for none)."""
    table = claims(10_000, 11)
    g = np.random.default_rng(5)
    columns = {
        name: table[name].to_numpy(zero_copy_only=False).copy() for name in ("los", "amount_claimed", "severity_group")
    }
    chosen = g.choice(np.flatnonzero(columns["los"] >= 3), 200, replace=False).reshape(len(KINDS), -1)
    inflated, padded, upcoded, short = chosen
    columns["amount_claimed"][inflated] = np.rint(columns["amount_claimed"][inflated] * g.uniform(2, 4, len(inflated)))
    columns["los"][padded] += g.integers(10, 25, len(padded), dtype=np.int32)
    ranks = {"ringan": 0, "sedang": 1, "berat": 2}
    steps = np.array([1.0, 1.4, 1.9])  # the fixture's price list
    old = np.array([ranks[s] for s in columns["severity_group"][upcoded]])
    columns["severity_group"][upcoded] = "berat"
    columns["amount_claimed"][upcoded] = np.rint(columns["amount_claimed"][upcoded] * steps[2] / steps[old] / 100) * 100
    columns["los"][short] = 1
    columns["amount_claimed"][short] = np.rint(columns["amount_claimed"][short] * g.uniform(1.3, 2, len(short)))
    touched = np.isin(np.arange(len(table)), chosen)
    paid = np.where(touched, columns["amount_claimed"], table["amount_paid"].to_numpy())
    days = (columns["los"] * np.timedelta64(1, "D")).astype("timedelta64[us]")
    kind = np.full(len(table), "", object)
    for name, rows in zip(KINDS, chosen, strict=True):
        kind[rows] = name
    return (
        replace(
            table,
            **columns,
            amount_paid=paid,
            amount_gap=columns["amount_claimed"] - paid,
            discharge_dt=table["admit_dt"].to_numpy() + days,
        ),
        kind,
    )


@pytest.fixture(scope="module")
def risk(scorer, injected, at):
    return scorer.score(injected[0], scored_at=at)["risk_score"].to_numpy()


def test_the_scorer_finds_the_anomalies(injected, risk):
    assert _finds_anomalies(injected[1] != "", risk)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_scores_well_above_clean_claims(injected, risk, kind):
    mine = injected[1] == kind
    clean = injected[1] == ""
    assert _auc(mine[mine | clean], risk[mine | clean]) >= 0.75


def test_constant_shuffled_and_reversed_scores_do_not_pass_the_same_assertion(injected, risk):
    truth = injected[1] != ""
    assert not _finds_anomalies(truth, np.full(len(risk), 0.5))
    assert not _finds_anomalies(truth, np.random.default_rng(1).permutation(risk))
    assert not _finds_anomalies(truth, -risk)


def test_the_share_of_clean_claims_above_a_threshold_is_what_the_scale_promises(scorer, claims, at):
    scored = scorer.score(claims(20_000, 17), scored_at=at)  # of 12,000 training claims 2,400 set the scale
    for name in ("rule_score", "ml_score_normalized", "risk_score"):
        scores = scored[name].to_numpy()
        for threshold in (0.25, 0.5):
            assert (scores >= threshold).mean() <= 1.5 * 10 ** (-4 * threshold)
    assert (scored["risk_score"].to_numpy() >= 0.25).mean() >= 0.07
