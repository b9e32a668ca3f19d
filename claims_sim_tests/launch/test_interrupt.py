import os
import signal

import pytest

from claims_sim.launch.interrupt import interruptible


def test_an_interrupt_that_was_swallowed_is_raised_between_steps():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible() as check:
        check()
        try:
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 1)
        except KeyboardInterrupt:
            pass  # as code in C may do
        check()
    assert signal.getsignal(signal.SIGINT) is before
