"""The parts of a profile's document: tables of counts, ranges of numbers, price lists, and what amounts follow from.

Each part checks itself; what one part says of another is checked where both are, in `document.py`.
"""

from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

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

PERIOD: Final = "price_period"
"""A variable of the price lists' own: the period of the month, of those between which prices change."""
FURTHER_PROCEDURE: Final = "further_procedure"
CASE_GROUP: Final = "case_group"
"""The group of cases that an INA-CBG code begins with, beside the severity that it ends in."""
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


class Part(BaseModel):
    """A part of the document: closed, so that a field it does not know is refused, and never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(Part):
    """All contexts of one depth: their paths of parent codes one after the other, and each one's cells.

    `cells[i]` cells of `values` and `units` belong to context i; a value of -1 is the context's remainder.
    """

    contexts: tuple[Whole, ...]
    cells: tuple[Whole, ...]
    values: tuple[Annotated[int, Field(ge=-1)], ...]
    units: tuple[Annotated[int, Field(ge=1)], ...]


class Table(Part):
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


class Bins(Part):
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


class Feature(Part):
    """What a table may depend on: a variable's codes, or groups of them (`groups[code]`)."""

    variable: str
    size: Whole
    groups: tuple[Whole, ...] | None = None


def _without_empty(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of the document without what it holds none of: hashes and approvals stay as they were."""
    return document if document[name] else {key: value for key, value in document.items() if key != name}


class Decisive(Part):
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


class Tariff(Part):
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


class DayRates(Part):
    """What a day of stay adds to every amount that is not nothing: by the values of a variable, or one rate for all."""

    variable: str | None
    rates: Annotated[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], Field(min_length=1)]


class Nested(Part):
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


class PatientsPart(Part):
    """The shares that patients pay, and how these are rounded; what is paid is the rest."""

    shares: Annotated[tuple[Share, ...], Field(min_length=1)]
    grid: Annotated[float, Field(gt=0)]
    ties: Literal["down", "near", "up"]


_LogFactor = Annotated[float, Field(ge=-50, le=50, allow_inf_nan=False)]
_WeightStep = Annotated[float, Field(ge=1e-6, le=1)]


class WeightRate(Part):
    """Weights are amounts divided by a rate, in whole steps of `grid`; the table `weight_rate` says by which, as `bins["weight_rate"]`
    has them.
    """  # noqa: D205

    amount: Literal["amount_claimed", "amount_paid"]
    grid: _WeightStep


class WeightFactors(Part):
    """Weights are products, in whole steps of `grid`, of what each value of some variables multiplies by: its logarithm, None where none
    may be told.
    """  # noqa: D205

    logs: Annotated[dict[str, tuple[_LogFactor | None, ...]], Field(min_length=1)]
    grid: _WeightStep


class PaidMeans(Part):
    """Where what is paid lies that no rule says, as logarithms: of the amounts (0), of the shares of what is claimed (1), or of the
    amounts less so much of the logarithm of what is claimed.
    """  # noqa: D205

    follows_claimed: Share
    means: Means
    grid: Annotated[float, Field(gt=0)]


class Money(Part):
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
    says on which of them, or on which of `left_rounded_to` what it leaves lies, as what is claimed is `claimed_rounded_to` one of both.
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
    unpriced_recur: tuple[Share, ...] = ()
    """The same of claims whose own case has no price, as that of hospitals of which there are too few."""
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
