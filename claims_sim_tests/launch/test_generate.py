import os
import signal
from contextlib import contextmanager
from dataclasses import replace

from claims_sim.generation.batch import BatchWriter
from claims_sim.launch import generate


def test_ctrl_c_between_two_steps_ends_generate_which_says_that_nothing_was_written(run, monkeypatch, tmp_path):
    steps, out = [], tmp_path / "out" / "claims.jsonl"

    def pressed(step: int) -> None:
        steps.append(step)
        os.kill(os.getpid(), signal.SIGINT)

    @contextmanager
    def watched(_what: str, _total: int):
        yield pressed

    monkeypatch.setattr(generate, "progress", watched)
    code, told, err = run("generate", "--count", 30_000, "--out", out)
    assert (code, told, steps) == (130, "", [25_000])
    assert err.splitlines()[-1] == "Nothing was written."
    assert list(out.parent.iterdir()) == []


def test_where_no_claim_passes_the_review_it_says_why_and_writes_nothing(run, monkeypatch, tmp_path):
    write = BatchWriter.write

    def of_none(writer, request):
        batch = write(writer, request)
        return replace(
            batch, claims=batch.claims.slice(0, 0), payloads=(), log=batch.log.slice(0, 0), reasons={"a_rule": 40}
        )

    monkeypatch.setattr(BatchWriter, "write", of_none)
    for command, out in (("generate", tmp_path / "claims.jsonl"), ("sandbox", tmp_path / "sandbox.duckdb")):
        code, told, err = run(command, "--count", 20, "--out", out)
        assert (code, told) == (8, "")
        assert err.splitlines()[-1].endswith(
            "Not one of 20 claims passed the review; their drafts broke a_rule (40). Nothing was written."
        )
    assert list(tmp_path.glob("*claims*")) + list(tmp_path.glob("*sandbox*")) == []
