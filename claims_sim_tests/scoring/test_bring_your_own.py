"""The three ways to bring a scorer, each by the example in docs/examples/scorers; the check; and the chain with one."""

import hashlib
import importlib.util
import json
import runpy
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from claims_sim import pipeline
from claims_sim.cli import app
from claims_sim.errors import ScorerError
from claims_sim.generation.batch import utc_now
from claims_sim.scoring.access import ScorerAccess
from claims_sim.scoring.foreign import TEMPLATE
from claims_sim.scoring.foreign.http import HttpScorer
from claims_sim.scoring.protocol import open_scorer
from claims_sim.store import scores
from claims_sim.worker.engine import Engine

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "scorers"


def checks_of(settings, spec, **changed):
    return {c.name: c for c in pipeline.try_scorer(settings.model_copy(update=changed), spec)}


def verdicts(found):
    return {c.verdict for c in found.values()}


@pytest.fixture
def template(tmp_path):
    """The template in the folder that a test works in."""
    done = CliRunner().invoke(app, ["scorer", "template", "--out", str(tmp_path / "mine_too.py")])
    assert done.exit_code == 0
    return "mine_too:MyScorer"


def test_the_template_keeps_the_protocol(settings, template):
    found = checks_of(settings, template)
    assert verdicts(found) == {"ok"}
    assert len(found) == 10
    assert "mine_too, version 1" in found["opens"].detail


def test_a_template_is_not_written_over_a_file_nor_under_a_name_that_cannot_be_imported(tmp_path):
    (tmp_path / "there.py").write_text("mine")
    for name, told in (
        ("there.py", "is left alone"),
        ("my-scorer.py", "can be imported"),
        ("x.txt", "can be imported"),
    ):
        done = CliRunner().invoke(app, ["scorer", "template", "--out", str(tmp_path / name)])
        assert done.exit_code != 0
        assert told in str(done.exception)
    assert (tmp_path / "there.py").read_text() == "mine"


@pytest.fixture(scope="module")
def forest(profile, tmp_path_factory):
    """The example's isolation forest, trained on claims of the profile, and its SHA-256."""
    import joblib

    from claims_sim.profile.sampler import Sampler

    train = runpy.run_path(str(EXAMPLES / "isolation_forest.py"))["train"]
    path = tmp_path_factory.mktemp("forest") / "forest.joblib"
    joblib.dump(train(Sampler(profile).draw_claims(1, np.arange(3_000)).to_pandas()), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_the_example_of_a_pickled_isolation_forest_keeps_the_protocol(settings, forest):
    path, digest = forest
    found = checks_of(settings, f"joblib:{path}", scorer_allow_pickle=True, scorer_sha256=digest)
    assert verdicts(found) == {"ok"}
    assert "isolation_forest, version 1" in found["opens"].detail


def test_a_pickle_is_loaded_only_when_that_is_allowed_and_it_is_the_one(settings, forest, tmp_path):
    path, digest = forest
    spec = f"joblib:{path}"
    for changed, told in (
        ({}, "CLAIMS_SIM_SCORER_ALLOW_PICKLE=true"),
        ({"scorer_allow_pickle": True}, f"SHA256 is not set; this file's is {digest}"),
        ({"scorer_allow_pickle": True, "scorer_sha256": "0" * 64}, "not the one in CLAIMS_SIM_SCORER_SHA256"),
    ):
        failed = checks_of(settings, spec, **changed)["opens"]
        assert failed.verdict == "failed"
        assert told in failed.detail
    missing = checks_of(settings, f"joblib:{tmp_path / 'none.joblib'}", scorer_allow_pickle=True, scorer_sha256=digest)
    assert "cannot be read" in missing["opens"].detail


@pytest.mark.slow
def test_a_pipeline_without_a_feature_list_says_so(tmp_path):
    import joblib
    from sklearn.ensemble import IsolationForest

    path = tmp_path / "bare.joblib"
    joblib.dump(IsolationForest(n_estimators=2).fit([[1.0], [2.0]]), path)
    access = ScorerAccess(allow_pickle=True, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ScorerError, match="no feature list"):
        open_scorer(f"joblib:{path}", access, default=None)


@pytest.fixture(scope="module")
def server():
    """The example's scoring server, in a process of its own."""
    from claims_sim_tests.servers import free_port

    port = free_port()
    process = subprocess.Popen([sys.executable, str(EXAMPLES / "scoring_server.py"), str(port)])
    yield f"http://127.0.0.1:{port}/score"
    process.terminate()
    process.wait()


def test_the_example_of_a_scoring_server_keeps_the_protocol(settings, server):
    found = checks_of(settings, server)
    until = time.monotonic() + 60
    while "failed" in verdicts(found) and time.monotonic() < until:  # it is still starting
        found = checks_of(settings, server)
    assert verdicts(found) == {"ok"}


class Replies:
    """An endpoint that gives the replies of a queue, and keeps what it was asked; the last reply is given for ever."""

    def __init__(self, *replies):
        self.asked, queue = [], list(replies)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((dict(self.headers), body))
                status, reply = queue.pop(0) if len(queue) > 1 else queue[0]
                if callable(reply):
                    reply = reply(body)
                content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/score"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def replies():
    made = []

    def make(*queue):
        made.append(Replies(*queue))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def judged(body):
    return {"version": "7", "scores": [{"claim_id": c["claim_id"], "risk_score": 0.25} for c in body["claims"]]}


def test_an_endpoint_that_is_overloaded_is_asked_again_and_gets_key_and_claims_in_batches(replies, claims):
    endpoint = replies((503, b"busy"), (200, judged))
    with HttpScorer(endpoint.address, ScorerAccess(api_key="k")) as scorer:
        verdict = scorer.score_table(claims(700, 1).append_column("batch_id", claims(700, 1)["claim_id"]))
    assert verdict["risk_score"].to_pylist() == [0.25] * 700
    assert scorer.version == "7"
    assert [len(body["claims"]) for _, body in endpoint.asked] == [500, 500, 200]
    assert endpoint.asked[0][0]["Authorization"] == "Bearer k"
    assert "batch_id" not in endpoint.asked[0][1]["claims"][0]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ((500, b"out of order"), "answers 500: out of order"),
        ((200, b"<html>"), "no JSON"),
        ((200, {"rows": []}), 'gave no {"scores"'),
        ((200, {"scores": []}), "left out 3 of 3 claims"),
        ((200, lambda body: {"scores": [{"claim_id": c["claim_id"], "risk_score": 2} for c in body["claims"]]}), "from 0 to 1"),
    ],
)  # fmt: skip
def test_a_wrong_answer_of_an_endpoint_is_one_line(replies, claims, reply, told):
    with HttpScorer(replies(reply).address, ScorerAccess()) as scorer, pytest.raises(ScorerError, match=told):
        scorer.score_table(claims(3, 1))


