"""The profile: a closed, validated document of aggregates, the only thing that leaves the insurer's zone.

It holds counts in whole numbers of k, code lists that have passed the release rules, and a few fitted constants: no
row, no minimum or maximum, no example. Whoever reads it needs no source and no code system.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from claims_sim.errors import ProfileError
from claims_sim.profile.document_parts import (
    AMOUNT_KINDS,
    BLANKS,
    BY,
    CASE_GROUP,
    DEAR_KINDS,
    FURTHER_PROCEDURE,
    PERIOD,
    PROCEDURE_NAME,
    Bins,
    Blankable,
    DaysOfMonth,
    Feature,
    Money,
    Part,
    Share,
    Table,
    Whole,
)

PROFILE_SCHEMA_VERSION: Final = "12"
_SEASON, _MONTHS_OF_YEAR = "calendar_month", 12


class Profile(Part):
    """A source's aggregates. Build with `fit_profile`, store with `save`, read with `load`."""

    schema_version: Literal["12"] = PROFILE_SCHEMA_VERSION
    created_at: AwareDatetime
    k: Annotated[int, Field(ge=1)]
    unit: Literal["persons", "claims"]
    rows: Whole
    absent: tuple[str, ...]
    oddities: tuple[str, ...]
    defaults: dict[str, str]
    period: tuple[str, str]
    special_dates: tuple[date, ...] = ()
    """Dates on which clearly more or fewer claims come than around them, in order."""
    days_without: tuple[DaysOfMonth, DaysOfMonth] = (0, 0)
    """How many days of the first month come before the claims, and how many of the last one behind them."""
    date_granularity: Literal["day", "time"]
    time_grid_s: Annotated[int, Field(ge=1)]
    amount_grid: Annotated[float, Field(gt=0)]
    identities: dict[str, Share]
    plausibility: dict[str, Share] = Field(default_factory=dict)
    """For each plausibility rule that enough claims fall under: the share of them that break it."""
    vocabularies: dict[str, tuple[str | None, ...]]
    bins: dict[str, Bins]
    features: dict[str, Feature]
    tables: dict[str, Table]
    money: Money
    dx_names: dict[str, str]
    procedure_names: dict[str, str]
    secondary_sorted: bool = False
    blanks: tuple[tuple[Blankable, ...], ...] = ()
    """What each code of the table `blanks` leaves empty that a payload has to fill; the first nothing."""
    smallest: Whole
    ledger: tuple[()] = ()
    """Reserved: what a differentially private release would have spent."""

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> "Profile":
        for name, feature in self.features.items():
            if feature.groups is not None and max(feature.groups, default=-1) >= feature.size:
                raise ValueError(f"feature {name} has a group out of range")
        if self.defaults.get("dx_primary_code", "") not in ("", *self.vocabularies.get("dx_primary_code", ())):
            raise ValueError("what stands for a missing diagnosis is none of the diagnoses")
        rates = self.money.day_rates
        if rates is not None and len(rates.rates) != len(self.vocabularies.get(rates.variable or "", (None,))):
            raise ValueError(f"the rates by the day are not those of the values of {rates.variable}")
        for name, table in self.tables.items():
            values = {**self.vocabularies, **{n: b.lo for n, b in self.bins.items()}}.get(name)
            if name == "paid" and values is not None and "paid_left" in self.bins:
                values = (*values, *self.bins["paid_left"].lo)
            if values is not None and len(values) != table.size:
                raise ValueError(f"table {name} has another size than its values")
            for parent, size in zip(table.parents, table.sizes, strict=True):
                if parent not in self.features or self.features[parent].size != size:
                    raise ValueError(f"table {name} depends on {parent}, which is not there in that size")
        return self

    @model_validator(mode="after")
    def _weights_follow_from_what_is_there(self) -> "Profile":
        if self.money.weight_rate is not None and not {"weight_rate"} <= self.tables.keys() & self.bins.keys():
            raise ValueError("weights follow from a rate that no table draws")
        factors = {} if self.money.weight_factors is None else self.money.weight_factors.logs
        if factors and self.money.weight_rate is not None:
            raise ValueError("weights follow from a rate and from factors")
        for name, logs in factors.items():
            size = _MONTHS_OF_YEAR if name == _SEASON else len(self.vocabularies.get(name, ()))
            if len(logs) > size:
                raise ValueError(f"weights follow from {name}, which has no {len(logs)} values")
        return self

    @model_validator(mode="after")
    def _periods_fit_their_lists(self) -> "Profile":
        for tariff in (*self.money.tariffs, *self.money.paid_tariffs):
            periods = tariff.periods
            if periods and len(periods) != len(self.vocabularies.get("admit_month", ())):
                raise ValueError("the periods of a tariff are not those of the months")
            if any(one not in (before, before + 1) for before, one in pairwise((0, *periods))):
                raise ValueError("the periods of a tariff do not follow each other")
            sizes = dict(zip(tariff.parents, tariff.sizes, strict=True))
            count = max(periods, default=-1) + 1
            if (PERIOD in sizes and sizes[PERIOD] != count) or PERIOD in tariff.factors:
                raise ValueError("the cases of a tariff do not fit its periods")
            by = [name for name in tariff.factors if name.startswith(BY)]
            for name in by:
                places = self.vocabularies.get(name.removeprefix(BY), ())
                if not count or len(tariff.factors[name]) != len(places) * count:
                    raise ValueError(f"the factor {name} is not one of each value in each period")
            if any(name.startswith(BY) for name in sizes):
                raise ValueError("a tariff has factors of places and periods, and none of these as a part of its cases")
        return self

    @model_validator(mode="after")
    def _kinds_of_amounts_fit(self) -> "Profile":
        kinds, of_few = (self.tables.get(name) for name in ("amount_kind", "amount_kind_of_few"))
        if of_few is not None:
            fits = kinds is not None and (kinds.size, of_few.size) == (DEAR_KINDS + 1, DEAR_KINDS)
        else:
            fits = kinds is None or kinds.size in (AMOUNT_KINDS, DEAR_KINDS)
        if not fits:
            raise ValueError("the table amount_kind does not fit the kinds of amounts, and how dear prices are")
        return self

    @model_validator(mode="after")
    def _grids_of_payments_fit(self) -> "Profile":
        keeps, on = self.money.paid_keeps, self.money.claimed_on
        if list(keeps) != sorted(set(keeps)) or not self._sizes_of("claimed_on") <= {len(on) + 1}:
            raise ValueError("what depends on claimed_on does not fit the grids that payments keep")
        grids = {*self.money.paid_rounded_to, *self.money.left_rounded_to}
        if not self._sizes_of("claimed_rounded_to") <= {len(grids)}:
            raise ValueError("what depends on claimed_rounded_to does not fit the grids of payments by no rule")
        return self

    def _sizes_of(self, variable: str) -> set[int]:
        """How many values or groups of it the tables know that depend on a variable."""
        return {
            len(one.groups) if one.groups else one.size for one in self.features.values() if one.variable == variable
        }

    @model_validator(mode="after")
    def _what_payments_leave_fits(self) -> "Profile":
        if "paid_left" in self.bins and (self.money.paid_means is not None or "paid" not in self.bins):
            raise ValueError("what payments leave is told beside means of payments, or without their shares")
        return self

    @model_validator(mode="after")
    def _lists_fit_their_tables(self) -> "Profile":
        size = {name: table.size for name, table in self.tables.items()}
        if size.get("special_date", 1) - 1 != len(self.special_dates):
            raise ValueError("the table special_date does not fit the dates")
        if size.get("rounded_to", len(self.money.rounded_to)) != len(self.money.rounded_to):
            raise ValueError("the table rounded_to does not fit the grids")
        if size.get("paid_rounded_to", 0) != len(self.money.paid_rounded_to) + len(self.money.left_rounded_to):
            raise ValueError("the table paid_rounded_to does not fit the grids")
        money = self.money
        codes = max((len(one.levels) + len(one.mark_ups) for one in money.tariffs), default=1)
        points = max((max(one.points, default=0) for one in money.tariffs), default=0)
        amounts = money.points + money.claimed_as_paid + len(money.exact) + 1
        if money.points != points * codes or size.get("amount", amounts) != amounts:
            raise ValueError("the table amount does not fit the prices, the multiples of these and the amounts by name")
        if any(one.mark_ups for one in money.paid_tariffs) or (
            money.paid_before_mark_ups and not (money.has_both and any(one.mark_ups for one in money.tariffs))
        ):
            raise ValueError("what is paid follows from multiples of prices that there are none of")
        if size.get("claims_nothing", 2) != 2:
            raise ValueError("the table claims_nothing does not say one of two things")
        rounds = self.money.paid_step is not None
        may_round = rounds or bool(self.money.paid_keeps)
        if size.get("paid_to_step", 2 if may_round and not rounds else 0) != (2 if may_round else 0):
            raise ValueError("the table paid_to_step does not fit the step of payments")
        if size.get(BLANKS, 0) != len(self.blanks) or any(self.blanks[:1]):
            raise ValueError("the table blanks does not fit the cells that it leaves empty")
        return self

    @cached_property
    def profile_hash(self) -> str:
        """SHA-256 over the content without its creation time: equal sources and rules give equal hashes."""
        document = self._document(without="created_at")
        return hashlib.sha256(_canonical(document).encode()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Profile":
        """A copy, some fields replaced; its hash is that of its own content."""
        copy = super().model_copy(update=update, deep=deep)
        copy.__dict__.pop("profile_hash", None)
        return copy

    def to_json(self) -> str:
        """The document as canonical JSON: sorted keys, no spaces."""
        return _canonical(self._document())

    def _document(self, without: str = "") -> dict[str, Any]:
        document = self.model_dump(mode="json", exclude={without})
        for name in ("special_dates", "days_without", "blanks"):
            if not any(document[name]):
                del document[name]
        money = document["money"]
        # As before there were any: hashes and approvals stay.
        for tariff in (*money["tariffs"], *money["paid_tariffs"]):
            for name in ("grid", "decisive", "periods", "mark_ups", "rounded_at"):
                if tariff[name] is None or tariff[name] == []:
                    del tariff[name]
        for name, usual in (("others_about", "tariffs"), ("off_slope", 1.0), ("paid_habit", "near")):
            if money[name] == usual:
                del money[name]
        for name in (
            "claimed_as_paid",
            "claimed_follows_paid",
            "day_rates",
            "every_amount",
            "every_payment",
            "off_prices",
            "others_above_prices",
            "others_recur",
            "unpriced_recur",
            "left_rounded_to",
            "paid_exact",
            "paid_keeps",
            "paid_means",
            "paid_rounded_to",
            "paid_step",
            "paid_tariffs",
            "paid_before_mark_ups",
            "patients_part",
            "rates_above_claimed",
            "weight_factors",
            "weight_rate",
        ):
            if not money[name]:
                del money[name]
        return document

    @classmethod
    def from_json(cls, text: str) -> "Profile":
        """Parse and check a document; raises ProfileError, one line, when it is not a whole and valid profile."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            if first["loc"] == ("schema_version",):
                raise ProfileError(
                    f"This is no profile of format {PROFILE_SCHEMA_VERSION}, the one that this release of claims-sim reads. "
                    "Build it again with `claims-sim profile`."
                ) from None
            place = ".".join(str(part) for part in first["loc"]) or "the document"
            raise ProfileError(
                f"This is no valid profile: {place}: {first['msg']}. Build it again with `claims-sim profile`."
            ) from None

    def save(self, path: Path) -> None:
        """Write the document so that readers see the old one or the new one, never a part."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.to_json())
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> "Profile":
        """Read a saved profile; raises ProfileError when it is missing or not valid."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ProfileError(f"No profile can be read at {path}: build one with `claims-sim profile`.") from None
        return cls.from_json(text)

    def vocabulary(self) -> pa.Table:
        """The closed vocabularies as (column_name, value): everything textual that a sampled claim may hold."""
        names: list[str] = []
        values: list[str] = []
        for column, vocabulary in sorted(self.vocabularies.items()):
            if column in ("admit_month", PROCEDURE_NAME, FURTHER_PROCEDURE, CASE_GROUP):  # no column of a claim
                continue
            known = sorted({value for value in vocabulary if value is not None} | self._extra_values(column))
            names += [column] * len(known)
            values += known
        named = {"procedure_label"} if PROCEDURE_NAME in self.vocabularies else set()
        for column in sorted((set(self.defaults) | named) - set(self.vocabularies)):
            extra = sorted(self._extra_values(column))
            names += [column] * len(extra)
            values += extra
        return pa.table({"column_name": pa.array(names, pa.string()), "value": pa.array(values, pa.string())})

    def _extra_values(self, column: str) -> set[str]:
        extra = {self.defaults[column]} if column in self.defaults and column in DEFAULT_COLUMNS else set()
        codes = {"dx_primary_label": "dx_primary_code", "procedure_label": "procedure_code"}.get(column)
        if codes is not None:
            names: Mapping[str, str] = self.dx_names if column == "dx_primary_label" else self.procedure_names
            extra |= {names.get(code, code) for code in self.vocabularies.get(codes, ()) if code is not None}
        if column == "procedure_label":
            extra |= {name for name in self.vocabularies.get(PROCEDURE_NAME, ()) if name is not None}
        return extra

    def marginal(self, column: str) -> list[tuple[str, float]]:
        """Values and their shares, commonest first for categories, in order for numbers; empty when not profiled."""
        table = self.tables.get(column)
        if table is None:
            return []
        units = table.marginal()
        total = max(int(units.sum()), 1)
        if column in self.vocabularies:
            vocabulary = self.vocabularies[column]
            pairs = [(vocabulary[i] or "(none)", int(n) / total) for i, n in enumerate(units) if n]
            return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
        bins = self.bins.get(column)
        if bins is None:
            return []
        order = sorted((i for i in range(len(units)) if units[i]), key=lambda i: (bins.lo[i], bins.hi[i]))
        return [(_range_text(bins.lo[i], bins.hi[i]), int(units[i]) / total) for i in order]

    def smallest_cell(self) -> int:
        """The fewest persons (claims, where `unit` says so) that any released cell holds; never below k."""
        return self.smallest


DEFAULT_COLUMNS: Final = frozenset(
    {"service_type", "province_name", "facility_class", "facility_ownership", "severity_group"}
)


def _range_text(lo: float, hi: float) -> str:
    return f"{lo:g}" if lo == hi else f"{lo:g}–{hi:g}"


def _canonical(document: object) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def utc(moment: datetime) -> datetime:
    """`moment` to the second, as profiles keep it."""
    return moment.replace(microsecond=0)
