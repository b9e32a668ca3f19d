"""Lists of claims, one claim, risk, what the claims look like as a whole."""

import time

import pytest

from claims_sim import pipeline
from claims_sim.api.snapshots import _LISTED_S
from claims_sim.claim import Claim
from claims_sim.profile.document import Profile
from claims_sim_tests.states import NEXT_AT


def all_pages(client, path: str, cursor: str, **query) -> list[dict]:
    found: list[dict] = []
    at = None
    while True:
        page = client.get(path, params=query | ({cursor: at} if at is not None else {})).json()
        found += page["claims"]
        at = page[f"next_{cursor}"]
        if at is None:
            return found


def test_pages_hold_every_claim_once_the_newest_first(client):
    numbers = [record["seq"] for record in all_pages(client, "/claims", "before", limit=7)]
    assert numbers == list(range(40, 0, -1))


def test_each_payload_is_a_valid_claim_and_has_its_score(client):
    for record in client.get("/claims", params={"limit": 40}).json()["claims"]:
        Claim.model_validate(record["claim"], strict=False)
        assert 0 <= record["score"]["risk_score"] <= 1


def test_since_asks_for_what_is_new(client, streamed):
    pipeline.run_tick(streamed, NEXT_AT)
    time.sleep(2 * _LISTED_S)  # so long a listing of the snapshots may be old
    numbers = [record["seq"] for record in client.get("/claims", params={"since": 40}).json()["claims"]]
    assert sorted(numbers) == list(range(41, 61))


def test_filters_hold_on_every_claim_and_lose_none(client):
    everything = all_pages(client, "/claims", "before", limit=40)
    service = everything[0]["claim"]["service_type"]
    diagnosis = everything[0]["claim"]["diagnosis"]["primary_code"]
    for query, holds in (
        ({"service_type": service}, lambda r: r["claim"]["service_type"] == service),
        ({"diagnosis": diagnosis[:2] + "*"}, lambda r: r["claim"]["diagnosis"]["primary_code"][:2] == diagnosis[:2]),
        ({"min_risk": 0.2}, lambda r: r["score"]["risk_score"] >= 0.2),
    ):
        found = {r["seq"] for r in all_pages(client, "/claims", "before", limit=3, **query)}
        assert found == {r["seq"] for r in everything if holds(r)}


def test_one_claim_tells_score_and_how_it_was_made(client):
    listed = client.get("/claims", params={"limit": 1}).json()["claims"][0]
    detail = client.get(f"/claims/{listed['claim']['claim_id']}").json()
    assert {name: detail[name] for name in listed} == listed
    assert detail["provenance"]["author"] == "statistical"
    assert detail["provenance"]["profile_hash"]


def test_an_unknown_claim_is_a_problem_document(client):
    answer = client.get("/claims/SIM-2026-nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "SIM-2026-nothing" in answer.json()["detail"]


def test_high_risk_is_ordered_and_pages_to_the_end(client):
    rows = all_pages(client, "/high-risk", "offset", limit=9)
    risks = [row["score"]["risk_score"] for row in rows]
    assert len(rows) == 40
    assert risks == sorted(risks, reverse=True)
    assert client.get("/high-risk", params={"min_risk": 0.99, "max_risk": 0.5}).status_code == 422


def test_the_summary_counts_every_score(client):
    summary = client.get("/scores/summary", params={"threshold": 0}).json()
    assert summary["claims"] == summary["high_risk"] == 40
    assert sum(bar["claims"] for bar in summary["histogram"]) == 40
    assert sum(group["claims"] for group in summary["groups"]["severity"]) == 40


def test_the_profile_is_a_summary_or_the_whole_document(client, profile):
    summary = client.get("/profile")
    assert summary.json()["profile_hash"] == profile.profile_hash
    assert client.get("/profile", headers={"if-none-match": summary.headers["etag"]}).status_code == 304
    whole = client.get("/profile/document")
    assert Profile.from_json(whole.text).profile_hash == profile.profile_hash


def test_expected_and_live_shares_are_shares(client):
    answer = client.get("/distribution").json()
    assert answer["claims"] == 40
    assert {"los", "amount_claimed", "dx_primary_code", "province_name"} <= set(answer["columns"])
    for rows in answer["columns"].values():
        for kind in ("expected", "live"):
            assert sum(row[kind] for row in rows) == pytest.approx(1, abs=0.01)


def test_without_claims_every_list_is_empty_and_nothing_fails(settings):
    from fastapi.testclient import TestClient

    from claims_sim.api.app import create_app

    with TestClient(create_app(settings), base_url="http://localhost") as client:
        assert client.get("/claims").json() == {"claims": [], "next_before": None}
        assert client.get("/high-risk").json()["total"] == 0
        assert client.get("/scores/summary").json()["claims"] == 0
        assert client.get("/readyz").status_code == 503
        assert client.get("/fidelity").status_code == 404
        assert client.get("/healthz").json() == {"alive": True}


def test_versioned_paths_answer_the_same(client):
    assert client.get("/v1/claims").json() == client.get("/claims").json()


def test_metrics_are_prometheus_text(client):
    assert "claims_sim_ingested_total 40.0" in client.get("/metrics").text
