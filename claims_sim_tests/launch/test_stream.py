import json
import os
import signal
import subprocess
import sys

import pytest

from claims_sim.launch import stream
from claims_sim.launch.stopping import stop_on_signals
from claims_sim.settings import child_environment
from claims_sim.store import control


@pytest.mark.parametrize(
    ("number", "during"),
    [
        (signal.SIGTERM, "Profiling"),
        pytest.param(signal.SIGINT, "Training the scorer", marks=pytest.mark.slow),
    ],
)
def test_a_stop_before_the_first_batch_ends_in_order_and_says_that_nothing_was_made(settings, tmp_path, number, during):
    fresh = settings.model_copy(update={"state_dir": tmp_path / "fresh"})
    command = [sys.executable, "-m", "claims_sim.cli", "stream", "--rate", "20/s", "--no-report", "--json"]
    with subprocess.Popen(
        command, env=os.environ | child_environment(fresh), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert any(during in line for line in process.stderr)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Stopped; nothing was made yet." in err
    assert json.loads(out) == {"batches": 0, "claims": 0, "scored": 0}
    assert control.get_status(fresh.state_dir, "producer") is None  # it went through the door, not through the window


def test_a_library_that_makes_its_own_error_of_the_interrupt_does_not_hide_it():
    def query() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    with stop_on_signals() as stop, pytest.raises(KeyboardInterrupt), stop.at_once():
        query()
    with pytest.raises(KeyboardInterrupt), stop.at_once():
        pytest.fail("asked to stop before, yet it began")


def test_the_summary_tells_the_rate_asked_and_reached_and_the_log_how_far_it_is(run, monkeypatch):
    monkeypatch.setattr(stream, "TELLS_EVERY_S", 0.0)
    code, out, err = run("stream", "--rate", "200/s", "--batch-size", "3", "--max-claims", "6", "--no-report", "--json")
    told = json.loads(out)
    assert (code, told["claims"], told["claims/s asked"]) == (0, 6, 200)
    assert told["claims/s reached"] == pytest.approx(6 / told["seconds"], rel=0.5)
    assert "INFO 3 claims in 1 batches" in err
    assert "INFO 6 claims in 2 batches" in err


@pytest.mark.slow
def test_the_log_tells_of_every_batch_its_id_its_claims_and_its_time(run):
    _, _, err = run("stream", "--rate", "200/s", "--batch-size", "3", "--max-claims", "3", "--no-report", "-v")
    (line,) = [line for line in err.splitlines() if "DEBUG batch done" in line]
    fields = dict(field.split("=") for field in line.split() if "=" in field)
    assert set(fields) == {"batch", "claims", "scored", "seconds", "late_s"}
    assert (fields["claims"], fields["scored"]) == ("3", "3")
