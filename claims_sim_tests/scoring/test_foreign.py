"""A scorer of one's own in a process of its own: what it is given, what it cannot reach, and how its faults are told."""

import json
import os
import textwrap
import time
from pathlib import Path

import pyarrow as pa
import pytest

from claims_sim.errors import ScorerError
from claims_sim.scoring.access import ScorerAccess
from claims_sim.scoring.foreign.allowed import readable_paths
from claims_sim.scoring.protocol import check_verdicts, open_scorer


@pytest.fixture
def opened(tmp_path):
    """A function: source of a module with a class Mine -> its scorer, opened; closed at the end of the test."""
    scorers = []

    def write(body, name="mine", **access):
        (tmp_path / f"{name}.py").write_text("import pandas as pd\n" + textwrap.dedent(body))
        access = {"search": (tmp_path,), **access}
        scorers.append(open_scorer(f"{name}:Mine", ScorerAccess(**access), default=None))
        return scorers[-1]

    yield write
    for scorer in scorers:
        scorer.close()


CONSTANT = """
    class Mine:
        name, version = "constant", "3"
        def score(self, claims):
            print("not an answer")
            return pd.DataFrame({"claim_id": claims["claim_id"][::-1], "risk_score": 0.5, "reasons": "because"})
"""


def test_a_scorer_of_ones_own_is_asked_and_its_answer_comes_in_the_claims_order(opened, claims, at):
    scorer, table = opened(CONSTANT), claims(30, 1)
    rows = scorer.score_rows(table, scored_at=at)
    assert rows["claim_id"].to_pylist() == table["claim_id"].to_pylist()
    assert set(rows["risk_score"].to_pylist()) == {0.5}
    assert rows["reasons"][0].as_py() == ["because"]
    assert {(n, v) for n, v in zip(*(rows[c].to_pylist() for c in ("scorer", "model_version")), strict=True)} == {
        ("constant", "3")
    }
    assert scorer.score(table.to_pandas())["risk_score"].tolist() == [0.5] * 30
    assert len(scorer.score_table(table.slice(0, 0))) == 0


@pytest.mark.slow
def test_a_scorer_without_a_version_has_the_hash_of_its_source(opened):
    body = "class Mine:\n    def score(self, claims):\n        return claims[['claim_id']].assign(risk_score=0.1)\n"
    first, other = opened(body), opened(body + "\n# changed\n", "another")
    assert first.name == "mine:Mine"
    assert len(first.version) == 12
    assert first.version != other.version


SPY = """
    import json, os, socket

    HERE = os.path.dirname(os.path.realpath(__file__))  # a fenced folder is imported from by links

    def attempt(what):
        try:
            return what()
        except Exception as error:
            return type(error).__name__

    class Mine:
        def score(self, claims):
            seen = {
                "environment": dict(os.environ),
                "arguments": open("/proc/self/cmdline").read() if os.path.exists("/proc/self/cmdline") else "",
                "folder": os.getcwd(),
                "around": os.listdir("."),
                "files": [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                          if os.path.exists(f"/proc/self/fd/{n}")] if os.path.exists("/proc/self/fd") else [],
                "columns": list(claims.columns),
                "parent": attempt(lambda: open(f"/proc/{os.getppid()}/environ").read()),
                "truth": attempt(lambda: open(os.path.join(HERE, "state", "truth.sqlite")).read()),
                "listing": attempt(lambda: os.listdir(os.path.join(HERE, "state"))),
                "written": attempt(lambda: open(os.path.join(HERE, "left.txt"), "w").write("x")),
                "network": attempt(lambda: socket.create_connection(("127.0.0.1", 9), timeout=2)),
                "killed": attempt(lambda: os.kill(os.getppid(), 0)),
            }
            return claims[["claim_id"]].assign(risk_score=0.0, reasons=json.dumps(seen)[:300])
"""


def test_a_scorer_is_given_the_table_and_nothing_else(opened, claims, tmp_path, monkeypatch):
    state = tmp_path / "state"
    state.mkdir()
    (state / "truth.sqlite").write_text("upcoding")
    monkeypatch.setenv("CLAIMS_SIM_STATE_DIR", str(state))
    monkeypatch.setenv("CLAIMS_SIM_API_KEY", "secret")
    body = SPY.replace(
        "reasons=json.dumps(seen)[:300]", "reasons=[[json.dumps({k: v}) for k, v in seen.items()]] * len(claims)"
    )
    with (state / "truth.sqlite").open():  # open here; not in the child
        table = claims(2, 1)
        table = table.append_column("batch_id", pa.array(["b"] * 2))
        scorer = opened(body, hidden=(state,))
        said = {}
        for text in scorer.score_table(table)["reasons"][0].as_py():
            said |= _read(text)
    assert not any(name.startswith("CLAIMS_SIM") for name in said["environment"])
    assert str(state) not in json.dumps([said["environment"], said["arguments"], said["folder"], said["files"]])
    assert Path(said["folder"]) != Path.cwd()
    assert said["around"] == []
    assert "batch_id" not in said["columns"]
    if "files" in scorer.taken:
        assert said["truth"] == said["listing"] == said["parent"] == said["written"] == "PermissionError"
    if "TCP" in scorer.taken:
        assert said["network"] == "PermissionError"
    if "signals" in scorer.taken:
        assert said["killed"] == "PermissionError"
    assert not (tmp_path / "left.txt").exists() or "files" not in scorer.taken


