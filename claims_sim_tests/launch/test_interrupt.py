import os
import signal

import pytest

from claims_sim.launch.interrupt import interruptible


def test_ctrl_c_lets_the_step_at_work_end_and_is_raised_before_the_next():
    before, steps = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), interruptible() as check:
        for step in range(3):
            check()
            os.kill(os.getpid(), signal.SIGINT)
            steps.append(step)
    assert steps == [0]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_raises_at_once():
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second interrupt was not raised")
