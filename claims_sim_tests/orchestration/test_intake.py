from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.orchestration.intake import GRID_S, STARTUP_S, Cursor, Launch, Wait, gap_s, next_batch


def simulate(ticks: int, *, low=10.0, high=30.0, run_s=4.0, seed=1, start=1_000.0, phase=0.0) -> list[float]:
    """Evaluate every five seconds, as the daemon does; a run starts its work at its due time and takes `run_s`."""
    cursor, busy_until, dues = Cursor(), 0.0, []
    for tick in range(ticks):
        now = start + phase + GRID_S * tick
        decision = next_batch(cursor, now, is_running=now < busy_until, seed=seed, low=low, high=high)
        cursor = Cursor.parse(decision.cursor.dump())
        if isinstance(decision, Launch):
            dues.append(decision.due)
            busy_until = max(decision.due, now + STARTUP_S) + run_s
    return dues


@pytest.mark.slow
@settings(deadline=None)
@given(seed=st.integers(0, 2**40), phase=st.floats(0, 5), low=st.floats(10, 20), width=st.floats(0, 40))
def test_gaps_between_batches_stay_within_the_interval(seed, phase, low, width):
    dues = simulate(400, low=low, high=low + width, seed=seed, phase=phase, run_s=1.0)
    gaps = [later - earlier for earlier, later in pairwise(dues)]
    assert len(gaps) > 10
    assert all(low - 1e-6 <= gap <= low + width + 1e-6 for gap in gaps)


def test_gaps_are_jittered_over_the_whole_interval_and_off_the_grid_of_five_seconds():
    dues = simulate(4_000)
    gaps = [later - earlier for earlier, later in pairwise(dues)]
    assert min(gaps) < 11
    assert max(gaps) > 29
    assert abs(sum(gaps) / len(gaps) - 20) < 1
    assert len({round(due % 5, 1) for due in dues}) > 30


def test_a_run_that_is_still_working_is_never_overlapped():
    assert isinstance(next_batch(Cursor(), 1_000.0, is_running=True, seed=1, low=10, high=30), Wait)


def test_after_a_pause_one_batch_is_made_not_all_that_were_missed():
    cursor = Cursor(due=1_000.0, seq=7)
    decision = next_batch(cursor, 90_000.0, is_running=False, seed=1, low=10, high=30)
    assert isinstance(decision, Launch)
    assert (decision.due, decision.seq) == (90_000.0, 8)
    assert isinstance(next_batch(decision.cursor, 90_000.0, is_running=False, seed=1, low=30, high=30), Wait)


def test_a_cursor_survives_storage_and_an_unreadable_one_starts_afresh():
    cursor = Cursor(12.5, 3, 1, 99.0)
    assert Cursor.parse(cursor.dump()) == cursor
    assert Cursor.parse(None) == Cursor.parse("nonsense") == Cursor.parse('{"x": 1}') == Cursor()


def test_the_profile_is_tried_again_later_after_each_failure():
    cursor, waits = Cursor(), []
    for _ in range(10):
        cursor = cursor.after_profile_failure(0.0)
        waits.append(cursor.retry_at)
    assert waits == sorted(waits)
    assert waits[0] == 30
    assert waits[-1] == 1_800


def test_the_gap_follows_from_the_seed():
    assert gap_s(1, 5, 10, 30) == gap_s(1, 5, 10, 30) != gap_s(2, 5, 10, 30)
