"""The *full* form: what a capable model may write for a brief, and the check that it did. Knows draws, no model.

Bands come from independent draws given the brief, so the model moves inside what the profile holds possible: codes that
were drawn and that the code systems know, stays and amounts between the least and the most drawn. Amounts are then taken
to the nearest ones that were drawn for the procedure: money lies on tariffs, which no model knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from claims_sim.generation.author import draw_money, joined
from claims_sim.generation.names import Names
from claims_sim.generation.options import draw_options
from claims_sim.generation.prompt import Asked
from claims_sim.profile.drawing.conditional import Conditions
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key

DRAWS: Final = 8  # of a brief
NO_PROCEDURE: Final = "none"


@dataclass(frozen=True, slots=True)
class Band:
    """What is possible for one brief. `procedures` and `secondary` are code to name; ranges include both ends.

    `labels` are the procedure labels that the profile gives the codes; `paid_in_full`: no draw paid less than claimed;
    `tariffs` are the amounts, claimed and paid, that were drawn for each procedure.
    """

    procedures: dict[str, str]
    secondary: dict[str, str]
    most_secondary: int
    los: tuple[int, int]
    claimed: tuple[int, int]
    paid: tuple[int, int]
    labels: dict[str, str]
    paid_in_full: bool
    grid: float
    secondary_sorted: bool
    tariffs: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """What the template shows."""
        return {
            "procedures": list(self.procedures.items()),
            "secondary": list(self.secondary.items()),
            "most_secondary": self.most_secondary,
            "los": self.los,
            "claimed": self.claimed,
            "paid": self.paid,
        }

    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer inside the band."""
        codes = {"type": "string", "enum": list(self.secondary)} if self.secondary else {"type": "string"}
        properties = {
            "procedure_code": {"type": "string", "enum": list(self.procedures)},
            "secondary_codes": {"type": "array", "items": codes, "maxItems": self.most_secondary},
            "los": _integer(self.los),
            "amount_claimed": _integer(self.claimed),
            "amount_paid": _integer(self.paid),
        }
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def read(self, answer: object) -> dict[str, Any]:
        """The open columns and amounts of an answer. Raises ValueError, in words of ours, when it leaves the band."""
        if not isinstance(answer, Mapping):
            raise ValueError("no object")  # noqa: TRY004 - the caller collects ValueErrors
        procedure, codes = answer.get("procedure_code"), answer.get("secondary_codes")
        if not isinstance(procedure, str) or procedure not in self.procedures:
            raise ValueError("procedure_code is not one of those listed")
        if not isinstance(codes, list) or any(not isinstance(c, str) or c not in self.secondary for c in codes):
            raise ValueError("secondary_codes holds one that is not listed")
        if len(set(codes)) < len(codes) or len(codes) > self.most_secondary:
            raise ValueError("secondary_codes holds a code twice, or too many")
        los = int(_number(answer, "los", self.los))
        claimed = self._on_grid(_number(answer, "amount_claimed", self.claimed))
        paid = claimed if self.paid_in_full else self._on_grid(_number(answer, "amount_paid", self.paid))
        if paid > claimed:
            raise ValueError("amount_paid is above amount_claimed")
        drawn = self.tariffs.get(procedure, ())
        claimed, paid = min(drawn, key=lambda one: abs(one[0] - claimed) + abs(one[1] - paid), default=(claimed, paid))
        code = None if procedure == NO_PROCEDURE else str(procedure)
        return {
            "procedure_code": code,
            "procedure_label": None if code is None else self.labels[code],
            "dx_secondary_codes": sorted(codes) if self.secondary_sorted else codes,
            "comorbidity_count": len(codes),
            "los": los,
            "amount_claimed": claimed,
            "amount_paid": paid,
            "amount_gap": round(claimed - paid, 2),
        }

    def _on_grid(self, amount: float) -> float:
        return round(round(amount / self.grid) * self.grid, 2)


