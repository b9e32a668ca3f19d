"""Key, host, size, rate: refused before any route is reached."""

import re
import socket

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from claims_sim.api import serve
from claims_sim.api.app import create_app
from claims_sim.errors import EXIT_USAGE, SettingsError


def test_a_busy_port_is_told_before_anything_is_said_to_be_served(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, out, err = run("serve", "--port", taken.getsockname()[1])
    assert (code, out) == (EXIT_USAGE, "")
    assert "cannot listen on 127.0.0.1" in err


def test_another_host_name_is_refused(client):
    assert client.get("/claims", headers={"host": "rebound.example:8000"}).status_code == 421


def test_a_key_is_asked_for_and_taken_in_both_forms(settings):
    keyed = settings.model_copy(update={"api_key": SecretStr("a-secret")})
    with TestClient(create_app(keyed), base_url="http://localhost") as client:
        assert client.get("/claims").status_code == 401
        assert client.get("/claims", headers={"x-api-key": "another"}).status_code == 401
        assert client.get("/claims", headers={"x-api-key": "a-secret"}).status_code == 200
        assert client.get("/claims", headers={"authorization": "Bearer a-secret"}).status_code == 200
        assert client.get("/healthz").status_code == 200
        assert "a-secret" not in client.get("/claims").text


def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(client):
    body = b'{"count": 1, "x": "' + b"a" * 70_000 + b'"}'
    headers = {"content-type": "application/json"}
    assert client.post("/simulate/claims", content=body, headers=headers).status_code == 413
    pieces = (body[i : i + 1000] for i in range(0, len(body), 1000))
    assert client.post("/simulate/claims", content=pieces, headers=headers).status_code == 413


def test_one_who_asks_too_often_waits(settings):
    slow = settings.model_copy(update={"api_rate": 1.0})
    with TestClient(create_app(slow), base_url="http://localhost") as client:
        answers = [client.get("/healthz") for _ in range(6)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert int(refused[0].headers["retry-after"]) >= 1


def test_the_page_that_explains_the_api_needs_neither_a_key_nor_anything_from_elsewhere(settings):
    keyed = settings.model_copy(update={"api_key": SecretStr("a-secret")})
    with TestClient(create_app(keyed), base_url="http://localhost") as client:
        page = client.get("/docs").text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(loaded) >= 3
        for address in [*loaded, "/openapi.json"]:
            assert not address.startswith(("http", "//"))
            assert client.get(address).status_code == 200, address


def test_an_address_that_others_reach_needs_a_key(settings):
    with pytest.raises(SettingsError, match="CLAIMS_SIM_API_KEY"):
        serve.run(settings.model_copy(update={"api_host": "0.0.0.0"}))
