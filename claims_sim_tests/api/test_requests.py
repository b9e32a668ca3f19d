"""Claims on demand: at once, as lines, as a job; and what is refused."""

import time

import pytest

from claims_sim.claim import Claim


def test_claims_hold_what_was_asked(client):
    asked = {"count": 30, "where": {"service_type": ["RITL"], "los": [2, 4]}}
    answer = client.post("/simulate/claims", json=asked).json()
    claims = [Claim.model_validate(claim) for claim in answer["claims"]]
    assert len(claims) == 30
    assert {claim.service_type for claim in claims} == {"RITL"}
    assert answer["asked"]["where"] == "service_type=RITL; los=2..4"


def test_lines_come_one_claim_each(client):
    answer = client.post("/simulate/claims", json={"count": 700}, headers={"accept": "application/x-ndjson"})
    lines = answer.text.splitlines()
    assert len({Claim.model_validate_json(line).claim_id for line in lines}) == 700


def test_many_claims_become_a_job(client):
    started = client.post("/simulate/claims", json={"count": 2_000})
    assert started.status_code == 202
    where = started.headers["location"]
    deadline = time.monotonic() + 60
    while client.get(where).json()["state"] in {"queued", "running"} and time.monotonic() < deadline:
        time.sleep(0.1)
    job = client.get(where).json()
    assert (job["state"], job["written"]) == ("done", 2_000)
    assert len(client.get(job["result"]).text.splitlines()) == 2_000


def test_anomalies_that_were_asked_for_are_told_and_refused_where_they_cannot_be(client):
    asked = {"count": 10, "where": {"service": ["RITL"]}, "anomaly_rate": 0.3, "anomaly_mix": "upcoding"}
    answer = client.post("/simulate/claims", json=asked).json()
    found = [row for row in answer["truth"] if row["label"] == "anomaly"]
    assert [row["kind"] for row in found] == ["upcoding"] * 3
    assert {row["claim_id"] for row in found} <= {claim["claim_id"] for claim in answer["claims"]}
    assert client.post("/simulate/claims", json={"count": 3}).json()["truth"] == []
    lines = client.post("/simulate/claims", json=asked, headers={"accept": "application/x-ndjson"})
    job = client.post("/simulate/claims", json=asked | {"count": 2_000})
    for refused in (lines, job):
        assert refused.status_code == 400
        assert "no known answers" in refused.json()["detail"]


def test_what_the_profile_does_not_have_is_one_line(client):
    answer = client.post("/simulate/claims", json={"where": {"province_name": ["ATLANTIS"]}})
    assert answer.status_code == 400
    assert "ATLANTIS" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"count": 0},
        {"count": 10**9},
        {"anything": 1},
        {"where": {"sql": "x"}},
        {"mix": {"service_type": {"RITL": 2}}},
        [],
    ],
)
def test_a_wrong_request_is_refused_with_its_place(client, body):
    answer = client.post("/simulate/claims", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "media_type", "told"),
    [
        ("nonsense", "application/json", "The body is no JSON: Expecting value at character 0."),
        ('{"count": 2}', "", "The body is taken for text: send JSON, with content-type application/json."),
        ("", "application/json", "The request has no body: send a JSON object, with content-type application/json."),
        ("[]", "application/json", "The body must be a JSON object, such as {}."),
        (
            '{"anomaly_mix": "upcoding"}',
            "application/json",
            "anomaly_mix names kinds of anomalies, anomaly_rate says how many: give both.",
        ),
    ],
)
def test_a_body_that_is_no_object_is_told_apart(client, body, media_type, told):
    answer = client.post("/simulate/claims", content=body, headers={"content-type": media_type} if media_type else {})
    assert (answer.status_code, answer.json()["detail"]) == (422, told)


def test_a_wrong_field_is_one_sentence_in_our_words(client):
    detail = client.post("/simulate/claims", json={"where": {"prov": ["BALI"]}}).json()["detail"]
    assert detail.startswith("where: ")
    assert "Value error" not in detail
    assert ".." not in detail


def test_nothing_of_a_request_reaches_stream_or_table(client, streamed):
    client.post("/simulate/claims", json={"count": 5})
    assert client.get("/claims", params={"limit": 1}).json()["claims"][0]["seq"] == 40


def test_an_unknown_job_is_not_found(client):
    assert client.get("/simulate/jobs/0123456789abcdef").status_code == 404
