"""What a profile takes across, told for people: each table, each value, each kind of figure. Reads the document alone."""

from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any, Final

import numpy as np

from claims_sim.profile.counts.companions import FIRST_MEMBER, MEMBER
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import (
    BLANKS,
    CASE_GROUP,
    FURTHER_PLACE,
    FURTHER_PROCEDURE,
    PAYS_NOTHING,
    PROCEDURE_NAME,
    Table,
    Tariff,
)
from claims_sim.profile.encoding.encode import (
    DISCHARGE_MONTH,
    DX_GROUP,
    HAS_CASE_GROUP,
    HAS_PROCEDURE,
    HOUR,
    PROCEDURE_GROUP,
    SEASON,
    WEIGHT_LEVEL,
)
from claims_sim.profile.fitting.calendar import OF_ANY_TIME, PAST_MIDNIGHT, PERIOD, STAY_GAP, STAY_MINUTES
from claims_sim.profile.fitting.special_dates import SPECIAL_DATE
from claims_sim.profile.fitting.wordings import DX_WORDING, PROCEDURE_WORDING
from claims_sim.profile.paid.paid_lists import BESIDE_PRICE, PAID_CASE
from claims_sim.profile.paid.paid_rounding import CLAIMED_ON, CLAIMED_ROUNDED_TO
from claims_sim.profile.paid.settlement import AMOUNT_BAND, PAID_KIND, PAID_LEVEL
from claims_sim.profile.prices.amount_fit import (
    AMOUNT_KIND,
    KIND_OF_FEW,
    ON_LIST,
    PRICE_CASE,
    PRICE_POINT,
    PRICED,
    RESIDUAL,
)
from claims_sim.profile.prices.weight_rates import WEIGHT_RATE
from claims_sim.profile.reading.source_columns import DIAGNOSIS
from claims_sim.profile.texts.admit import NAMES_OF, admitted
from claims_sim.profile.texts.own_codes import CASE_GROUPS, OWN_CODES

SOURCE_TEXT: Final = "the source; admitted as a short phrase without anything that looks like an identifier"
SOURCE_LABEL: Final = "the source; every word of it is a word of the public code systems"
SOURCE_NAME: Final = "the source; a code's usual label in a column that names the codes; it looks like no identifier"
SOURCE_CODE: Final = "the source; it has the form of a public code"
SOURCE_OWN_CODE: Final = "the source; a list of codes of its own, which are written alike and look like no identifier"
_ORIGINS: Final = {
    "dx_primary_label": SOURCE_LABEL,
    "procedure_label": SOURCE_LABEL,
    "dx_primary_code": SOURCE_CODE,
    "dx_secondary_codes": SOURCE_CODE,
    "procedure_code": SOURCE_CODE,
    PROCEDURE_NAME: "the source; a phrase of a list that nearly all such claims bear; it looks like no identifier",
    CASE_GROUP: "the source; groups of INA-CBG, by their form",
    "admit_month": "the calendar; only months that enough share",
}
_CALLED: Final = {
    PRICE_CASE: "case of the price lists",
    PAID_CASE: "case of the price list of what is paid",
    DX_GROUP: "group of diagnoses",
    HAS_CASE_GROUP: "whether there is a case group",
    HAS_PROCEDURE: "whether anything was done",
    PAST_MIDNIGHT: "whether a visit ends on the next day",
    STAY_GAP: "days between the dates beside those of the stay",
    PROCEDURE_GROUP: "group of procedures",
    PROCEDURE_NAME: "name of a procedure that its code does not tell",
    DX_WORDING: "wording of the diagnosis's name",
    PROCEDURE_WORDING: "wording of the procedure's name",
    ON_LIST: "whether what is claimed is a price of the case",
    PRICE_POINT: "which price of the case",
    AMOUNT_KIND: "whether what is claimed is a price and how dear for its case, an amount by name or another",
    PAYS_NOTHING: "whether nothing is paid",
    KIND_OF_FEW: "the same of claims of whose case too few are like them",
    PRICED: "whether a price list has the case",
    RESIDUAL: "how far what is claimed lies from what it lies about",
    FIRST_MEMBER: "first secondary code",
    MEMBER: "secondary code",
    FURTHER_PROCEDURE: "further procedure",
    CASE_GROUP: "group of cases",
    FURTHER_PLACE: "how many procedures come before it",
    AMOUNT_BAND: "band of what is claimed",
    CLAIMED_ON: "to which grid what is claimed is rounded",
    CLAIMED_ROUNDED_TO: "to which of the grids of payments what is claimed is rounded",
    BESIDE_PRICE: "how many times the price that is paid is claimed",
    PAID_LEVEL: "how large a share is paid",
    PAID_KIND: "whether all is paid, nothing, what a rule says, a share or all but an amount",
    SEASON: "month of the year",
    PERIOD: "period of several months",
    DISCHARGE_MONTH: "month of the discharge",
    HOUR: "hour of admission",
    WEIGHT_LEVEL: "how high the weight is",
    WEIGHT_RATE: "what a point of weight is worth",
}
"""Variables that are no column, for a reader."""
_SYSTEMS: Final = {
    "dx_primary_code": "ICD-10",
    "dx_secondary_codes": "ICD-10",
    "procedure_code": "ICD-9-CM",
    FURTHER_PROCEDURE: "ICD-9-CM",
}
_STAYS: Final = {
    STAY_GAP: "the dates; days between them beside those of the stay: a day less to a day more, and others that enough have",
    STAY_MINUTES: "the times; minutes beyond their days that many stays last",
}


