"""Where the columns that a profile reads are in a foreign table, what follows where they are absent, and what stands in for them."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from claims_sim.errors import SourceError

Kind = Literal["hash", "date", "number", "text", "code", "list"]


# Every column that is read where it is present, in the order of the documentation, and how it is read.
CANONICAL: Final[dict[str, Kind]] = {
    "admit_dt": "date",
    "discharge_dt": "date",
    "los": "number",
    "province_name": "text",
    "district_name": "text",
    "facility_id": "hash",
    "facility_class": "text",
    "facility_ownership": "text",
    "facility_type": "text",
    "service_type": "text",
    "severity_group": "text",
    "dx_primary_code": "code",
    "dx_primary_label": "text",
    "dx_secondary_codes": "list",
    "comorbidity_count": "number",
    "procedure_code": "code",
    "procedure_label": "text",
    "amount_claimed": "number",
    "amount_paid": "number",
    "amount_gap": "number",
    "patient_id_hash": "hash",
    "claim_weight": "number",
}


FURTHER: Final = "further_procedures"
"""The procedures behind the first, in the column of procedures; nobody maps it, and no payload has it."""


CASE_GROUP: Final = "case_group"
"""The group (K-4-17) in a column of INA-CBG codes (K-4-17-II) that severities are read from; nobody maps it, and no payload has it."""


DIAGNOSIS: Final = "dx_primary_code"
NO_DIAGNOSIS: Final = "R69"
"""Unknown causes of morbidity (ICD-10): what stands for the diagnoses of a table that has none."""


CLAIMED_AND_PAID: Final = ("amount_claimed", "amount_paid")
"""A table without either has no amounts: nothing is claimed there, and a gap alone says nothing."""


NUMBER_TYPES: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "U",
    "DOUBLE",
    "FLOAT",
    "DECIMAL",
    "BOOLEAN",
)
"""How the names of DuckDB's types of numbers begin."""


CLAIM_ID: Final = "claim_id"
"""It may be named in a mapping too: real claims are scored and told apart by it; a profile never reads it."""


# Of each of these one is needed; all else has a documented default.
REQUIRED: Final = (
    ("dx_primary_code", "procedure_code"),
    ("admit_dt", "discharge_dt", "los"),
)


# What a column follows from, where it is absent and these are there, and how that is told.
_FOLLOWS: Final = {
    "los": (("admit_dt", "discharge_dt"), "computed from the dates"),
    "discharge_dt": (("admit_dt", "los"), "computed from admit_dt and los"),
    "admit_dt": (("discharge_dt", "los"), "computed from discharge_dt and los"),
    "amount_claimed": (("amount_paid", "amount_gap"), "computed from amount_paid and amount_gap"),
    "amount_paid": (("amount_claimed", "amount_gap"), "computed from amount_claimed and amount_gap"),
    "amount_gap": (("amount_claimed", "amount_paid"), "computed from the amounts"),
    "comorbidity_count": (("dx_secondary_codes",), "counted from dx_secondary_codes"),
    "dx_secondary_codes": (("comorbidity_count",), "well-known conditions, as many as comorbidity_count says"),
}


# What stands in for a column that is absent and follows from none, as docs/profile.md tells too ("What a table must have").
_STANDS_IN: Final = {
    CLAIM_ID: "a profile reads none, but claims without one cannot be scored, nor repeats of them be told",
    "discharge_dt": "the day of admission and the days of stay stand in",
    "los": "1 day for RITL claims, else 0, stands in",
    "province_name": '"unknown" stands in',
    "district_name": "simulated claims have none",
    "facility_id": "which cells few facilities fill is told by the public register alone",
    "facility_class": '"unknown" stands in',
    "facility_ownership": '"unknown" stands in',
    "facility_type": "simulated claims have none",
    "severity_group": '"unknown" stands in',
    "dx_primary_code": f"{NO_DIAGNOSIS}, of which nothing is known, stands in",
    "dx_primary_label": "the code system's name, else the code, stands in",
    "dx_secondary_codes": "none stand in",
    "comorbidity_count": "0 stands in",
    "procedure_code": "none stands in",
    "procedure_label": "the code system's name, else the code, stands in",
    "amount_gap": "0 stands in, since what is paid equals what is claimed",
    "patient_id_hash": "every count stands for at least 50 claims, and not for persons",
    "claim_weight": "every claim counts once",
}


