"""Injections: for some minutes the stream runs faster and with more anomalies, and then as before."""

import time

import pyarrow.compute as pc
import pytest

from claims_sim import pipeline
from claims_sim.errors import RequestError
from claims_sim.generation.batch import utc_now
from claims_sim.pipeline import Injection
from claims_sim.store import control
from claims_sim.worker.engine import Engine


def test_without_an_injection_a_batch_is_as_the_settings_say(settings):
    assert pipeline.take_share(settings) is None
    assert pipeline.injection_state(settings) == {"running": False}


def test_what_is_due_of_an_injection_is_taken_once(settings):
    pipeline.start_injection(settings, Injection(minutes=1, per_s=4, anomaly_rate=0.25, anomaly_mix="upcoding"))
    taken = pipeline.take_share(settings)
    assert taken is not None
    assert taken.batch_size >= 40  # ten seconds' worth before the first
    assert (taken.anomaly_rate, taken.anomaly_mix, taken.author) == (0.25, "upcoding", "statistical")
    assert pipeline.take_share(settings) is None  # nothing more is due at this moment
    assert pipeline.injection_state(settings)["made"] == taken.batch_size


def test_its_claims_are_anomalies_of_the_kinds_asked_for(settings):
    pipeline.start_injection(settings, Injection(minutes=1, per_s=10, anomaly_rate=0.3, anomaly_mix="upcoding"))
    engine = Engine(settings)
    try:
        engine.begin(utc_now())
        batch = engine.tick(5, utc_now()).batch
        again = engine.tick(5, utc_now()).batch
    finally:
        engine.close()
    assert batch.author == "statistical"
    assert batch.planned >= 100
    truth = batch.truth.truth
    anomalies = truth.filter(pc.invert(truth["is_decoy"]))
    assert pc.unique(anomalies["kind"]).to_pylist() == ["upcoding"]
    assert 0.2 * batch.planned <= len(anomalies) <= 0.4 * batch.planned
    assert again.planned < batch.planned


def test_it_ends_by_itself_and_when_it_is_stopped(settings):
    pipeline.start_injection(settings, Injection(minutes=5, per_s=2))
    assert pipeline.injection_state(settings)["running"]
    assert not pipeline.stop_injection(settings)["running"]
    pipeline.start_injection(settings, Injection(minutes=5, per_s=2))
    control.change_status(settings.state_dir, "injection", lambda fact: fact | {"until": time.time() - 1})
    assert not pipeline.injection_state(settings)["running"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"per_s": 1000}, "per_s"),
        ({"anomaly_rate": 2}, "anomaly_rate"),
        ({"minutes": 0}, "minutes"),
        ({"speed": 3}, "speed"),
    ],
)
def test_what_is_out_of_bounds_is_named(asked, said):
    with pytest.raises(RequestError, match=said):
        Injection.read(asked)


def test_an_unknown_kind_is_refused_before_anything_starts(settings):
    with pytest.raises(RequestError, match="no kind"):
        pipeline.start_injection(settings, Injection(anomaly_mix="sorcery"))
    assert pipeline.injection_state(settings) == {"running": False}
