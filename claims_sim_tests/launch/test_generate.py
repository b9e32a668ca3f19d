import os
import signal
from contextlib import contextmanager

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
