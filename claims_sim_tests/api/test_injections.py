"""The page's controls over HTTP."""


def test_an_injection_is_started_read_and_stopped(client):
    assert client.get("/injection").json() == dict.fromkeys(
        ("minutes", "per_s", "anomaly_rate", "anomaly_mix", "made", "since", "until")
    ) | {"running": False}
    asked = {"minutes": 5, "per_s": 2, "anomaly_rate": 0.3, "anomaly_mix": "upcoding"}
    started = client.post("/injection", json=asked)
    assert started.status_code == 200
    assert started.json().items() >= (asked | {"running": True}).items()
    assert client.get("/injection").json()["running"]
    assert not client.delete("/injection").json()["running"]


def test_what_cannot_be_injected_is_a_problem(client):
    assert client.post("/injection", json={"per_s": 900}).status_code == 422
    unknown = client.post("/injection", json={"anomaly_mix": "sorcery"})
    assert unknown.status_code == 400
    assert "sorcery" in unknown.json()["detail"]