@dataclass(frozen=True, slots=True)
class TableCrossing:
    """One table of counts as it crosses.

    `cells` are released counts of single values, `remainders` those of what was merged within its context; `smallest`
    is the least of either in claims. `general` is the share of the claims that are counted with fewer variables given
    than the table has, because the finer cells were too small.
    """

    name: str
    given: tuple[str, ...]
    values: int
    cells: int
    remainders: int
    smallest: int
    merged: float
    general: float


@dataclass(frozen=True, slots=True)
class ValueList:
    """The values of a column, where they come from, and the public names of codes (None: the code stands for itself)."""

    column: str
    origin: str
    values: tuple[str, ...]
    names: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """All that a profile holds, in words and figures."""

    profile_hash: str
    made_at: str
    counted: str
    claims: int
    smallest: int
    tables: tuple[TableCrossing, ...]
    lists: tuple[ValueList, ...]
    ranges: tuple[tuple[str, int], ...]
    money: tuple[tuple[str, int], ...]
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def describe_crossing(profile: Profile) -> Crossing:
    """What would leave the source with this profile."""
    return Crossing(
        profile_hash=profile.profile_hash,
        made_at=f"{profile.created_at:%Y-%m-%d %H:%M} UTC",
        counted=f"every count stands for {profile.k} {profile.unit} or more, in steps of {profile.k} claims",
        claims=profile.rows,
        smallest=profile.smallest_cell(),
        tables=tuple(_table(profile, table) for table in profile.tables.values()),
        lists=(
            *(_list(profile, column) for column in profile.vocabularies),
            *_dates(profile),
            *_stays(profile),
            *_blanks(profile),
        ),
        ranges=tuple((name, len(bins.lo)) for name, bins in profile.bins.items()),
        money=_money(profile),
        sentences=profile.oddities,
    )


def _table(profile: Profile, table: Table) -> TableCrossing:
    units = [np.array(level.units, np.int64) for level in table.levels]
    rest = [np.array(level.values, np.int64) < 0 for level in table.levels]
    every = np.concatenate(units)
    total = max(int(every.sum()), 1)
    remainder = np.concatenate(rest)
    return TableCrossing(
        name=table.name,
        given=tuple(_in_words(name) for name in table.parents),
        values=table.size,
        cells=int((~remainder).sum()),
        remainders=int(remainder.sum()),
        smallest=int(every.min()) * profile.k if len(every) else 0,
        merged=float(every[remainder].sum()) / total,
        general=float(sum(int(level.sum()) for level in units[:-1])) / total,
    )


def _in_words(feature: str) -> str:
    variable, _, groups = feature.partition("~")
    variable = _CALLED.get(variable, variable)
    return f"{variable} in {groups.rpartition('~')[2]} groups" if groups else variable


def _list(profile: Profile, column: str) -> ValueList:
    values = tuple("(none)" if value is None else value for value in profile.vocabularies[column])
    are_procedures = column in ("procedure_code", FURTHER_PROCEDURE)
    names: dict[str, str] = profile.procedure_names if are_procedures else profile.dx_names
    coded = column in _SYSTEMS
    origin = _ORIGINS.get("procedure_code" if are_procedures else column, SOURCE_TEXT) + (
        f"; names from {_SYSTEMS[column]}" if coded else ""
    )
    told = [value for value in profile.vocabularies[column] if value is not None]
    if (
        column in (*OWN_CODES, *NAMES_OF, FURTHER_PROCEDURE)
        and not admitted("procedure_code" if are_procedures else column, told).all()
    ):
        origin = SOURCE_NAME if column in NAMES_OF else SOURCE_OWN_CODE
    if column == PROCEDURE_NAME and all(any(form.fullmatch(value) for form in CASE_GROUPS) for value in told):
        origin = SOURCE_OWN_CODE
    if column == "dx_secondary_codes" and MEMBER not in profile.tables:
        origin = "well-known conditions of the public code system, whatever the source has"
    if column == DIAGNOSIS and column in profile.absent:
        origin = "the public code system: the code that says that nothing is known, since the source has none"
    return ValueList(column, origin, values, tuple(names.get(value) if coded else None for value in values))


def _dates(profile: Profile) -> tuple[ValueList, ...]:
    if not profile.special_dates:
        return ()
    origin = (
        "the calendar; dates on which clearly more or fewer claims come than on others of their weekday around them"
    )
    values = tuple(str(day) for day in profile.special_dates)
    return (ValueList(SPECIAL_DATE, origin, values, (None,) * len(values)),)


