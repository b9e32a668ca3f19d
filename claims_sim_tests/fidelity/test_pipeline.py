"""Measuring and watching from the pipeline and the command line: files in, reports out, one line for a mistake."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from claims_sim import pipeline
from claims_sim.errors import SourceError
from claims_sim.generation.request import ClaimsRequest
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.sampler import Sampler
from claims_sim.rules.wire import to_flat

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def claims(profile):
    return to_flat(Sampler(profile).draw_claims(9, np.arange(1200)))


def test_the_report_is_one_page_without_a_network_and_names_no_person(settings, claims, tmp_path):
    pq.write_table(claims, tmp_path / "claims.parquet")
    run = pipeline.measure_fidelity(settings, tmp_path / "claims.parquet", rows=1000)
    page = pipeline.write_fidelity(settings, run, NOW).read_text()
    assert page.count("<h2>") == 5
    assert "http" not in page.replace("http-equiv", "")
    assert all(score.meaning.split(":")[0] in page.replace("&#39;", "'") for score in run.fidelity.scores)


@pytest.mark.slow
def test_jsonl_and_parquet_of_the_same_claims_agree(settings, connection, claims, tmp_path):
    from claims_sim.rules.wire import to_payloads

    named = claims.set_column(0, "claim_id", [[f"SIM-2026-{i}" for i in range(len(claims))]])
    dated = named.set_column(named.column_names.index("generated_at"), "generated_at", named["admit_dt"])
    (tmp_path / "claims.jsonl").write_text("".join(f"{line}\n" for line in to_payloads(connection, dated)))
    pq.write_table(claims, tmp_path / "claims.parquet")
    found = [
        {
            column.name: column.distance
            for column in pipeline.measure_fidelity(settings, tmp_path / name, rows=4000).fidelity.columns
        }
        for name in ("claims.jsonl", "claims.parquet")
    ]
    shared = found[0].keys() & found[1].keys()
    assert {"dx_primary_code", "amount_claimed", "los", "secondary_count"} <= shared
    assert all(found[0][name] == pytest.approx(found[1][name], abs=0.05) for name in shared)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("claims.jsonl", '{"a": 1}\n' * 300, r"300 of 300 lines are no claims \(first fault: keys\)"),
        ("claims.duckdb", "no database " * 1000, "neither a DuckDB database nor"),
    ],
)
def test_a_wrong_file_is_one_line(settings, tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=message):
        pipeline.measure_fidelity(settings, tmp_path / name)


def test_a_missing_file_is_one_line(settings, tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        pipeline.measure_fidelity(settings, tmp_path / "none.parquet")


def test_the_stream_is_watched_once_there_are_enough_batches(settings, grown):
    assert pipeline.watch_drift(settings) is None
    grown(3, 5)
    shutil.rmtree(settings.state_dir / "drift")  # what to expect is counted here, and kept
    found = pipeline.watch_drift(settings)
    assert (found.claims, found.batches, found.enough) == (15, 3, False)
    assert {"service_type", "los", "amount_claimed"} <= {column.name for column in found.columns}
    (kept,) = (settings.state_dir / "drift").glob("*.json")
    assert json.loads(kept.read_text()).keys() == {column.name for column in found.columns}
    assert pipeline.watch_drift(settings) == found


@pytest.mark.slow
def test_a_new_profile_begins_a_new_window(ticked, profile):
    pipeline.keep_profile(
        ticked, Profile.from_json(json.dumps(json.loads(profile.to_json()) | {"oddities": ["another"]}))
    )
    pipeline.run_tick(ticked, NOW)
    assert pipeline.watch_drift(ticked).batches == 1


@pytest.mark.slow
def test_a_mix_is_expected_of_a_stream_that_was_made_with_it(settings):
    mixed = settings.model_copy(update={"mix": "service_type:RITL=0.9", "batch_size": 60, "anomaly_rate": 0.0})
    profile = pipeline.current_profile(settings)
    for number in range(21):
        pipeline.commit_batch(mixed, pipeline.generate_batch(mixed, profile, NOW + timedelta(minutes=number)))
    pipeline.relay_outbox(mixed)
    pipeline.ingest(mixed)
    found = pipeline.watch_drift(mixed)
    assert (found.batches, found.enough, found.drifted) == (21, True, ())
    for number in range(2):  # claims that somebody asked for are no drift, and no part of the window
        asked = ClaimsRequest(count=30, where=ClaimFilter(service_type=("RJTL",)))
        batch = pipeline.generate_batch(mixed, profile, NOW + timedelta(hours=2, minutes=number), asked)
        pipeline.commit_batch(mixed, batch)
    pipeline.relay_outbox(mixed)
    pipeline.ingest(mixed)
    again = pipeline.watch_drift(mixed)
    assert (again.batches, again.claims, again.drifted) == (21, found.claims, ())
