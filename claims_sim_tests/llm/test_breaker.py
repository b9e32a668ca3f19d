from hypothesis import given
from hypothesis import strategies as st

from claims_sim.llm.breaker import FAILURES_TO_OPEN, Breaker
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import ProcessMemory
from claims_sim.store.control import Facts

BUSY = LLMError(Failure.SERVER_ERROR, "The model server failed (503).")


class Time:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def make(memory=None, server: str = "here"):
    time = Time()
    return Breaker(memory or ProcessMemory(), server, now=time), time


def test_it_opens_after_some_batches_in_a_row_and_lets_one_try_after_a_pause():
    breaker, time = make()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed(BUSY)
        assert breaker.why_open() == ""
    breaker.failed(BUSY)
    assert "failed (503)" in breaker.why_open()
    assert "left alone until" in breaker.why_open()
    time.now += 16
    assert breaker.why_open() == ""
    breaker.failed(BUSY)
    time.now += 16
    assert breaker.why_open() != ""  # the second pause is longer
    time.now += 15
    assert breaker.why_open() == ""


def test_an_answer_closes_it_and_its_pauses_begin_anew():
    breaker, time = make()
    for _ in range(6):
        breaker.failed(BUSY)
    time.now += 10_000
    breaker.succeeded()
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(BUSY)
    time.now += 16
    assert breaker.why_open() == ""


def test_a_refusal_opens_it_at_once_and_a_retry_after_for_as_long_as_it_says():
    breaker, _ = make()
    breaker.failed(LLMError(Failure.REFUSED, "wrong key"))
    assert "wrong key" in breaker.why_open()
    breaker, time = make()
    breaker.failed(LLMError(Failure.RATE_LIMITED, "slow down", retry_after_s=90))
    time.now += 89
    assert breaker.why_open() != ""
    time.now += 2
    assert breaker.why_open() == ""


def test_a_server_that_starts_and_a_spent_budget_are_no_failures():
    breaker, _ = make()
    for _ in range(10):
        breaker.failed(LLMError(Failure.STARTING, "loading"))
        breaker.failed(LLMError(Failure.BUDGET, "spent"))
    assert breaker.why_open() == ""


def test_it_is_remembered_by_the_next_process_and_belongs_to_one_server(tmp_path):
    breaker, _ = make(Facts(tmp_path))
    breaker.failed(LLMError(Failure.REFUSED, "wrong key"))
    assert make(Facts(tmp_path))[0].why_open() != ""
    assert make(Facts(tmp_path), server="elsewhere")[0].why_open() == ""


@given(st.lists(st.sampled_from(["fail", "succeed", "wait"]), max_size=60))
def test_a_server_is_never_left_alone_for_more_than_the_longest_pause(events):
    breaker, time = make()
    for event in events:
        if event == "fail":
            breaker.failed(BUSY)
        elif event == "succeed":
            breaker.succeeded()
            assert breaker.why_open() == ""
        else:
            time.now += 10
    time.now += 241
    assert breaker.why_open() == ""
