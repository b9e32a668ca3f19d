"""Change flat claims so that they stay well-formed: stays with their dates, amounts with their gap, codes with their count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.anomalies.world import Floats, Ints, World
from claims_sim.claim import FLAT_SCHEMA
from claims_sim.randomness import stream_key, uniforms
from claims_sim.settings import Clock


@dataclass(frozen=True, slots=True)
class Task:
    """What a kind is given to work with: the source, how strong, and random numbers of its own for each claim."""

    world: World
    strength: int
    key: int
    rows: Ints
    clock: Clock

    def chances(self, purpose: str) -> Floats:
        """A number in [0, 1) for each claim."""
        return uniforms(stream_key(self.key, purpose), self.rows)

    def between(self, purpose: str, low: float, high: float) -> Floats:
        """A number in [low, high) for each claim."""
        return low + self.chances(purpose) * (high - low)

    def days(self, purpose: str, low: int, high: int) -> Ints:
        """A whole number from low to high, both included, for each claim."""
        return np.floor(self.between(purpose, low, high + 1)).astype(np.int64)


def put(claims: pa.Table, **columns: Any) -> pa.Table:  # noqa: ANN401 - anything that Arrow takes
    """`claims` with these columns instead."""
    for name, values in columns.items():
        kind = FLAT_SCHEMA.field(name).type
        array = values.cast(kind) if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)
        claims = claims.set_column(claims.schema.get_field_index(name), name, array)
    return claims


def copy_from(claims: pa.Table, other: pa.Table, names: Iterable[str]) -> pa.Table:
    """`claims` with the columns `names` of `other`, row for row."""
    return put(claims, **{name: other[name] for name in names})


def with_stay(claims: pa.Table, days: Ints, clock: Clock) -> pa.Table:
    """`claims` with other stays (at least a day): the end moves, or the beginning where claims are seen at discharge."""
    old = claims["los"].fill_null(0).to_numpy().astype(np.int64)
    shift = ((days - old) * 86_400_000_000).astype("timedelta64[us]")
    moved = "admit_dt" if clock == "intake" else "discharge_dt"
    instants = claims[moved].to_numpy() + (-shift if clock == "intake" else shift)
    return put(claims, los=days.astype(np.int32), **{moved: instants.astype("datetime64[us]")})


def with_amount(claims: pa.Table, claimed: Floats, world: World) -> pa.Table:
    """`claims` with other claimed amounts; the share that is paid of them stays."""
    old, paid = numbers(claims, "amount_claimed"), numbers(claims, "amount_paid")
    share = np.divide(paid, old, out=np.ones(len(old)), where=old > 0)
    settled = np.where(share == 1.0, claimed, world.on_grid(claimed * share))
    return put(claims, amount_claimed=claimed, amount_paid=settled, amount_gap=np.round(claimed - settled, 2))


def with_companions(claims: pa.Table, lists: Sequence[Sequence[str]], *, is_sorted: bool) -> pa.Table:
    """`claims` with these secondary codes, and as many of them as there are."""
    ordered = [sorted(codes) if is_sorted else list(codes) for codes in lists]
    return put(claims, dx_secondary_codes=ordered, comorbidity_count=[len(codes) for codes in ordered])


def numbers(claims: pa.Table, column: str) -> Floats:
    """A column as numbers, 0 where it is null."""
    return np.asarray(claims[column].cast(pa.float64()).fill_null(0.0).to_numpy(), np.float64)


def texts(claims: pa.Table, column: str) -> npt.NDArray[Any]:
    """A column as Python texts."""
    return np.array(claims[column].to_pylist(), object)
