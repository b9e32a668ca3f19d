"""Claims on demand: what is asked for holds, the answer repeats itself, and publishing goes the stream's own way."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import get_args

import dagster as dg
import pytest
from typer.testing import CliRunner

from claims_sim import pipeline
from claims_sim.claim import Claim
from claims_sim.cli import app
from claims_sim.definitions import build_definitions
from claims_sim.errors import ClaimsSimError, RequestError, StoreError
from claims_sim.generation.request import ClaimsRequest
from claims_sim.orchestration.config import BatchConfig
from claims_sim.settings import AuthorName, Clock
from claims_sim.store import control, outbox, truth

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CAESAREAN = {"count": 6, "where": ["procedure=caesarean", "class=C"]}
STAYS = {"count": 6, "where": ["service=RITL", "class=C"]}


def ask(settings, **changes):
    return pipeline.write_on_demand(settings, ClaimsRequest.read(STAYS | changes), NOW)


def test_names_and_words_stand_for_what_the_profile_calls_them(settings):
    answer = ask(settings, **CAESAREAN)
    claims = [Claim.model_validate(claim) for claim in answer.claims]
    assert len(claims) == 6
    assert all("cesarean" in claim.procedure.label.lower() for claim in claims)
    assert {claim.facility.class_ for claim in claims} == {"RS Kelas C"}
    assert [row["claim_id"] for row in answer.provenance] == [claim.claim_id for claim in claims]


def test_an_answers_request_gives_the_same_claims_again(settings):
    first = ask(settings)
    again = pipeline.write_on_demand(settings, ClaimsRequest.read(first.as_dict()["request"]), datetime.now(UTC))
    assert again.claims == first.claims
    assert ask(settings, seed=3).claims != first.claims


@pytest.mark.slow
def test_who_asks_for_a_procedure_gets_patients_whom_it_suits(settings):
    answer = ask(settings, where=["procedure=caesarean"], count=160)
    assert not set(answer.batch.warnings) & {"obstetric_procedure_without_pregnancy", "delivery_without_stay"}
    again = pipeline.write_on_demand(settings, answer.request, datetime.now(UTC))
    assert again.claims == answer.claims


@pytest.mark.parametrize(
    ("where", "begins"),
    [("dx=O80.0", "O800"), ("dx=o8.*", "O8"), ("procedure=74.*", "74")],
)
def test_codes_may_be_asked_for_with_dots(settings, where, begins):
    claims = [Claim.model_validate(claim) for claim in ask(settings, where=["service=RITL", where]).claims]
    of_procedure = where.startswith("procedure")
    codes = [claim.procedure.code if of_procedure else claim.diagnosis.primary_code for claim in claims]
    assert len(codes) == STAYS["count"]
    assert all(code.startswith(begins) for code in codes)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (["procedure=banana"], "The profile has nothing with procedure_code 'banana'"),
        (["province=jawa"], "province_name 'jawa' stands for several: JAWA BARAT"),
        (["procedure=caesarean", "service=RJTL", "dx=J18*"], "The profile has nothing like that"),
    ],
)
def test_what_the_profile_has_nothing_of_is_said_in_one_line(settings, where, says):
    with pytest.raises(RequestError, match=re.escape(says)) as refusal:
        ask(settings, where=where)
    assert "\n" not in str(refusal.value)


def test_nothing_is_stored_unless_publishing_is_asked_for(settings):
    assert ask(settings).delivery == "not asked for"
    assert not settings.database_path.exists()


def test_a_published_answer_arrives_in_the_stream_once(settings):
    request = ClaimsRequest.read(STAYS)
    answer = pipeline.write_on_demand(settings, request, NOW, publish=True)
    assert answer.delivery == "sent"
    assert pipeline.ingest(settings).rows == 6
    pipeline.write_on_demand(settings, answer.request, NOW, publish=True)
    assert pipeline.ingest(settings).rows == 0


UPCODED = {"count": 20, "where": ["service=RITL", "class=B"], "anomaly_rate": 0.3, "anomaly_mix": "upcoding"}


def anomalies_of(answer):
    return [row for row in answer.truth if row["label"] == "anomaly"]


def test_a_share_of_anomalies_is_exact_told_and_within_what_was_asked_for(settings):
    answer = ask(settings, **UPCODED)
    assert [row["kind"] for row in anomalies_of(answer)] == ["upcoding"] * 6
    claims = {claim["claim_id"]: Claim.model_validate(claim) for claim in answer.claims}
    for row in anomalies_of(answer):
        assert (
            claims[row["claim_id"]].severity_group == row["after"]["severity_group"] != row["before"]["severity_group"]
        )
    assert {(claim.service_type, claim.facility.class_) for claim in claims.values()} == {("RITL", "RS Kelas B")}
    assert answer.summary()["anomalies"] == 6
    assert json.dumps(answer.as_dict()["truth"])
    assert not settings.database_path.exists()
    assert not truth.truth_path(settings.state_dir).exists()
    again = pipeline.write_on_demand(settings, answer.request, datetime.now(UTC))
    assert (again.claims, again.truth) == (answer.claims, answer.truth)


@pytest.mark.slow
def test_what_is_asked_for_by_name_can_be_anomalous(settings):
    answer = ask(settings, where=["procedure=caesarean"], count=10, anomaly_rate=0.3, anomaly_mix="upcoding")
    assert len(anomalies_of(answer)) == 3
    assert all("cesarean" in claim["procedure"]["label"].lower() for claim in answer.claims)


def test_claims_on_demand_hold_no_anomaly_unless_some_are_asked_for(settings):
    answer = ask(settings.model_copy(update={"anomaly_rate": 0.5}))
    assert answer.truth == []
    assert "truth" not in answer.as_dict()
    assert answer.request.anomaly_rate == 0


def test_persons_of_the_stream_come_back_in_claims_on_demand(settings):
    keyed = settings.model_copy(update={"ref_keys": True, "anomaly_rate": 0.0})
    batch = pipeline.generate_batch(keyed, pipeline.current_profile(keyed), NOW, ClaimsRequest(count=150, seed=1))
    pipeline.commit_batch(keyed, batch)
    pipeline.relay_outbox(keyed)
    assert pipeline.ingest(keyed).rows == 150
    known = set(batch.claims["patient_id_hash"].to_pylist())
    later = NOW + timedelta(days=40)
    for rate in (None, 0.1):
        asked = ClaimsRequest(count=150, seed=2, anomaly_rate=rate)
        claims = pipeline.write_on_demand(keyed, asked, later).batch.claims
        assert known & set(claims["patient_id_hash"].to_pylist())


def test_kinds_without_a_share_are_told_to_lack_it(settings):
    with pytest.raises(RequestError, match="anomaly_rate says how many: give both"):
        ask(settings, anomaly_mix="upcoding")


def test_an_unknown_kind_of_anomaly_is_said_in_one_line(settings):
    with pytest.raises(RequestError, match=r"^anomaly_mix: 'fraud' is no kind") as refusal:
        ask(settings, anomaly_rate=0.3, anomaly_mix="fraud")
    assert "\n" not in str(refusal.value)


def test_the_truth_of_published_anomalies_is_kept_and_a_second_time_changes_nothing(settings):
    first = pipeline.write_on_demand(settings, ClaimsRequest.read(UPCODED), NOW, publish=True)
    path = truth.truth_path(settings.state_dir)
    kept = truth.read_truth(path)
    assert truth.labelled_ids(path, kept["claim_id"].to_pylist()) == {row["claim_id"] for row in anomalies_of(first)}
    assert pipeline.ingest(settings).rows == 20
    pipeline.write_on_demand(settings, first.request, NOW, publish=True)
    assert pipeline.ingest(settings).rows == 0
    other = first.request.model_copy(update={"seed": 9})
    with pytest.raises(StoreError, match="with another content"):
        pipeline.write_on_demand(settings, other, NOW, publish=True)
    assert truth.read_truth(path).equals(kept)


def test_claims_that_the_model_did_not_write_are_told_beside_the_payloads(run, settings, monkeypatch):
    monkeypatch.setenv("CLAIMS_SIM_AUTHOR", "llm")
    monkeypatch.setenv("CLAIMS_SIM_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    code, out, err = run("request", "--count", "2", "--deadline", "0.5")
    assert code == 0
    assert len(out.splitlines()) == 2
    assert "127.0.0.1:9" in err


def test_while_another_produces_a_published_answer_waits_in_the_outbox(settings):
    with control.producer_lock(settings.state_dir, "another"):
        answer = pipeline.write_on_demand(settings, ClaimsRequest.read(STAYS), NOW, publish=True)
    assert answer.delivery == "waits in the outbox"
    assert outbox.pending(pipeline.database(settings)) == (answer.batch.request.batch_id,)
    assert pipeline.relay_outbox(settings).claims == 6


def test_nothing_is_published_past_the_size_limit(ticked):
    full = ticked.model_copy(update={"max_size_mb": 0.001})
    with pytest.raises(ClaimsSimError, match="Paused: the simulation takes"):
        pipeline.write_on_demand(full, ClaimsRequest.read(STAYS), NOW, publish=True)


def test_the_launchpad_asks_for_all_that_a_request_can():
    assert set(BatchConfig.model_fields) == set(ClaimsRequest.model_fields)
    assert BatchConfig().request() == ClaimsRequest()
    for name, field in BatchConfig.model_fields.items():
        assert (ClaimsRequest.model_fields[name].description or "") in (field.description or "-")


def test_the_launchpad_shows_what_can_be_asked_for_and_every_choice():
    shown = {name for name, field in BatchConfig.model_fields.items() if field.default is not None}
    assert shown == {"count", "where", "author", "clock"}
    for name, choices in (("author", AuthorName), ("clock", Clock)):
        offered = [choice.name for choice in type(BatchConfig.model_fields[name].default)]
        assert set(offered) == {"as_settings_say", *get_args(choices)}
        assert offered[0] == BatchConfig.model_fields[name].default.name


def run_batch(settings, **config):
    job = build_definitions(settings).resolve_job_def("simulate_claims")
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"ops": {"synthetic_claims_batch": {"config": config}}},
        )


def test_a_run_with_configuration_makes_the_claims_that_it_asks_for(settings):
    result = run_batch(settings, count=4, where=["service=RITL", "province=BALI"], seed=2)
    assert result.success
    (made,) = result.asset_materializations_for_node("synthetic_claims_batch")
    assert made.metadata["dagster/row_count"].value == 4
    assert made.metadata["asked for: where"].value == "service_type=RITL; province_name=BALI"


@pytest.mark.slow
def test_a_run_is_found_by_its_batch_and_by_who_wrote_it(settings):
    job = build_definitions(settings).resolve_job_def("simulate_claims")
    config = {"ops": {"synthetic_claims_batch": {"config": {"count": 2, "author": "statistical"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, run_config=config)
        tags = instance.get_run_by_id(result.run_id).tags
    (made,) = result.asset_materializations_for_node("synthetic_claims_batch")
    told = {name: made.metadata[name].value for name in ("batch", "author", "model")}
    assert told == {name: tags[f"claims_sim/{name}"] for name in told}
    assert told["author"] == "statistical"


@pytest.mark.slow
def test_a_run_asked_for_anomalies_makes_as_many(settings):
    asked = {"count": 10, "where": ["procedure=caesarean"], "anomaly_rate": 0.2, "anomaly_mix": "upcoding"}
    assert run_batch(settings, **asked).success
    known = truth.read_truth(truth.truth_path(settings.state_dir)).to_pylist()
    assert [row["kind"] for row in known if row["label"] == "anomaly"] == ["upcoding"] * 2


def test_a_run_asked_for_what_is_no_request_fails_in_one_line(settings):
    result = run_batch(settings, where=["colour=red"])
    (failure,) = (event for event in result.all_node_events if event.is_step_failure)
    assert "where: claims cannot be asked for by 'colour'" in failure.step_failure_data.error_display_string


def test_the_command_prints_payloads_and_keeps_the_whole_answer(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("CLAIMS_SIM_STATE_DIR", str(settings.state_dir))
    monkeypatch.setenv("CLAIMS_SIM_SOURCE", str(settings.source))
    options = ["request", "--author", "statistical", "--count", "2", "--where", "service=RITL"]
    printed = CliRunner().invoke(app, options)
    assert [Claim.model_validate_json(line).service_type for line in printed.stdout.splitlines()] == ["RITL"] * 2
    out = tmp_path / "answer.json"
    assert CliRunner().invoke(app, [*options, "--out", str(out)]).exit_code == 0
    again = CliRunner().invoke(app, ["request", "--file", str(out), "--json"])
    assert json.loads(again.stdout)["claims"] == json.loads(out.read_text())["claims"]