def _stays(profile: Profile) -> tuple[ValueList, ...]:
    found = []
    for name, origin in _STAYS.items():
        if name in profile.bins:
            numbers = (round(number) for number in profile.bins[name].lo)
            values = tuple("others" if name == STAY_MINUTES and n == OF_ANY_TIME else str(n) for n in numbers)
            found.append(ValueList(name, origin, values, (None,) * len(values)))
    return tuple(found)


def _blanks(profile: Profile) -> tuple[ValueList, ...]:
    if not profile.blanks:
        return ()
    values = tuple(" and ".join(names) or "none" for names in profile.blanks)
    return (ValueList(BLANKS, "columns that are empty together", values, (None,) * len(values)),)


def _money(profile: Profile) -> tuple[tuple[str, int], ...]:
    money = profile.money
    found = [("amounts that enough claims share", len(money.exact))]
    found += (
        [("amounts that are nearly all there are, each borne by enough", n)] if (n := len(money.every_amount)) else []
    )
    if money.every_payment:
        found += [("payments that are nearly all there are, each made to enough", sum(map(len, money.every_payment)))]
    if money.tariffs:
        found += [
            ("prices of tariffs, each borne by enough", sum(len(tariff.bases) for tariff in money.tariffs)),
            ("top-ups", sum(len(tariff.top_ups) for tariff in money.tariffs)),
            ("procedures that decide prices", sum(_decisive(tariff) for tariff in money.tariffs)),
            ("factors of tariffs", sum(len(logs) for tariff in money.tariffs for logs in tariff.factors.values())),
            ("months from which tariffs have other prices", sum(_changes(tariff) for tariff in money.tariffs)),
            ("tariffs whose prices are of a day", sum(tariff.by_day for tariff in money.tariffs)),
        ]
    marks = sum(len(tariff.mark_ups) for tariff in money.tariffs)
    found += [("multiples of rounded prices", marks)] if marks else []
    found += (
        [("rules of payment that follow from prices before they are multiplied", 1)]
        if money.paid_before_mark_ups
        else []
    )
    if paid := money.paid_tariffs:
        top_ups, by_day = sum(len(tariff.top_ups) for tariff in paid), sum(tariff.by_day for tariff in paid)
        found += [("procedures that decide what is paid", sum(_decisive(tariff) for tariff in paid))]
        found += [("prices of what is paid, each borne by enough", sum(len(tariff.bases) for tariff in paid))]
        found += [("top-ups of these", top_ups)] if top_ups else []
        found += [("factors of these", sum(len(logs) for tariff in paid for logs in tariff.factors.values()))]
        found += [("of these lists, those of prices of a day", by_day)] if by_day else []
        changes = sum(_changes(tariff) for tariff in paid)
        found += [("months from which these have other prices", changes)] if changes else []
    above = sum(money.rates_above_claimed)
    found += [("kinds of service that are paid these also where less is claimed", above)] if above else []
    found += [("lists of what is paid whose prices some bill just so", len(paid))] if money.claimed_as_paid else []
    followed = sum(slope != 0 for slope in money.claimed_follows_paid)
    found += [("kinds of service whose charges follow the price that is paid", followed)] if followed else []
    summed = sum(money.others_above_prices)
    found += [("kinds of service whose other charges are more than the price of their case", summed)] if summed else []
    recurring = sum(max(shares) > 0 for shares in zip_longest(money.others_recur, money.unpriced_recur, fillvalue=0.0))
    found += [("kinds of service with prices of other cases among other charges", recurring)] if recurring else []
    found += [("rises of other charges with the prices that they lie about", 1)] if money.off_slope != 1.0 else []
    found += [("grids of what is paid", len(money.paid_rounded_to))] if money.paid_rounded_to else []
    found += [("grids of what that leaves", len(money.left_rounded_to))] if money.left_rounded_to else []
    found += [("steps of payments by rules", 1)] if money.paid_step else []
    found += [("grids of what is claimed that payments keep", len(money.paid_keeps))] if money.paid_keeps else []
    found += [("habits of rounding payments", 1)] if money.paid_habit != "near" else []
    found += [("amounts that are paid by name", len(money.paid_exact))] if money.paid_exact else []
    factors = {} if money.weight_factors is None else money.weight_factors.logs
    found += [("factors of weights", sum(map(len, factors.values())))] if factors else []
    found += [("rates a day", len(money.day_rates.rates))] if money.day_rates else []
    contexts = [money.means] + ([money.off_prices] if money.off_prices is not None else [])
    contexts += [money.paid_means.means] if money.paid_means is not None else []
    means = sum(len(values) for about in contexts for nested in (about, *about.further) for _, values in nested.levels)
    return (*found, ("means of logarithms, to 0.01 or (of few claims) 0.05", means))


def _decisive(tariff: Tariff) -> int:
    return 0 if tariff.decisive is None else len(tariff.decisive.pairs)


def _changes(tariff: Tariff) -> int:
    return max(tariff.periods, default=0)
