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

import numpy as np
import pyarrow as pa
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from claims_sim.errors import ProfileError

PROFILE_SCHEMA_VERSION: Final = "12"
PROCEDURE_NAME: Final = "procedure_name"
"""The name of a procedure that has no code; the missing value where there is none, or a code."""
CLAIMS_NOTHING: Final = "claims_nothing"
"""The table that draws whether nothing is claimed, where enough claim nothing; all else is drawn of the others."""
AMOUNT_KINDS: Final = 4
"""An amount is a price of the tariffs, the price that is paid, one by name, or another."""
DEAR_BANDS: Final = 9
"""And a price may be of one of so many bands of how dear it is for its case."""
DEAR_KINDS: Final = DEAR_BANDS + AMOUNT_KINDS - 1
PAYS_NOTHING: Final = "pays_nothing"
"""A variable of claims that are read: 1 where nothing is paid, as of those whose payment is not decided and whose gap is all they claim."""
BLANKS: Final = "blanks"
"""The table that draws which cells of a claim are empty."""
Blankable = Literal[
    "admit_dt", "discharge_dt", "los", "dx_primary_label", "procedure_label", "amount_claimed", "amount_paid", "amount_gap",
    "comorbidity_count", "claim_weight",
]  # fmt: skip
"""The columns that a claim of the stream always fills, and its weight. Of categories the profile knows that some are missing."""

_SEASON, _MONTHS_OF_YEAR = "calendar_month", 12
PERIOD: Final = "price_period"
"""A variable of the price lists' own: the period of the month, of those between which prices change."""
FURTHER_PROCEDURE: Final = "further_procedure"
FURTHER_PLACE: Final = "further_place"
"""How many procedures stand before a further one, but for the first."""
BY: Final = f"{PERIOD} by "
"""With a variable's name behind it, a factor's: that variable and the period together, each of its values with rises of its own."""

