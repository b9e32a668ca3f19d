"""How many examples a property is tried on: fewer in the daily run, more in the long one (`make test-all`)."""

from hypothesis import settings

_LONG = "long"
_DEEPER = 4

# Without a limit on an example's time: on a busy machine any is passed.
settings.register_profile("default", deadline=None)
settings.register_profile(_LONG, deadline=None)


def examples(daily: int, deeper: int = _DEEPER) -> int:
    """`daily`, or `deeper` times as many under `pytest --hypothesis-profile=long`."""
    return daily * (deeper if settings.get_current_profile_name() == _LONG else 1)