def _read(text):
    """A reason is cut at a length; what was cut is of no interest here but for its first part."""
    try:
        return json.loads(text)
    except ValueError:
        name = text.split('"')[1]
        return {name: [text]}


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="Landlock is Linux's")
def test_on_this_linux_a_scorer_loses_files_and_network(opened):
    abi = Path("/sys/kernel/security/lsm")
    if abi.exists() and "landlock" not in abi.read_text():
        pytest.skip("this kernel was started without Landlock")
    assert "files" in opened(CONSTANT).taken


def test_what_is_hidden_is_left_out_of_what_may_be_read_also_inside_a_folder_that_may(tmp_path):
    for folder in ("project/state/deep", "project/package", "other"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "project" / "link").symlink_to(tmp_path / "project" / "state")
    allowed = readable_paths([tmp_path / "project"], [], [tmp_path / "project" / "state", tmp_path / "elsewhere"])
    ours = [path for path in allowed if path.startswith(str(tmp_path))]
    assert ours == [str(tmp_path / "project" / "package")]
    inside = readable_paths([tmp_path / "project"], [], [tmp_path / "project" / "state" / "deep"])
    assert str(tmp_path / "project" / "state") not in inside
    assert str(tmp_path / "project") not in inside


def _at_length(*case: str):
    """A case that takes the same way as its neighbour: left to the long run."""
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        _at_length("claims[['claim_id']]", "gave no column risk_score"),
        ("claims[['claim_id']].assign(risk_score=1.5)", r"5 of 5 risk_scores that are no numbers from 0 to 1.*1\.5"),
        _at_length("claims[['claim_id']].assign(risk_score=float('nan'))", "no numbers from 0 to 1"),
        _at_length("claims[['claim_id']].assign(risk_score='high')", "text and number"),
        _at_length("claims[['claim_id']].assign(risk_score=0.1)[1:]", "left out 1 of 5 claims, for one T-"),
        _at_length(
            "pd.concat([claims[['claim_id']]] * 2).assign(risk_score=0.1)", "10 rows for 5 claims: a claim twice"
        ),
        _at_length("claims[['claim_id']].assign(risk_score=0.1, reasons=7)", "reasons that are no lists of texts"),
        _at_length("[0.1] * len(claims)", r"failed at score\(\): TypeError: score\(\) gave a list"),
        ("claims['no such column']", r"KeyError: 'no such column' \(mine.py, line 4\)"),
        ("__import__('os')._exit(3)", r"ended without an answer \(score\(\), exit code 3\)"),
    ],
)
def test_a_wrong_answer_is_one_line_that_says_what_and_where(opened, claims, answer, told):
    scorer = opened(f"class Mine:\n    def score(self, claims):\n        return {answer}\n")
    with pytest.raises(ScorerError, match=told) as caught:
        scorer.score_table(claims(5, 1))
    assert "\n" not in str(caught.value)


def test_a_late_scorer_is_ended_and_can_be_asked_again(opened, claims):
    scorer = opened(
        """
        import time
        class Mine:
            def score(self, claims):
                if len(claims) > 3:
                    print("thinking hard")
                    time.sleep(60)
                return claims[["claim_id"]].assign(risk_score=0.2)
        """,
        timeout_s=1.5,
    )
    begun = time.monotonic()
    with pytest.raises(ScorerError, match=r"no answer within 1.5 s \(score\(\)\)"):
        scorer.score_table(claims(5, 1))
    assert time.monotonic() - begun < 30
    assert scorer.score_table(claims(2, 1))["risk_score"].to_pylist() == [0.2, 0.2]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("nowhere_at_all:Mine", "there is no module 'nowhere_at_all'"),
        ("no colon", "names no scorer"),
        ("broken:Mine", r"failed at loading: ZeroDivisionError: division by zero \(broken.py, line 1\)"),
        ("empty:Mine", "module empty has no Mine"),
        ("plain:Mine", r"Mine has no method score\(claims\)"),
    ],
)
def test_a_scorer_that_cannot_be_loaded_is_one_line(tmp_path, spec, told):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "plain.py").write_text("class Mine: pass\n")
    with pytest.raises(ScorerError, match=told):
        open_scorer(spec, ScorerAccess(search=(tmp_path,)), default=None)


def test_reasons_are_cut_and_may_be_missing():
    ids = pa.chunked_array([["a", "b"]])
    long = pa.table({"claim_id": ["b", "a"], "risk_score": [0, 1], "reasons": [["x" * 1000] * 50, None]})
    checked = check_verdicts(long, ids, "It").to_pylist()
    assert checked[0] == {"claim_id": "a", "risk_score": 1.0, "reasons": None}
    assert checked[1]["reasons"] == ["x" * 300] * 20
