"""What a profile lets an anomaly know of its source: order of severities, who is admitted, what care costs there.

Read off claims drawn from the profile, never off real ones.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.reading.source_columns import has_no_amounts
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key

_LOOKED_AT: Final = 40_000  # drawn claims; a diagnosis of 1 in 1,000 is then seen 40 times
_PRICES_COMPARED: Final = 24
_LEAST_SEEN: Final = 20
_DEAR: Final = 1.3  # times the median of stays without a procedure
_USUALLY_DEARER: Final = 40  # times the least that a stay costs
_INPATIENT, _OUTPATIENT = "RITL", "RJTL"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """Diagnoses by the share of their claims that are inpatient, lowest first."""

    codes: tuple[str, ...]
    inpatient_shares: Floats


@dataclass(frozen=True, slots=True)
class Procedures:
    """Of each claim with such a procedure: the procedure and the diagnosis, as places in their lists."""

    procedure: Ints
    dx: Ints
    codes: pa.Array
    diagnoses: pa.Array


class World:
    """The source as its profile tells of it. Looks are taken when first needed, then kept."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.grid = float(sampler.profile.amount_grid)

    @cached_property
    def drawn(self) -> pa.Table:
        """Claims of the profile, to look things up in."""
        return self.sampler.draw_claims(stream_key("anomaly world"), np.arange(_LOOKED_AT))

    @cached_property
    def inpatient(self) -> str | None:
        """The value of service_type for inpatients; None where the source has none."""
        return self._service(_INPATIENT, has_stay=True)

    @cached_property
    def outpatient(self) -> str | None:
        """The value of service_type for outpatients; None where the source has none."""
        return self._service(_OUTPATIENT, has_stay=False)

    @cached_property
    def has_amounts(self) -> bool:
        """Does the source say what care costs?"""
        return not has_no_amounts(self.sampler.profile.absent)

    @cached_property
    def least_cost(self) -> float:
        """The least that a stay costs for it to cost something, in the source's currency: a power of ten, about a fortieth of what
        stays usually cost (100,000 rupiah, where that is four million).
        """  # noqa: D205
        amounts = _numbers(self._stays()["amount_claimed"])
        usual = float(np.median(amounts[amounts > 0])) if (amounts > 0).any() else 1.0
        return float(10.0 ** np.rint(np.log10(usual / _USUALLY_DEARER)))

    @cached_property
    def severities(self) -> tuple[str, ...]:
        """Severities of inpatients, cheapest first; those seen in fewer than one stay in fifty are left out."""
        stays = self._stays()
        severity, amount = stays["severity_group"], np.log1p(_numbers(stays["amount_claimed"]))
        dx = _codes(stays["dx_primary_code"])
        sums, sizes = np.bincount(dx, weights=amount), np.bincount(dx)
        rest = amount - (sums / np.maximum(sizes, 1))[dx]
        ranked = []
        for value in pc.unique(severity).drop_null().to_pylist():
            mine = np.asarray(pc.equal(severity, value).fill_null(False))
            if mine.mean() >= 0.02 and value.casefold() != "unknown":
                ranked.append((float(rest[mine].mean()), value))
        return tuple(value for _, value in sorted(ranked))

    @cached_property
    def classes(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The classes of hospitals that each province and ownership has."""
        columns = (self.drawn[name].to_pylist() for name in ("province_name", "facility_ownership", "facility_class"))
        found: dict[tuple[str, str], set[str]] = {}
        for province, owner, level in set(zip(*columns, strict=True)):
            if province and owner and level:
                found.setdefault((province, owner), set()).add(level)
        return {place: tuple(sorted(levels)) for place, levels in found.items()}

    @cached_property
    def diagnoses(self) -> Diagnoses:
        """The diagnoses that are seen often enough to say who of their patients is admitted."""
        codes = self.drawn["dx_primary_code"].combine_chunks().dictionary_encode()
        index = codes.indices.fill_null(0).to_numpy(zero_copy_only=False)
        inpatient = np.asarray(pc.equal(self.drawn["service_type"], self.inpatient or "").fill_null(False))
        seen = np.bincount(index, minlength=len(codes.dictionary))
        share = np.bincount(index, weights=inpatient, minlength=len(codes.dictionary)) / np.maximum(seen, 1)
        kept = np.flatnonzero(seen >= _LEAST_SEEN)
        kept = kept[np.argsort(share[kept], kind="stable")]
        return Diagnoses(tuple(codes.dictionary[int(i)].as_py() for i in kept), share[kept])

    @cached_property
    def procedures(self) -> "Procedures":
        """The procedures of inpatients that make a stay dear, and the diagnoses that they are seen with."""
        stays = self._stays()
        has_none = pc.is_null(stays["procedure_code"])
        plain = np.median(_numbers(stays.filter(has_none)["amount_claimed"])) if pc.any(has_none).as_py() else 0.0
        having = stays.filter(pc.invert(has_none))
        procedure = having["procedure_code"].combine_chunks().dictionary_encode()
        dx = having["dx_primary_code"].combine_chunks().dictionary_encode()
        index, amount = _index(procedure), _numbers(having["amount_claimed"])
        seen = np.bincount(index, minlength=len(procedure.dictionary))
        mean = np.bincount(index, weights=amount, minlength=len(procedure.dictionary)) / np.maximum(seen, 1)
        dear = (mean >= _DEAR * plain)[index]
        return Procedures(index[dear], _index(dx)[dear], procedure.dictionary, dx.dictionary)

    def price(self, key: int, rows: Ints, before: pa.Table, after: pa.Table, *, must_rise: bool) -> Floats:
        """What each claim `after` costs where `before` cost what it did, from the source's own prices.

        Draws with the same random numbers price both; the draw that comes closest to the claim's own amount is taken,
        so that ward, region and all else that the payload does not show stay the same. With `must_rise` a draw that
        costs no more is taken only when none does.
        """
        count = _PRICES_COMPARED
        tiled = np.repeat(np.arange(len(rows)), count)
        counters = np.repeat(np.asarray(rows) * count, count) + np.tile(np.arange(count), len(rows))
        old = _numbers(self.sampler.draw_money(key, counters, before.take(tiled))["amount_claimed"])
        new = _numbers(self.sampler.draw_money(key, counters, after.take(tiled))["amount_claimed"])
        old, new = old.reshape(-1, count), new.reshape(-1, count)
        own = _numbers(before["amount_claimed"])[:, None]
        miss = np.abs(np.log1p(old) - np.log1p(own))
        if must_rise:
            miss = miss + np.where(new > own, 0.0, 100.0)
        best = miss.argmin(axis=1)
        # The draw's step from old to new is applied to the claim's own amount when the draw missed that amount.
        at = np.arange(len(rows))
        exact = np.isclose(old[at, best], own[:, 0])
        step = new[at, best] / np.maximum(old[at, best], self.grid)
        return np.where(exact, new[at, best], self.on_grid(own[:, 0] * step))

    def on_grid(self, amounts: Floats) -> Floats:
        """Amounts as the source keeps them."""
        return np.asarray(np.rint(amounts / self.grid) * self.grid, np.float64)

    def _stays(self) -> pa.Table:
        return self.drawn.filter(pc.equal(self.drawn["service_type"], self.inpatient or "").fill_null(False))

    def _service(self, usual: str, *, has_stay: bool) -> str | None:
        services = self.drawn["service_type"]
        values = pc.unique(services).drop_null().to_pylist()
        if usual in values:
            return usual
        los = _numbers(self.drawn["los"])
        shares = {v: float((los[np.asarray(pc.equal(services, v).fill_null(False))] > 0).mean()) for v in values}
        fitting = [v for v, share in shares.items() if (share > 0.5) == has_stay]
        return fitting[0] if fitting else None


def _numbers(column: pa.ChunkedArray | pa.Array) -> Floats:
    return np.asarray(column.cast(pa.float64()).fill_null(0.0).to_numpy(), np.float64)


def _codes(column: pa.ChunkedArray) -> Ints:
    return _index(column.combine_chunks().dictionary_encode())


def _index(column: pa.DictionaryArray) -> Ints:
    return np.asarray(column.indices.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