def test_an_endpoint_that_does_not_answer_in_time_is_given_up(replies, claims):
    slow = replies((200, lambda _: time.sleep(0.4) or {}))
    with (
        HttpScorer(slow.address, ScorerAccess(timeout_s=0.1)) as scorer,
        pytest.raises(ScorerError, match="ReadTimeout"),
    ):
        scorer.score_table(claims(1, 1))


@pytest.mark.parametrize(
    ("address", "access", "told"),
    [
        ("http://scores.example/x", ScorerAccess(), "claims would leave"),
        ("http://scores.example/x", ScorerAccess(allow_remote=True, api_key="k"), "over https only"),
        ("http://me:pw@127.0.0.1/x", ScorerAccess(), "or a password"),
    ],
)
def test_an_endpoint_that_may_not_be_used_is_refused(address, access, told):
    with pytest.raises(ScorerError, match=told) as caught:
        open_scorer(address, access, default=None)
    assert "pw" not in str(caught.value)


def test_tick_and_worker_score_with_the_scorer_of_the_settings(settings, template):
    own = settings.model_copy(update={"scorer": template, "author": "statistical"})
    pipeline.run_tick(own, utc_now())
    engine = Engine(own)
    try:
        engine.begin(utc_now())
        engine.tick(5, utc_now())
    finally:
        engine.close()
    stored = scores.read_scores(pipeline.database(own))
    assert len(stored) == 10
    assert set(zip(stored["scorer"].to_pylist(), stored["model_version"].to_pylist(), strict=True)) == {
        ("mine_too", "1")
    }
    assert stored["risk_score"].equals(stored["ml_score_normalized"])


def test_a_scorer_that_fails_leaves_the_claims_to_be_scored_by_the_next_one(settings, tmp_path):
    (tmp_path / "failing.py").write_text("class Mine:\n    def score(self, claims):\n        raise ValueError('no')\n")
    own = settings.model_copy(update={"scorer": "failing:Mine", "author": "statistical"})
    with pytest.raises(ScorerError, match=r"ValueError: no \(failing.py, line 3\)"):
        pipeline.run_tick(own, utc_now())
    assert pipeline.score_new(settings, utc_now()) == 5
    assert set(scores.read_scores(pipeline.database(own))["scorer"].to_pylist()) == {"claims_sim"}


def test_the_template_in_the_package_is_a_scorer_as_it_stands(claims):
    spec = importlib.util.spec_from_file_location("template", TEMPLATE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = module.MyScorer().score(claims(100, 1).to_pandas())
    assert given["risk_score"].between(0, 1).all()