Whole = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
MAX_DAYS_WITHOUT: Final = 27
DaysOfMonth = Annotated[int, Field(ge=0, le=MAX_DAYS_WITHOUT)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
LEAST_MARK_UP: Final = 0.25
MOST_MARK_UP: Final = 4.0
"""What a price is multiplied by at least and at most once it is rounded."""
MOST_MARK_UPS: Final = 24
MarkUp = tuple[Whole, Annotated[float, Field(ge=LEAST_MARK_UP, le=MOST_MARK_UP)]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Part):
    """All contexts of one depth: their paths of parent codes one after the other, and each one's cells.

    `cells[i]` cells of `values` and `units` belong to context i; a value of -1 is the context's remainder.
    """

    contexts: tuple[Whole, ...]
    cells: tuple[Whole, ...]
    values: tuple[Annotated[int, Field(ge=-1)], ...]
    units: tuple[Annotated[int, Field(ge=1)], ...]


class Table(_Part):
    """Counts of a variable given its parents, in units of k; level d holds the contexts that d parents make."""

    name: str
    size: Whole
    parents: tuple[str, ...]
    sizes: tuple[Whole, ...]
    levels: tuple[Level, ...]
    has_pools: bool = True
    """False where what is suppressed has another stand-in than the values of the context above."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Table":
        if len(self.levels) != len(self.parents) + 1 or len(self.sizes) != len(self.parents):
            raise ValueError(f"table {self.name} has another number of levels than its parents need")
        for depth, level in enumerate(self.levels):
            ok = len(level.contexts) == depth * len(level.cells) and sum(level.cells) == len(level.values) == len(
                level.units
            )
            if not ok or max(level.values, default=-1) >= self.size:
                raise ValueError(f"table {self.name} is inconsistent at depth {depth}")
            paths = np.array(level.contexts, np.int64).reshape(len(level.cells), depth)
            if depth and len(paths) and (paths >= np.array(self.sizes[:depth])).any():
                raise ValueError(f"table {self.name} has a context out of range at depth {depth}")
        if len(self.levels[0].cells) != 1:
            raise ValueError(f"table {self.name} needs exactly one root")
        return self

    def marginal(self) -> np.ndarray:
        """Units of each value over all contexts; every claim is counted once."""
        total = np.zeros(self.size + 1, np.int64)
        for level in self.levels:
            np.add.at(total, np.array(level.values, np.int64), np.array(level.units, np.int64))
        return total[:-1]


class Bins(_Part):
    """Number ranges: code i stands for lo[i]..hi[i] (a single value where they are equal); of whole numbers, all or some of them."""

    lo: tuple[Finite, ...]
    hi: tuple[Finite, ...]
    whole: bool | tuple[bool, ...] = False

    @model_validator(mode="after")
    def _ordered(self) -> "Bins":
        if len(self.lo) != len(self.hi) or any(a > b for a, b in zip(self.lo, self.hi, strict=True)):
            raise ValueError("a number range ends before it begins")
        if isinstance(self.whole, tuple) and len(self.whole) != len(self.lo):
            raise ValueError("which number ranges are whole does not fit them")
        return self


class Feature(_Part):
    """What a table may depend on: a variable's codes, or groups of them (`groups[code]`)."""

    variable: str
    size: Whole
    groups: tuple[Whole, ...] | None = None


def _without_empty(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of the document without what it holds none of: hashes and approvals stay as they were."""
    return document if document[name] else {key: value for key, value in document.items() if key != name}


class Decisive(_Part):
    """Procedures that decide prices whatever the diagnosis, as numbers service × `procedures` + procedure; the other claims'
    prices are decided by the diagnosis. `diagnoses` and `procedures` are the sizes of their vocabularies.
    """  # noqa: D205

    pairs: Annotated[tuple[Whole, ...], Field(min_length=1)]
    diagnoses: Whole
    procedures: Whole
    groups: tuple[Whole, ...] = ()
    """For each diagnosis its group, where what a procedure costs is another in each group; none where it is the same in all."""

    @model_serializer(mode="wrap")
    def _as_before_there_were_any(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_empty(dump(self), "groups")


class Tariff(_Part):
    """A price list: exp(base of the case + factors + hidden level), rounded to the grid. Logarithms throughout.

    Cases are given by paths of parent codes; each has `points` bases, commonest first, each borne by k persons or more.
    """

    parents: tuple[str, ...]
    sizes: tuple[Whole, ...]
    contexts: tuple[Whole, ...]
    points: tuple[Whole, ...]
    bases: tuple[Finite, ...]
    factors: dict[str, tuple[Finite, ...]]
    levels: Annotated[tuple[Finite, ...], Field(min_length=1)]
    top_ups: tuple[Finite, ...]
    ties: Literal["as computed", "even", "up", "down"] = "as computed"
    """Where a price goes that lies between two steps of the grid."""
    rounded_at: Whole | None = None
    """The hidden level at which prices are rounded before they are multiplied to those of the others, and rounded again."""
    grid: Annotated[float, Field(gt=0)] | None = None
    """The grid of its prices, where that is not the one of all amounts."""
    decisive: Decisive | None = None
    """Where cases are told by what decides the price: diagnoses, and after all of these procedures."""
    periods: tuple[Whole, ...] = ()
    """For each month the period of its prices, where cases or factors go by periods."""
    mark_ups: Annotated[tuple[MarkUp, ...], Field(max_length=MOST_MARK_UPS)] = ()
    """What prices of a hidden level are multiplied by after they are rounded, to the grid of all amounts then: the number of the level,
    and how many times. Each is drawn as a further hidden level.
    """
    by_day: bool = False
    """Prices are of a day: a claim costs so much for each day of its stay, and as much as for one without a night."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Tariff":
        if len(self.contexts) != len(self.points) * len(self.parents) or sum(self.points) != len(self.bases):
            raise ValueError("the tariff's cases and bases do not fit together")
        if any(level >= len(self.levels) or times == 1.0 for level, times in self.mark_ups):
            raise ValueError("the tariff's mark-ups multiply nothing, or no level of it")
        if self.rounded_at is not None and self.rounded_at >= len(self.levels):
            raise ValueError("the tariff is rounded at a level that it has not")
        return self


class DayRates(_Part):
    """What a day of stay adds to every amount that is not nothing: by the values of a variable, or one rate for all."""

    variable: str | None
    rates: Annotated[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=1)]


class Nested(_Part):
    """A mean for each of nested contexts: `levels[d]` holds paths of d parent codes and a mean for each."""

    parents: tuple[str, ...]
    sizes: tuple[Whole, ...]
    levels: tuple[tuple[tuple[Whole, ...], tuple[Finite, ...]], ...]

    @model_validator(mode="after")
    def _fits_together(self) -> "Nested":
        if any(len(paths) != depth * len(means) for depth, (paths, means) in enumerate(self.levels)):
            raise ValueError("the means' contexts do not fit together")
        return self


class Means(Nested):
    """Where logarithms lie: the sum of an effect of each variable's value, a mean of what these leave over nested contexts, and
    of what that leaves over `further` ones.
    """  # noqa: D205

    effects: dict[str, tuple[Finite, ...]]
    further: tuple[Nested, ...] = ()

    @model_serializer(mode="wrap")
    def _as_before_there_were_any(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_empty(dump(self), "further")


class PatientsPart(_Part):
    """The shares that patients pay, and how these are rounded; what is paid is the rest."""

    shares: Annotated[tuple[Share, ...], Field(min_length=1)]
    grid: Annotated[float, Field(gt=0)]
    ties: Literal["down", "near", "up"]


_LogFactor = Annotated[float, Field(ge=-50, le=50, allow_inf_nan=False)]
_WeightStep = Annotated[float, Field(ge=1e-6, le=1)]


class WeightRate(_Part):
    """Weights are amounts divided by a rate, in whole steps of `grid`; the table `weight_rate` says by which, as `bins["weight_rate"]`
    has them.
    """  # noqa: D205

    amount: Literal["amount_claimed", "amount_paid"]
    grid: _WeightStep


class WeightFactors(_Part):
    """Weights are products, in whole steps of `grid`, of what each value of some variables multiplies by: its logarithm, None where none
    may be told.
    """  # noqa: D205

    logs: Annotated[dict[str, tuple[_LogFactor | None, ...]], Field(min_length=1)]
    grid: _WeightStep


class PaidMeans(_Part):
    """Where what is paid lies that no rule says, as logarithms: of the amounts (0), of the shares of what is claimed (1), or of the
    amounts less so much of the logarithm of what is claimed.
    """  # noqa: D205

    follows_claimed: Share
    means: Means
    grid: Annotated[float, Field(gt=0)]


class Money(_Part):
    """How amounts are made.

    The table `amount` draws a code: first points × hidden levels and mark-ups of the claim's tariff, then the price that is paid where
    `claimed_as_paid`, then the shared amounts in `exact`, last
    "other", which lies around the mean of its context. `paid` draws: in full, nothing, the price at each value of
    `paid_at` in turn, by each of `paid_lines` (slope, offset) in turn, then the ranges of `bins["paid"]` as shares of
    what is claimed, last those of `bins["paid_left"]` as what is left of it. `paid_bands` are the borders of the bands of the
    claimed amount that it may depend on.
    """

    primary: Literal["amount_claimed", "amount_paid"]
    has_both: bool
    points: Whole
    exact: tuple[Finite, ...]
    tariffs: tuple[Tariff, ...]
    """Price lists; no two price one claim."""
    means: Means
    paid_at: str | None
    paid_values: Whole
    paid_before_mark_ups: bool = False
    """Does what is paid follow from prices as they are before what makes them more?"""
    paid_lines: tuple[tuple[Share, Finite], ...] = ()
    paid_bands: tuple[Finite, ...] = ()
    rounded_to: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    """Grids, from that of all amounts to coarser ones: the table `rounded_to` says on which of them "other" amounts lie."""
    ceiling: Annotated[float, Field(gt=0)]
    """About how dear the dearest claims are; no "other" amount is dearer."""
    paid_tariffs: tuple[Tariff, ...] = ()
    """Price lists of what is paid, where what is claimed keeps to none; no two price one claim. After the lines, `paid` draws a
    price of theirs, and the table `paid_price` which one; nobody is paid more than is claimed but as `rates_above_claimed` says.
    """
    rates_above_claimed: tuple[bool, ...] = ()
    """For each kind of service: are they paid also where less is claimed? Empty: of none."""
    claimed_as_paid: bool = False
    """Do some claims bill just the price of `paid_tariffs` that is paid? `paid` says nothing of these."""
    claimed_follows_paid: tuple[Share, ...] = ()
    """For each kind of service how much dearer "other" amounts are, as a logarithm, where the price that is paid is by one dearer
    than its case's commonest.
    """
    paid_exact: tuple[Finite, ...] = ()
    """Amounts that `paid` draws by name, after that price; to whom claims less, that is paid."""
    patients_part: PatientsPart | None = None
    """Where there is one, the codes of `paid` after the values of `paid_at` are its shares."""
    paid_rounded_to: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Where what is paid by no rule lies on coarser grids than what is claimed: these, finest first. The table `paid_rounded_to`
    says on which of them, or on which of `left_rounded_to` what it leaves lies.
    """
    left_rounded_to: tuple[Annotated[float, Field(gt=0)], ...] = ()
    paid_habit: Literal["near", "down", "up", "half down", "half up"] = "near"
    """How shares of what is claimed become whole steps of what is paid."""
    paid_step: Annotated[float, Field(gt=0)] | None = None
    """Where there is one, the table `paid_to_step` says whether what is paid by a line or a share is rounded to it. Tables may say
    whether what is claimed is `claimed_on` it, too.
    """
    paid_keeps: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """The same where each claim's step is the coarsest of these that what is claimed lies on, if it lies on one; finest first. Tables
    may say `claimed_on` which it is.
    """
    paid_means: PaidMeans | None = None
    """Where there are any, the last code of `paid` is an amount about them, as far off as the table `paid_residual` says."""
    others_about: Literal["tariffs", "paid_tariffs", "means"] = "tariffs"
    """What other amounts lie about where their case has a price: that of the tariffs, that of what is paid, or none, but the
    mean of their context as all others do.
    """
    others_above_prices: tuple[bool, ...] = ()
    """For each kind of service: do other amounts lie above the commonest price of their case, as sums of items do? Empty: in none."""
    off_prices: Means | None = None
    """How far from such a price other amounts lie on average, as logarithms."""
    off_slope: Share = 1.0
    """How much of the price's logarithm is in theirs, where they lie off it."""
    day_rates: DayRates | None = None
    """Where there are any, all else says of amounts what is left of them without their days."""
    others_recur: tuple[Share, ...] = ()
    """For each kind of service the share of other amounts that become the nearest price of another case. Empty: none does."""
    every_amount: tuple[Finite, ...] = ()
    """Where nearly all claims bear one of a few amounts that enough share: these, in order. What is drawn becomes the nearest."""
    every_payment: tuple[tuple[Finite, ...], ...] = ()
    """The same of what is paid, if anything is, for each kind of service: what is drawn becomes the nearest. Empty: of none."""
    weight_rate: WeightRate | None = None
    """Where there is one, a claim's weight follows from its amount."""
    weight_factors: WeightFactors | None = None
    """Where there are any, it follows from these, as far as they may be told."""

    @property
    def claimed_on(self) -> tuple[float, ...]:
        """The grids, finest first, of which tables may say as `claimed_on` on which, the coarsest, what is claimed lies."""
        return self.paid_keeps or (() if self.paid_step is None else (self.paid_step,))


class Profile(_Part):
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
    plausibility: dict[str, Share] = {}
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
        keeps, on = money.paid_keeps, money.claimed_on
        sizes = {len(f.groups) if f.groups else f.size for f in self.features.values() if f.variable == "claimed_on"}
        if list(keeps) != sorted(set(keeps)) or not sizes <= {len(on) + 1}:
            raise ValueError("what depends on claimed_on does not fit the grids that payments keep")
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
            if column in ("admit_month", PROCEDURE_NAME, FURTHER_PROCEDURE):  # no column of a claim
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
