"""How many examples a property is tried on: fewer in the daily run, more in the long one (`make test-all`)."""

from hypothesis import settings

_LONG = "long"
_DEEPER = 4

settings.register_profile(_LONG)


def examples(daily: int) -> int:
    """`daily`, or four times as many under `pytest --hypothesis-profile=long`."""
    return daily * (_DEEPER if settings.get_current_profile_name() == _LONG else 1)
