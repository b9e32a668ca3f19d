from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.llm.budget import KEY, Budget, Limits, Spent, why_spent
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import ProcessMemory
from claims_sim.llm.prices import Price, parse_prices, price_of
from claims_sim.store.control import Facts

DAY = date(2026, 3, 4)
PRICES = parse_prices("small=1/2; big*=10/20; bigger=1000/1000")


def make(memory=None, day=DAY, **limits) -> Budget:
    return Budget(Limits(**limits), PRICES, memory or ProcessMemory(), today=lambda: day)


def refusal(call) -> str:
    with pytest.raises(LLMError) as caught:
        call()
    assert caught.value.kind is Failure.BUDGET
    assert not caught.value.is_retryable
    return str(caught.value)


def test_prices_are_found_by_name_then_by_the_longest_pattern():
    assert price_of(PRICES, "small") == Price(1, 2)
    assert price_of(PRICES, "big-one") == Price(10, 20)
    assert price_of(PRICES, "bigger") == Price(1000, 1000)
    assert price_of(PRICES, "other") is None
    assert Price(1, 2).of(500_000, 1_000_000) == 2.5


def test_a_request_is_refused_before_it_passes_the_day_and_nothing_is_charged_for_it():
    budget = make(tokens_per_day=1000)
    budget.reserve("small", 600, 100)
    assert "1,000 tokens" in refusal(lambda: budget.reserve("small", 300, 1))
    assert budget.today().tokens == 700
    budget.reserve("small", 299, 1)


def test_what_a_request_took_replaces_what_was_reserved_for_it():
    budget = make(tokens_per_day=1000)
    reserved = budget.reserve("small", 900, 100)
    budget.settle(reserved, "small", 300, 5)
    assert budget.today() == Spent(1, 300, 5, (300 + 10) / 1e6)
    assert budget.batch == budget.today()


def test_a_batch_has_a_limit_of_its_own():
    budget = make(tokens_per_batch=100)
    budget.reserve("small", 60, 40)
    refusal(lambda: budget.reserve("small", 1, 0))
    budget.begin_batch()
    budget.reserve("small", 60, 40)
    assert budget.today().tokens == 200


def test_money_is_limited_by_the_price_and_a_model_without_one_is_not_asked():
    budget = make(cost_per_day=0.01)
    budget.reserve("big-one", 500, 200)
    refusal(lambda: budget.reserve("big-one", 500, 0))
    assert "CLAIMS_SIM_LLM_PRICES" in refusal(lambda: budget.reserve("unknown", 1, 1))
    budget.reserve("local", 10**6, 1, is_ours=True)


def test_the_next_day_begins_with_nothing_spent_and_processes_share_a_day(tmp_path):
    first = make(Facts(tmp_path), tokens_per_day=100)
    first.reserve("small", 100, 0)
    refusal(lambda: make(Facts(tmp_path), tokens_per_day=100).reserve("small", 1, 0))
    make(Facts(tmp_path), day=date(2026, 3, 5), tokens_per_day=100).reserve("small", 100, 0)


def test_a_spent_day_says_so_until_the_day_or_the_limit_changes():
    memory = ProcessMemory()
    budget = make(memory, tokens_per_day=100)
    assert why_spent(memory.read(KEY), budget.limits, DAY) == ""
    budget.reserve("small", 90, 0)
    assert why_spent(memory.read(KEY), budget.limits, DAY) == ""
    refusal(lambda: budget.reserve("small", 90, 0))
    assert "90 of 100 tokens" in why_spent(memory.read(KEY), budget.limits, DAY)
    assert why_spent(memory.read(KEY), Limits(tokens_per_day=200), DAY) == ""
    assert why_spent(memory.read(KEY), budget.limits, date(2026, 3, 5)) == ""


def test_requests_at_the_same_moment_never_pass_the_limit_together(tmp_path):
    budgets = [make(Facts(tmp_path), tokens_per_day=1000) for _ in range(4)]

    def spend(budget: Budget) -> int:
        done = 0
        for _ in range(20):
            try:
                budget.reserve("small", 30, 0)
                done += 1
            except LLMError:
                pass
        return done

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(spend, budgets)) == 33
    assert budgets[0].today().tokens == 990


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.floats(0, 1)), max_size=40))
def test_a_day_never_spends_more_than_its_limit_when_requests_take_no_more_than_they_reserve(requests):
    budget = make(tokens_per_day=1000, cost_per_day=0.0015)
    for tokens_in, tokens_out, share in requests:
        try:
            reserved = budget.reserve("small", tokens_in, tokens_out)
        except LLMError:
            continue
        budget.settle(reserved, "small", int(tokens_in * share), int(tokens_out * share))
        assert budget.today().tokens <= 1000
        assert budget.today().cost <= 0.0015 + 1e-12
