"""What an anomaly changed: read off the claims themselves, never taken from what was meant to change."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from claims_sim.claim import FLAT_SCHEMA

_LEFT_OUT: Final = frozenset({"claim_id", "generated_at"})


@dataclass(frozen=True, slots=True)
class Delta:
    """The columns in which a claim differs from the right one, with both values."""

    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def fields(self) -> frozenset[str]:
        """Which columns differ."""
        return frozenset(self.after)

    def as_json(self, *, is_given: bool) -> tuple[str, str]:
        """Both sides as JSON; where no care was given nothing was right."""
        before = self.before if is_given else dict.fromkeys(self.before)
        return _json(before), _json(self.after)


def deltas(before: pa.Table, after: pa.Table) -> list[Delta]:
    """The delta of each claim, row for row."""
    found: Sequence[Delta] = [Delta({}, {}) for _ in range(len(after))]
    for name in FLAT_SCHEMA.names:
        if name in _LEFT_OUT or before[name].equals(after[name]):
            continue
        for delta, old, new in zip(found, before[name].to_pylist(), after[name].to_pylist(), strict=True):
            if old != new:
                delta.before[name], delta.after[name] = old, new
    return list(found)


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, default=_text)


def _text(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
