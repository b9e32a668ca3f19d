"""Exported sets: the same bytes from the same request, an answer for every claim, and a sheet that says what they are."""

import hashlib
import json
import os
import signal

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from claims_sim.anomalies.kinds import KINDS
from claims_sim.claim import Claim


@pytest.fixture
def export(run, tmp_path):
    """Export into a folder of its own: (folder, options) -> (exit code, error), and the three files."""

    def make(folder, *options, suffix=".jsonl"):
        place = tmp_path / folder
        files = place / f"claims{suffix}", place / "truth.parquet"
        code, _, err = run("export", "--out", files[0], "--truth", files[1], *options)
        return code, err, (*files, place / "claims.datasheet.md")

    return make


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(export):
    asked = ("--count", 100, "--anomaly-rate", 0.1, "--seed", 3)
    first, again, other = (export(name, *options)[2] for name, options in (
        ("a", asked), ("b", asked), ("c", (*asked[:-1], 4))))  # fmt: skip
    for one, two, three in zip(first, again, other, strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert one.read_bytes() != three.read_bytes()


@pytest.mark.slow
def test_two_sets_that_differ_in_anything_asked_share_no_claim_id(export, run, tmp_path):
    sets = [
        set(pq.read_table(export(name, "--count", 60, *options, suffix=".parquet")[2][0])["claim_id"].to_pylist())
        for name, options in {"a": (), "b": ("--seed", 4), "c": ("--anomaly-rate", 0.1), "d": ("--strength", 3)}.items()
    ]
    for count in (40, 41):
        run("generate", "--count", count, "--out", tmp_path / f"{count}.parquet")
        sets.append(set(pq.read_table(tmp_path / f"{count}.parquet")["claim_id"].to_pylist()))
    assert len(set.union(*sets)) == sum(map(len, sets)) == 4 * 60 + 81


@pytest.mark.slow
def test_sets_of_one_seed_hold_the_same_claims_whatever_their_anomalies(export):
    few, many = (
        pq.read_table(export(name, "--count", 1000, "--anomaly-rate", rate, suffix=".parquet")[2][0])
        for name, rate in (("a", 0), ("b", 0.02))
    )
    same = pc.equal(few["amount_claimed"], many["amount_claimed"])
    assert 980 <= pc.sum(same).as_py() < 1000


def test_every_claim_has_one_answer_and_the_rate_is_exact(export):
    _, _, (claims, truth, _) = export("a", "--count", 2000, "--anomaly-rate", 0.03)
    ids = [Claim.model_validate_json(line).claim_id for line in claims.read_text().splitlines()]
    answers = pq.read_table(truth)
    assert answers["claim_id"].to_pylist() == ids
    assert answers["position"].to_pylist() == list(range(2000))
    labels = answers["label"].to_pylist()
    assert (labels[:1000].count("anomaly"), labels[1000:].count("anomaly")) == (30, 30)
    assert set(labels) == {"anomaly", "clean", "decoy"}
    for row in answers.to_pylist():
        assert (row["kind"] in KINDS) == (row["label"] == "anomaly")
        assert (row["rupiah_lost"] > 0) <= (row["label"] == "anomaly")
        assert row["detectable_from"] is not None or row["label"] == "clean"


@pytest.mark.slow
def test_parquet_and_payloads_hold_the_same_claims(export):
    _, _, (lines, *_) = export("a", "--count", 300)
    _, _, (rows, *_) = export("b", "--count", 300, suffix=".parquet")
    ids = [json.loads(line)["claim_id"] for line in lines.read_text().splitlines()]
    assert pq.read_table(rows)["claim_id"].to_pylist() == ids


def test_the_datasheet_names_files_seed_versions_kinds_and_limits(export):
    _, _, (claims, truth, sheet) = export("a", "--count", 1000, "--seed", 7, "--mix", "upcoding")
    text = sheet.read_text()
    for path in (claims, truth):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert "| seed | 7 |" in text
    assert "version of claims-sim" in text
    assert "| upcoding |" in text
    assert "| cloned_claim |" not in text
    assert "Out of scope: Permenkes 16/2019" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--truth", "claims.jsonl"), r"--truth claims.jsonl: the file must end in .parquet"),
        (("--mix", "theft"), "'theft' is no kind"),
        (("--datasheet", "t.parquet", "--truth", "t.parquet"), "name the same file"),
    ],
)
def test_a_wrong_option_is_one_line_and_writes_nothing(run, tmp_path, options, said):
    code, _, err = run("export", "--out", tmp_path / "c.jsonl", "--truth", "t.parquet", *options)
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.glob("*.jsonl"))


def test_generate_writes_no_anomalies_since_it_writes_no_truth(run, monkeypatch, tmp_path):
    """Whatever rate the stream has: the same file as with none."""
    files = []
    for rate in (0.3, 0.0):
        monkeypatch.setenv("CLAIMS_SIM_ANOMALY_RATE", str(rate))
        files.append(tmp_path / f"{rate}.jsonl")
        assert run("generate", "--count", 200, "--seed", 1, "--out", files[-1])[0] == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_ctrl_c_leaves_no_file_and_says_so(run, tmp_path, monkeypatch):
    from claims_sim.launch import export

    original = export.labelled_batches

    def pressed(*given):
        os.kill(os.getpid(), signal.SIGINT)
        yield from original(*given)

    monkeypatch.setattr(export, "labelled_batches", pressed)
    out, truth = tmp_path / "claims.jsonl", tmp_path / "truth.parquet"
    code, _, err = run("export", "--count", 40, "--truth", truth, "--out", out)
    assert (code, "Nothing was written." in err) == (130, True)
    assert list(tmp_path.glob("*claims*")) + list(tmp_path.glob("*truth*")) == []
