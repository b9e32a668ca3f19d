"""What is told before anything starts: a folder that cannot be written, a channel that is silent, another source."""

import re
from datetime import UTC, datetime

import duckdb
import pytest

from claims_sim import pipeline
from claims_sim.errors import ClaimsSimError, SettingsError
from claims_sim.launch import demo, doctor, up
from claims_sim_tests.servers import free_port

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_a_state_folder_that_cannot_be_written_is_one_line_that_names_it(settings):
    nowhere = settings.model_copy(update={"state_dir": settings.state_dir.__class__("/proc/nothing")})
    with pytest.raises(SettingsError, match="CLAIMS_SIM_STATE_DIR=/proc/nothing cannot be written"):
        pipeline.require_writable_state(nowhere)
    with pytest.raises(SettingsError, match="cannot be written"):
        pipeline.profile_source(nowhere, NOW)
    pipeline.require_writable_state(settings)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"prompt_version": "v99"}, "CLAIMS_SIM_PROMPT_VERSION=v99 is not allowed"),
        ({"prompt_language": "fr"}, "CLAIMS_SIM_PROMPT_LANGUAGE=fr is not allowed"),
        ({"llm_base_url": "https://models.example/v1"}, "set CLAIMS_SIM_LLM_ALLOW_REMOTE=true"),
        ({"anomaly_mix": "fraud"}, "CLAIMS_SIM_ANOMALY_MIX: 'fraud' is no kind"),
    ],
)
def test_settings_under_which_every_batch_would_fail_stop_the_start(settings, changes, says, monkeypatch):
    monkeypatch.setattr(up.signal, "signal", lambda *_: None)  # of this process: it is no `up`
    llm = settings.model_copy(update={"author": "llm", "anomaly_rate": 0.02})
    pipeline.require_author(llm)
    wrong = llm.model_copy(update=changes)
    for start in (pipeline.require_author, lambda asked: demo.run(asked, 1, as_json=False), up.run):
        with pytest.raises(ClaimsSimError, match=re.escape(says)) as refusal:
            start(wrong)
        assert "\n" not in str(refusal.value)
    if "prompt" in says.lower():
        assert ("wrong", says) in [(f.verdict, f.found[: len(says)]) for f in doctor.examine(wrong)]


@pytest.mark.parametrize("kind", ["redis", "kafka"])
def test_a_channel_that_nobody_serves_is_named_and_one_that_answers_is_not(settings, kind):
    where = {"redis": "0?stream=claims", "kafka": "claims"}[kind]
    dead = settings.model_copy(
        update={"channel": f"{kind}://127.0.0.1:{free_port()}/{where}", "channel_timeout_s": 1.0}
    )
    assert "127.0.0.1" in pipeline.why_channel_is_silent(dead)
    assert pipeline.why_channel_is_silent(settings) == ""


@pytest.mark.slow
def test_another_source_than_last_time_is_named_and_its_profile_is_compared_with_nothing(settings, tmp_path):
    pipeline.keep_profile(settings, pipeline.profile_source(settings, NOW).profile)
    assert pipeline.note_of_former_source(settings) == ""
    path = tmp_path / "other.duckdb"
    path.write_bytes(settings.source.read_bytes())
    other = settings.model_copy(update={"source": path})
    assert str(settings.source) in pipeline.note_of_former_source(other)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "DELETE FROM claims_normalized WHERE patient_id_hash IN "
            "(SELECT DISTINCT patient_id_hash FROM claims_normalized ORDER BY 1 LIMIT 60)"
        )
    found = pipeline.profile_source(other, NOW)
    assert (found.is_new, found.before, found.movement) == (True, None, None)