_LISTED: Final = 40
_MAY_BE_DIAGNOSIS: Final = re.compile(
    r"(?i)dx|dia?gn|icd|(?:^|_)ci[ed]_?-?10|disease|illness|penyakit|maladie|krankheit|enfermedad"
)
"""What the name of a column of diagnoses has: a table that has one is not profiled without it."""
_MAY_BE_AMOUNT: Final = re.compile(
    r"(?i)amount|amt|cost|charge|tari[fp]f?|price|expen[sd]|reimburse|payment|paid|biaya|harga|bayar|tagihan|nominal"
    r"|valor|importe|monto|montant|betrag|kosten|preis|prix|prezzo|importo|precio|costo"
)
"""What the name of a column of amounts has: a table that has such numbers is not profiled as one without amounts."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Their column for each canonical name, and their value → ours for each canonical column.

    `also`: the further columns of a list that is spread over several, or of a key of several parts.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Located:
    """Where a canonical column is found: their name, its DuckDB type and how it is to be read.

    A list may be spread over several columns of one code each, a key over several parts: `also` are the others. `month_first` and
    `months`: how dates are written; a month (202203) stands for its first day; `buddhist`: most have years of that era; `short_days`: they
    are numbers whose days or months come first; `short_years`: years of two digits come last.
    `behind`: it is a name behind the code in its column. `with_first`: a list of all diagnoses, beside a column of the first.
    `negative`: numbers with the other sign.
    """

    theirs: str
    type: str
    kind: Kind
    also: tuple[str, ...] = ()
    month_first: bool = False
    months: bool = False
    buddhist: bool = False
    short_days: bool = False
    short_years: bool = False
    behind: bool = False
    with_first: bool = False
    negative: bool = False


def find_columns(types: Mapping[str, str], mapping: ColumnMapping, where: str) -> dict[str, Located]:
    """Where each canonical column is; raises SourceError when a mapped or a required one is missing."""
    by_folded = {name.lower(): name for name in types}

    def theirs_of(wanted: str) -> str | None:
        return wanted if wanted in types else by_folded.get(wanted.lower())

    located: dict[str, Located] = {}
    for name, kind in CANONICAL.items():
        wanted = mapping.columns.get(name, name)
        asked = (wanted, *mapping.also.get(name, ()))
        found = [theirs for theirs in map(theirs_of, asked) if theirs is not None]
        if len(found) == len(asked):
            located[name] = Located(found[0], types[found[0]], kind, tuple(found[1:]))
        elif name in mapping.columns:
            wanted = next(column for column in asked if theirs_of(column) is None)
            raise SourceError(
                f"{where} has no column {wanted!r}, which the mapping gives for {name}; it has: {_listed(types)}."
            )
    lacking = still_needed([name for name in CANONICAL if name not in located])
    if lacking:
        lines = ", ".join(f'{needed.split(" or ")[0]} = "…"' for needed in lacking)
        how = (
            f"The mapping file has to name {'its column' if len(lacking) == 1 else 'their columns'}: {lines} under [columns]"
            if mapping.columns
            else "`claims-sim map` proposes a mapping file that names them"
        )
        raise SourceError(f"{where} lacks {'; '.join(lacking)}. {how}; its columns are: {_listed(types)}.")
    read = {theirs for column in located.values() for theirs in (column.theirs, *column.also)}
    unread = [name for name in types if name not in read]
    if DIAGNOSIS not in located:
        _refuse_unnamed(DIAGNOSIS, "diagnoses", filter(_MAY_BE_DIAGNOSIS.search, unread), where)
    if not any(name in located for name in CLAIMED_AND_PAID):
        numbers = (name for name in unread if types[name].startswith(NUMBER_TYPES))
        _refuse_unnamed(CLAIMED_AND_PAID[0], "amounts", filter(_MAY_BE_AMOUNT.search, numbers), where)
    return located


def _refuse_unnamed(name: str, what: str, may_be: Iterable[str], where: str) -> None:
    """Raise SourceError where a column by its name `may_be` what no column is read as."""
    theirs = next(iter(may_be), None)
    if theirs is not None:
        raise SourceError(
            f"{where} lacks {name}, which its column {theirs!r} may be: name it in the mapping file, "
            f"{name} = {json.dumps(theirs)} under [columns], or, where the table has no {what}, give a view without that column."
        )


def has_no_amounts(absent: Collection[str]) -> bool:
    """Does a table that lacks these columns say nothing of what is claimed or paid?"""
    return set(CLAIMED_AND_PAID) <= set(absent)


def what_follows(absent: Collection[str]) -> dict[str, str]:
    """Of the `absent` canonical columns those that follow from columns that are there, and how in words."""
    found = {name: _FOLLOWS[name] for name in absent if name in _FOLLOWS}
    return {name: how for name, (needed, how) in found.items() if not set(needed) & set(absent)}


def what_stands_in(absent: Collection[str]) -> dict[str, str]:
    """For each of the `absent` columns that follows from none: what a profile takes instead, in words; what is needed has nothing."""
    told = dict(_STANDS_IN)
    has = {"admit_dt", "discharge_dt", "los"} - set(absent)
    told["admit_dt"] = (
        "the day of discharge stands in" if "discharge_dt" in has else "evenly over the twelve months before stands in"
    )
    knows_stays = "los" in has or {"admit_dt", "discharge_dt"} <= has
    told["service_type"] = (
        '"RITL" for claims with a stay, else "RJTL", stands in' if knows_stays else '"unknown" stands in'
    )
    for one, other in (CLAIMED_AND_PAID, CLAIMED_AND_PAID[::-1]):
        told[one] = f"equal to {other} stands in"
    if has_no_amounts(absent):
        told |= dict.fromkeys((*CLAIMED_AND_PAID, "amount_gap"), "0 stands in, since the table has no amounts")
    follows, needed = what_follows(absent), {name for group in REQUIRED if set(group) <= set(absent) for name in group}
    return {name: told[name] for name in absent if name in told and name not in follows and name not in needed}


def still_needed(absent: Collection[str]) -> list[str]:
    """What is required of the `absent` canonical columns: in each line one of several."""
    return [" or ".join(needed) for needed in REQUIRED if set(needed) <= set(absent)]


def absent_in_words(absent: Sequence[str]) -> str:
    """The absent columns for a reader: those that a default stands in for, and those that follow from others."""
    follows = what_follows(absent)
    return ", ".join(f"{name} ({follows[name]})" if name in follows else name for name in absent) or "none"


def _listed(types: Mapping[str, str]) -> str:
    names = sorted(types)
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
