"""Which stored claims new ones are compared with: alike ones of some days, and those of their persons from farther back."""

from datetime import UTC, datetime, timedelta

import numpy as np

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_claims_of_the_same_persons_are_found_farther_back_than_those_that_are_only_alike(settings):
    from claims_sim import pipeline
    from claims_sim.generation.request import ClaimsRequest
    from claims_sim.store import scores
    from claims_sim.store.earlier import find_earlier

    asked = settings.model_copy(update={"ref_keys": True, "anomaly_rate": 0.0})
    db = pipeline.database(asked)
    for day in (0, 20):
        batch = pipeline.generate_batch(
            asked, pipeline.current_profile(asked), NOW + timedelta(days=day), ClaimsRequest(count=250)
        )
        pipeline.commit_batch(asked, batch)
        pipeline.relay_outbox(asked)
        pipeline.ingest(asked)
        if not day:
            pipeline.score_new(asked, NOW)
    new = next(iter(scores.unscored_chunks(db)))
    persons, since = set(new["patient_id_hash"].to_pylist()), np.datetime64("2026-01-15")
    far = find_earlier(db, new, 3, 31).claims
    assert len(far) > 0
    assert set(far["patient_id_hash"].to_pylist()) <= persons
    assert (far["admit_dt"].to_numpy() < since).all()
    assert not len(find_earlier(db, new, 3).claims)
    alike = find_earlier(db, new, 31, 31)
    assert len(alike.claims) > len(far)
    assert alike.in_window > len(new)