@dataclass(frozen=True, slots=True)
class Bands:
    """The bands of a batch, brief for brief."""

    bands: tuple[Band, ...]

    def asked(self) -> list[Asked]:
        """What is asked for each brief: all its open fields and amounts."""
        return [Asked(band.schema(), band.values(), band.read) for band in self.bands]

    def columns(self, _positions: np.ndarray, answers: Sequence[Mapping[str, Any]]) -> pa.Table:
        """The checked answers as columns."""
        return pa.Table.from_pylist([dict(answer) for answer in answers], schema=FULL_SCHEMA)


FULL_SCHEMA: Final = pa.schema(
    [
        ("procedure_code", pa.string()),
        ("procedure_label", pa.string()),
        ("dx_secondary_codes", pa.list_(pa.string())),
        ("comorbidity_count", pa.int32()),
        ("los", pa.int32()),
        ("amount_claimed", pa.float64()),
        ("amount_paid", pa.float64()),
        ("amount_gap", pa.float64()),
    ]
)


def draw_bands(
    sampler: Sampler, key: int, rows: np.ndarray, briefs: pa.Table, names: Names, wanted: Conditions | None = None
) -> Bands:
    """A band for each brief; it depends on (key, the row's number, its brief) alone."""
    options = draw_options(sampler, stream_key(key, "open"), rows, briefs, DRAWS, wanted)
    which = np.repeat(np.arange(len(rows)), DRAWS)
    counters = rows[which] * DRAWS + np.tile(np.arange(DRAWS), len(rows))
    claims = joined(briefs.take(pa.array(which, pa.int64())), options.drawn)
    money = draw_money(sampler, stream_key(key, "money"), counters, claims, wanted)
    drawn = joined(options.drawn, money)
    profile = sampler.profile
    return Bands(
        tuple(
            _band(drawn.slice(i * DRAWS, DRAWS).to_pylist(), names, profile.amount_grid, profile.secondary_sorted)
            for i in range(len(rows))
        )
    )


def _band(draws: list[dict[str, Any]], names: Names, grid: float, secondary_sorted: bool) -> Band:
    procedures, labels = {}, {}
    tariffs: dict[str, list[tuple[float, float]]] = {}
    for draw in draws:
        code = draw["procedure_code"]
        tariffs.setdefault(NO_PROCEDURE if code is None else code, []).append(
            (draw["amount_claimed"] or 0.0, draw["amount_paid"] or 0.0)
        )
        if code is None:
            procedures[NO_PROCEDURE] = names.words["no_procedure"]
        elif code in names.procedures:
            procedures[code], labels[code] = names.procedures[code], draw["procedure_label"]
    found = {code for draw in draws for code in draw["dx_secondary_codes"] or () if code in names.diagnoses}
    secondary = {code: names.diagnoses[code] for code in sorted(found)}
    most = max((len(draw["dx_secondary_codes"] or ()) for draw in draws), default=0)
    return Band(
        procedures=procedures or {NO_PROCEDURE: names.words["no_procedure"]},
        secondary=secondary,
        most_secondary=min(most, len(secondary)),
        los=_range(draws, "los"),
        claimed=_range(draws, "amount_claimed"),
        paid=_range(draws, "amount_paid"),
        labels=labels,
        paid_in_full=all(draw["amount_paid"] == draw["amount_claimed"] for draw in draws),
        grid=grid,
        secondary_sorted=secondary_sorted,
        tariffs={code: tuple(drawn) for code, drawn in tariffs.items()},
    )


def _range(draws: list[dict[str, Any]], name: str) -> tuple[int, int]:
    values = [draw[name] or 0 for draw in draws]
    return int(np.floor(min(values))), int(np.ceil(max(values)))


def _integer(band: tuple[int, int]) -> dict[str, Any]:
    return {"type": "integer", "minimum": band[0], "maximum": band[1]}


def _number(answer: Mapping[str, Any], name: str, band: tuple[int, int]) -> float:
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not band[0] <= value <= band[1]:
        raise ValueError(f"{name} is no number from {band[0]} to {band[1]}")
    return value
