"""Start without pandas where nobody asked for it: a tick is a process of its own, and pandas costs it nearly a second."""

import sys
from collections.abc import Sequence

import pyarrow as pa


class _NoPandas:
    """An import hook that finds everything but pandas."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: object = None) -> None:
        del path, target
        if name == "pandas":
            raise ImportError(name)


def leave_pandas_out() -> None:
    """Let Arrow make its first conversion, at which it loads pandas if it can, without pandas.

    Only that: `import pandas` and Arrow's own `to_pandas` and `from_pandas` work as ever afterwards.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)
