import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.errors import SettingsError
from claims_sim.worker.pace import JitteredPace, parse_duration, parse_rate, steady


@given(st.floats(0.1, 5_000), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_a_steady_pace_never_runs_ahead_of_its_rate_and_catches_up_after_a_delay(rate, delays):
    pace, elapsed, made = steady(rate, None), 0.0, 0
    for delay in delays:
        due = pace.next(elapsed, made)
        assert due.at == pytest.approx((made + pace.batch_size) / rate)  # in the past for what is late
        made += due.count
        begins = max(due.at, elapsed)
        assert made <= begins * rate + 1e-6 * made + 1e-6
        elapsed = begins + delay
    due = pace.next(elapsed, made)
    if due.count < 10_000:
        assert made + due.count >= elapsed * rate - pace.batch_size - 1


@given(st.integers(0, 2**40), st.lists(st.floats(0, 200), max_size=30))
def test_a_jittered_pace_keeps_its_gaps_and_makes_one_batch_after_a_pause(seed, delays):
    pace, elapsed, last = JitteredPace(seed, 10, 30, 5), 0.0, None
    for delay in delays:
        due = pace.next(elapsed, 0)
        assert due.count == 5
        if last is not None:
            assert due.at - last >= 10 or due.at - last >= elapsed - last - 20
            assert due.at <= max(last, elapsed) + 30
        last, elapsed = due.at, max(due.at, elapsed) + delay


@pytest.mark.parametrize(("text", "rate"), [("50/s", 50), ("50", 50), ("30/min", 0.5), ("3600/h", 1)])
def test_a_rate_is_claims_per_time(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "5/d", "0/s", "-1", "nan", "1e9/s"])
def test_a_wrong_rate_is_told(text):
    with pytest.raises(SettingsError, match="--rate"):
        parse_rate(text)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("10min", 600), ("2h", 7200)])
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "long", "0", "-5m", "nan"])
def test_a_wrong_duration_is_told(text):
    with pytest.raises(SettingsError, match="--duration"):
        parse_duration(text)
