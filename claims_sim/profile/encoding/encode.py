"""A source table as small integers: one code per row and variable, with what each code stands for.

What may not be released by its text or its number of persons has no code (-1). Learns nothing about dependencies.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.claim import MAX_AMOUNT
from claims_sim.codes import icd9cm, icd10
from claims_sim.profile.counts.counting import MIN_FACILITIES, Codes, Ints, Mask, Population, claims_needed, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.counts.telling import share_of
from claims_sim.profile.document_parts import CASE_GROUP, FURTHER_PROCEDURE, PROCEDURE_NAME
from claims_sim.profile.encoding.dealing import Dealing, Groups, deal_out_facilities
from claims_sim.profile.encoding.directory import COLUMNS
from claims_sim.profile.encoding.facilities import facilities_of_register, text_codes
from claims_sim.profile.encoding.weight_factors import WeightFactors, find_weight_factors
from claims_sim.profile.encoding.weights import weights_as_dealt
from claims_sim.profile.reading.blanks import has_none
from claims_sim.profile.reading.missing_stays import MAX_STAY, without_night
from claims_sim.profile.reading.source import SourceTable
from claims_sim.profile.texts.admit import NAMES_OF, admitted, admitted_without_codes
from claims_sim.profile.texts.deciding import MAY_BE_DECIDED
from claims_sim.profile.texts.labels_of_codes import admitted_as_names
from claims_sim.profile.texts.own_codes import admitted_as_case_groups, as_companions
from claims_sim.profile.texts.released_values import CODE_LISTS, release_values
from claims_sim.randomness import stream_key

TEXT_COLUMNS: Final = (
    "service_type", "province_name", "district_name", "facility_class", "facility_type", "facility_ownership",
    "dx_primary_code", "dx_primary_label", "severity_group", "procedure_code", "procedure_label",
)  # fmt: skip
MONTH: Final = "admit_month"
DISCHARGE_MONTH: Final = "discharge_month"
"""The month of the discharge, of those of admission; one more for all that are later."""
SEASON, WEEKDAY, HOUR = "calendar_month", "weekday", "hour"
"""Variables of the moment of admission, beside the month of the period: what amounts may follow."""
STAY_SPAN: Final = "stay_span"
"""Days from admission to discharge, where the days of stay tell nothing of them."""
OUTPATIENT, INPATIENT = "RJTL", "RITL"
HAS_PROCEDURE: Final = "has_procedure"
"""1 where anything was done."""
PROCEDURE_GROUP: Final = "procedure_group"
"""Of procedures that are written alike (`written_alike`)."""
HAS_CASE_GROUP: Final = "has_case_group"
"""1 where a claim has one of many values of the severity."""
_MANY_NAMED: Final = 0.02
"""The share of the claims that must have a procedure by name alone, where others have codes, for the names to be a list."""
_BEAR_ITS_NAME: Final = 0.8
"""The share of the persons who have the commonest name of their procedure's code, under which names tell more than codes."""
_MAY_BE_MISSING: Final = (
    "service_type", "province_name", "facility_class", "facility_type", "facility_ownership", "severity_group", "procedure_code",
)  # fmt: skip
_MANY_WITHHELD: Final = 0.1
"""The share of the claims whose value may not be told, from which on it counts as missing; fewer are as others are."""
_NO_TEXT: Final = ("province_name", "facility_class", "facility_type", "facility_ownership")
_NEARLY_EACH_ITS_OWN: Final = 0.75
"""The share of the persons whose value may not be told, from which on a column is no category but text: blank, it would only be odd."""
_HARDLY: Final = 0.01
"""The share of stays of no day under which days are counted from one."""
DX_GROUP: Final = "dx_group"
"""A group of diagnoses: it is drawn before the diagnosis."""
WEIGHT_LEVEL: Final = "weight_level"
"""How high a claim's weight is: it is drawn before the weight."""
DAY: Final = np.timedelta64(1, "D")
_LOOKED_AT: Final = 200_000


def begins_alike(codes: Sequence[str | None]) -> tuple[int, ...]:
    """The group of each code: of those that begin alike, ICD-10's chapters by and large."""
    initials = sorted({str(code)[:1] for code in codes})
    return tuple(initials.index(str(code)[:1]) for code in codes)


def written_alike(codes: Sequence[str | None]) -> tuple[int, ...]:
    """The group of each procedure: of codes of one length and first character, or of one form where letters come first and marks follow
    (X-1538-00348-02); those without a code are one, too.
    """  # noqa: D205
    written = [_how_written(code) for code in codes]
    found = sorted(set(written))
    return tuple(found.index(form) for form in written)


def _how_written(code: str | None) -> str:
    if code is None:
        return ""
    if code[:1].isalpha() and not code.isalnum():
        return re.sub("[A-Z]", "A", re.sub("[0-9]", "9", code))
    return f"{len(code):02d}{code[:1]}"


@dataclass(slots=True)
class Encoded:
    """The working copy that a profile is fitted to."""

    population: Population
    rows: int
    codes: dict[str, Codes] = field(default_factory=dict)
    vocabularies: dict[str, tuple[str | None, ...]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    oddities: list[str] = field(default_factory=list)
    admit: npt.NDArray[Any] | None = None
    discharge: npt.NDArray[Any] | None = None
    leaves_at: npt.NDArray[Any] | None = None
    """The discharges that the source tells, whose time of day is one; `discharge` has others that stand in for none."""
    los: Numbers | None = None
    days: Numbers | None = None
    claimed: Numbers | None = None
    paid: Numbers | None = None
    weight: Numbers | None = None
    weight_factors: WeightFactors | None = None
    further_rows: Ints | None = None
    further_codes: Codes | None = None
    """The claims and the numbers of procedures behind the first, claim by claim."""
    member_rows: Ints | None = None
    member_codes: Codes | None = None
    companions: Codes | None = None
    """How many secondary diagnoses each claim has, where the source has their number alone; -1 where it does not say."""
    secondary_sorted: bool = False
    names_tell_more: bool = False
    """Procedures of one code have several names, and PROCEDURE_NAME is that of each."""
    groups: Groups | None = None
    service_from_stay: bool = False
    """The source tells no kind of service; claims with a stay count as inpatients."""


def population_of(source: SourceTable, k: int, rounding_key: int = 0) -> Population:
    """Persons and facilities as numbers; without a key of persons, claims are counted, and more of them."""
    import pandas as pd  # noqa: PLC0415 - half a second that only a fit needs; a tick samples

    table = source.columns

    def numbered(name: str) -> tuple[Ints | None, npt.NDArray[np.uint64]]:
        if name not in table.column_names or table[name].null_count == table.num_rows:
            return None, np.zeros(1, np.uint64)
        column = table[name]
        # Numbered in an order that only the production zone knows, and that neither the order of the claims nor one more key changes.
        secret, odd = (np.uint64(stream_key("order of", name, what, rounding_key) | 1) for what in ("key", "factor"))
        ids, marks = pd.factorize((column.fill_null(0).to_numpy().astype(np.uint64) ^ secret) * odd, sort=True)
        missing = column.is_null().to_numpy(zero_copy_only=False)
        # Claims without a person's key are all counted as one person's: no cell may rest on them.
        return np.where(missing, 0, ids.astype(np.int64) + 1), np.r_[
            np.zeros(1, np.uint64), np.asarray(marks, np.uint64)
        ]

    (persons, marks), (facilities, _) = numbered("patient_id_hash"), numbered("facility_id")
    if facilities is None:
        facilities = facilities_of_register(table, persons, k)
    elif len(np.unique(facilities)) < MIN_FACILITIES:
        facilities = None
    needed = k if persons is not None else claims_needed(k)
    return Population(table.num_rows, needed, persons, facilities, rounding_key, None if persons is None else marks)


def encode(source: SourceTable, k: int, rounding_key: int = 0) -> Encoded:
    """All variables of the source as codes."""
    out = Encoded(population=population_of(source, k, rounding_key), rows=source.rows)
    _read_dates(out, source)
    _encode_months(out)
    _read_amounts(out, source)
    dealing = deal_out_facilities(source, out.population)
    if dealing.rows:
        out.oddities.append(
            f"{share_of(dealing.rows, out.rows)} of the claims are of facilities that may not be told from others: they "
            "are dealt out among facilities like them."
        )
    as_drawn = out.weight
    if dealing.dealt is not None and out.weight is not None:
        out.weight = weights_as_dealt(out.weight, dealing.dealt, out.population)
    for name in TEXT_COLUMNS:
        if name == "procedure_label":
            _encode_procedure_names(out, source)
        if name in source.columns.column_names and not (name == "procedure_label" and out.names_tell_more):
            _encode_text(out, source, name, dealing.columns.get(name))
    out.groups = dealing.groups(out.codes)
    if "service_type" not in out.codes and out.los is not None:
        out.codes["service_type"] = np.where(_nights(out, out.los) > 0, 1, 0).astype(np.int32)
        out.vocabularies["service_type"] = (OUTPATIENT, INPATIENT)
        out.service_from_stay = True
        out.oddities.append("service_type is absent: claims with a stay count as RITL, the others as RJTL.")
    if as_drawn is not None:
        out.weight_factors = find_weight_factors(as_drawn, _strata(out, dealing), out.population)
    _encode_further(out, source)
    _encode_case_group(out, source)
    _encode_secondary(out, source)
    if "dx_secondary_codes" not in out.vocabularies:
        _count_companions(out, source)
    return out


def _strata(out: Encoded, dealing: Dealing) -> dict[str, Codes]:
    """What samples are drawn by, of each claim as it came: its place, kind of service and month."""
    strata: dict[str, Codes] = {n: out.codes[n] for n in ("service_type", *COLUMNS) if n in out.codes}
    for name, codes in ((name, codes) for name, codes in dealing.came.items() if name in out.codes):
        # The values that are told of a column are those that claims were dealt out with.
        told = np.full(int(max(codes.max(initial=0), dealing.columns[name].max(initial=0))) + 2, -1, np.int32)
        told[dealing.columns[name]] = out.codes[name]
        told[-1] = -1
        strata[name] = told[codes]
    for name, codes in strata.items():
        if None in out.vocabularies[name]:
            strata[name] = np.where(codes == out.vocabularies[name].index(None), -1, codes).astype(np.int32)
    if MONTH in out.codes and out.admit is not None:
        months = np.array([*(np.datetime64(month, "M").astype(int) % 12 for month in out.vocabularies[MONTH]), -1])
        # Where either will do it is the season, which days to come have too.
        strata[MONTH] = out.codes[MONTH]
        strata[SEASON] = months[out.codes[MONTH]].astype(np.int32)
    return strata


def _nights(out: Encoded, los: Numbers) -> Numbers:
    """The nights of each stay: by its dates where `los` is hardly ever none, since a visit is a day to who counts from one."""
    if out.days is None or np.mean(los == 0) >= _HARDLY or np.mean(out.days == 0) < _HARDLY:
        return los
    return np.where(np.isfinite(out.days), out.days, los)


def _numbers(source: SourceTable, name: str) -> Numbers | None:
    if name not in source.columns.column_names:
        return None
    column = source.columns[name]
    values: Numbers = column.to_numpy().astype(float)
    return values if column.null_count < len(column) and np.isfinite(values).any() else None


def _read_dates(out: Encoded, source: SourceTable) -> None:
    names = source.columns.column_names
    dates = {}
    for name in ("admit_dt", "discharge_dt"):
        if name in names and source.columns[name].null_count < source.rows:
            value = source.columns[name].to_numpy().astype("datetime64[us]")
            strange = (value < np.datetime64("1950-01-01")) | (value >= np.datetime64("2101-01-01"))
            dates[name] = np.where(strange, np.datetime64("NaT"), value)
    out.admit, out.discharge = dates.get("admit_dt"), dates.get("discharge_dt")
    if out.admit is not None and out.discharge is not None:
        reversed_ = out.discharge < out.admit
        out.admit = np.where(reversed_, np.datetime64("NaT"), out.admit)
        out.discharge = np.where(reversed_, np.datetime64("NaT"), out.discharge)
        days = (out.discharge.astype("datetime64[D]") - out.admit.astype("datetime64[D]")) / DAY
        out.days = np.where(np.isnat(out.admit) | np.isnat(out.discharge) | (days > MAX_STAY), np.nan, days)
        if "los" not in names:
            # Without a column of stays there is none in which a claim without dates could be said to have no night.
            out.days = np.where(np.isnan(out.days) & without_night(source.columns), 0.0, out.days)
    if out.discharge is not None:
        stands_in = has_none(source.empty, "discharge_dt", source.rows)
        out.leaves_at = np.where(stands_in, np.datetime64("NaT"), out.discharge)
    los = _numbers(source, "los")
    if los is not None:
        los = np.where((los >= 0) & (los <= MAX_STAY), np.floor(los), np.nan)
    out.los = los if los is not None and np.isfinite(los).any() else out.days
    if out.admit is None and out.discharge is not None:
        stay = np.zeros(source.rows) if out.los is None else np.nan_to_num(out.los)
        out.admit = out.discharge - stay.astype(np.int64) * DAY
        out.oddities.append("admit_dt is absent: it is taken to lie los days before discharge_dt.")


def _encode_months(out: Encoded) -> None:
    """The months of admission that enough persons share, in order."""
    if out.admit is None:
        return
    known = ~np.isnat(out.admit)
    month = out.admit[known].astype("datetime64[M]").astype(np.int64)
    first = int(month.min()) if len(month) else 0
    allowed = out.population.releasable(month - first, int((month - first).max(initial=0)) + 1, np.flatnonzero(known))
    number = np.where(allowed, np.cumsum(allowed) - 1, -1)
    out.codes[MONTH] = np.full(out.rows, -1, np.int32)
    out.codes[MONTH][known] = number[month - first]
    out.vocabularies[MONTH] = tuple(str(np.datetime64(first + int(i), "M")) for i in np.flatnonzero(allowed))


def _read_amounts(out: Encoded, source: SourceTable) -> None:
    claimed, paid, gap = (_numbers(source, name) for name in ("amount_claimed", "amount_paid", "amount_gap"))
    if paid is not None and gap is not None:
        claimed = paid + gap if claimed is None else np.where(np.isnan(claimed), paid + gap, claimed)
    if claimed is not None and gap is not None:
        paid = claimed - gap if paid is None else np.where(np.isnan(paid), claimed - gap, paid)
    out.claimed, out.paid = _money(claimed), _money(paid)
    weight = _numbers(source, "claim_weight")
    out.weight = None if weight is None else np.where(weight >= 0, weight, np.nan)


def _money(values: Numbers | None) -> Numbers | None:
    """Amounts to the cent; what is no amount is missing, and a column without any is absent."""
    if values is None:
        return None
    money = np.where((values >= 0) & (values <= MAX_AMOUNT), np.round(values, 2), np.nan)
    return money if np.isfinite(money).any() else None


def _encode_text(out: Encoded, source: SourceTable, name: str, dealt: Codes | None) -> None:
    """Code a text column, with `dealt` in the place of what its rows hold."""
    column = source.columns[name].combine_chunks()
    if column.null_count == len(column):
        return
    values = column.dictionary.to_pylist()
    raw = text_codes(source.columns[name]).astype(np.int64) if dealt is None else dealt.astype(np.int64)
    names = _names_of_codes(out, source, name, values, raw)
    # What is done to those who stay may be of another list than what visits are for, and a code may end in the severity of its cases.
    is_procedure = name == "procedure_code"
    kinds = out.codes.get("service_type") if is_procedure else None
    decided = [out.codes[of] for of in MAY_BE_DECIDED if of in out.codes] if is_procedure else []
    out.codes[name], out.vocabularies[name] = release_values(
        out.population, name, values, raw, None, names, kinds=kinds, decided=decided
    )
    told_of = set(out.vocabularies[name])
    own = np.append(np.array([value in told_of for value in values], np.bool_), None in told_of)
    told = own[raw]
    if name == "procedure_label" and PROCEDURE_NAME in out.codes:
        of_name = np.array([*(value is not None for value in out.vocabularies[PROCEDURE_NAME]), False], np.bool_)
        told |= of_name[out.codes[PROCEDURE_NAME]]
    kept = int(told.sum())
    if not _drop_untold(out, name, told) and kept < out.rows:
        instead = "it is drawn from the rest"
        if _count_as_missing(out, name, ~told):
            instead = "it counts as missing"
        elif name.endswith("_label"):
            instead = "the code system's name stands for it"
        elif name in CODE_LISTS:
            instead = "it counts as a released code of its category, block or chapter"
        _say_withheld(out, name, ~told, instead)
    if name == "dx_primary_code":
        _name_missing_diagnoses(out, source.no_diagnosis)


def _say_withheld(out: Encoded, name: str, untold: Mask, instead: str) -> None:
    # Of how many nothing may be told is itself a number of their claims.
    rows = np.flatnonzero(untold)
    share = share_of(len(rows), out.rows) if out.population.may_be_told(rows) else "Some"
    out.oddities.append(f"{share} of {name} is rare or may not be released; {instead}.")


def _drop_untold(out: Encoded, name: str, told: Mask) -> bool:
    """Leave a column out of which nothing may be told, or which holds places or kinds of houses and hardly any: it is absent then."""
    untold, those = out.population.weights(told.astype(np.int64), 2)
    is_text = name in _NO_TEXT and untold > _NEARLY_EACH_ITS_OWN * (untold + those)
    if out.vocabularies[name] and not is_text:
        return False
    del out.codes[name], out.vocabularies[name]
    if is_text and those:
        out.oddities.append(
            f"Most of {name} is shared by too few {out.population.unit}: it is no category, and counts as absent."
        )
    elif not (name == "procedure_label" and PROCEDURE_NAME in out.codes):
        out.oddities.append(f"{name} has no value that enough {out.population.unit} share and that may be released.")
    return True


def _count_as_missing(out: Encoded, name: str, untold: Mask) -> bool:
    """Count values of which nothing is told as missing where they are many: what else follows from them stays as common as it is."""
    codes, vocabulary = out.codes[name], out.vocabularies[name]
    # Not those that hide others: their values are told.
    withheld = np.flatnonzero((codes < 0) & untold)
    if name not in _MAY_BE_MISSING or len(withheld) < _MANY_WITHHELD * out.rows:
        return False
    missing = vocabulary.index(None) if None in vocabulary else len(vocabulary)
    if not out.population.may_be_told(np.flatnonzero(((codes < 0) & untold) | (codes == missing))):
        return False
    codes[withheld] = missing
    out.vocabularies[name] = (*vocabulary[:missing], None)
    return True


def _name_missing_diagnoses(out: Encoded, stand_in: str) -> None:
    """Give the missing diagnosis, where it is a value of its own beside others, the code that stands for it, if there is one."""
    *named, last = out.vocabularies.get("dx_primary_code", (stand_in,))
    if last is None and named:
        out.vocabularies["dx_primary_code"] = (*named, stand_in) if stand_in else tuple(named)
        if stand_in:
            out.defaults["dx_primary_code"] = stand_in
        else:
            codes = out.codes["dx_primary_code"]
            codes[codes == len(named)] = -1


def _encode_procedure_names(out: Encoded, source: SourceTable) -> None:
    """Procedures that have a name and no code that may be told, where many claims have such, or of whose names one code has several."""
    names = source.columns.column_names
    if "procedure_label" not in names:
        return
    values = source.columns["procedure_label"].combine_chunks().dictionary.to_pylist()
    raw = text_codes(source.columns["procedure_label"]).astype(np.int64)
    has_codes = "procedure_code" in out.codes
    if has_codes and _tell_more_than(out, text_codes(source.columns["procedure_code"]).astype(np.int64), raw):
        out.names_tell_more = _release_names(out, values, raw, or_groups=False)
        if out.names_tell_more:
            _leave_to_codes(out, raw)
    if has_codes and not out.names_tell_more:
        # Codes that may not be told count as none: numbers of articles of drugs, which are written as those of persons are.
        is_none = np.array([*(code is None for code in out.vocabularies["procedure_code"]), False])
        raw[~is_none[out.codes["procedure_code"]]] = -1
    if not has_codes or (not out.names_tell_more and np.count_nonzero(raw >= 0) >= _MANY_NAMED * out.rows):
        _release_names(out, values, raw, or_groups=out.population.persons is not None)


def _leave_to_codes(out: Encoded, raw: Ints) -> None:
    """Count names of which nothing may be told as none, so that their codes' stand for them and no other's does."""
    codes, vocabulary = out.codes[PROCEDURE_NAME], out.vocabularies[PROCEDURE_NAME]
    untold, none = (raw >= 0) & (codes < 0), vocabulary.index(None) if None in vocabulary else len(vocabulary)
    if not untold.any():
        return
    instead = "it is drawn from the rest"
    if out.population.may_be_told(np.flatnonzero(untold | (codes == none))):
        codes[untold], out.vocabularies[PROCEDURE_NAME] = none, (*vocabulary[:none], None)
        instead = "the code system's name stands for it"
    _say_withheld(out, "procedure_label", untold, instead)


def _tell_more_than(out: Encoded, codes: Ints, labels: Ints) -> bool:
    """Do many persons bear another label than most who have their code, each of those that may be told?"""
    rows = np.flatnonzero((codes >= 0) & (labels >= 0))
    width = int(labels.max(initial=-1)) + 1
    pair, distinct = dense_ids(codes[rows] * width + labels[rows])
    told = out.population.releasable(pair, len(distinct), rows)
    persons = np.where(told, out.population.bearers_of_values(pair, len(distinct), told, rows), 0.0)
    commonest = np.zeros(int(codes.max(initial=-1)) + 1)
    np.maximum.at(commonest, distinct // max(width, 1), persons)
    return bool(commonest.sum() < _BEAR_ITS_NAME * persons.sum())


def _release_names(out: Encoded, values: list[str | None], raw: Ints, *, or_groups: bool) -> bool:
    """Give the claims the names of procedures that may be told, or such as are case groups; False where none may."""
    enough = out.population.releasable(raw + 1, len(values) + 1)[1:]
    persons = out.population.bearers_of_values(raw, len(values), enough)
    passes = admitted_without_codes(values, persons, enough)
    if not passes.any() and or_groups:
        passes = admitted_as_case_groups(values, persons, enough)
    if passes.any():
        codes, vocabulary = release_values(out.population, PROCEDURE_NAME, values, raw, None, passes)
        out.codes[PROCEDURE_NAME], out.vocabularies[PROCEDURE_NAME] = codes, vocabulary
    return bool(passes.any())


def _names_of_codes(out: Encoded, source: SourceTable, name: str, values: list[str | None], raw: Ints) -> Mask:
    """Which values of a column of labels pass as names of the released codes that they stand with."""
    code = NAMES_OF.get(name)
    if code not in out.vocabularies or admitted(name, values).all():
        return np.zeros(len(values), np.bool_)
    known = set(out.vocabularies[code]) - {None}
    texts = source.columns[code].combine_chunks().dictionary.to_pylist()
    released = np.array([*(text in known for text in texts), False], np.bool_)
    codes = text_codes(source.columns[code])
    rows, width = np.flatnonzero(released[codes]), len(values) + 1
    pair, distinct = dense_ids(codes[rows].astype(np.int64) * width + raw[rows] + 1)
    enough = out.population.releasable(pair, len(distinct), rows)
    # A vote for each who has a label, and one for each who has none: nobody's claims without one make theirs with one weigh less.
    labelled = distinct % width > 0
    with_label, without = (
        out.population.bearers_of_values(np.where(labelled[pair] == has, pair, -1), len(distinct), enough, rows)
        for has in (True, False)
    )
    persons = with_label + without
    return admitted_as_names(values, texts, distinct % width - 1, distinct // width, persons, enough)


def _encode_further(out: Encoded, source: SourceTable) -> None:
    """The procedures behind the first, where these are of a list that may be told, or such as stand first."""
    if source.further is None or "procedure_code" not in out.vocabularies:
        return
    lengths = source.further.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = source.further.flatten()
    flat = flat if isinstance(flat, pa.DictionaryArray) else flat.dictionary_encode()
    if not len(flat):
        return
    rows = np.repeat(np.arange(out.rows), lengths)
    raw = flat.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    values, firsts = (
        flat.dictionary.to_pylist(),
        {code: at for at, code in enumerate(out.vocabularies["procedure_code"])},
    )
    as_first = np.array([firsts.get(value, -1) for value in values], np.int32)
    once = _once(rows, raw) & ((as_first[raw] < 0) | (as_first[raw] != out.codes["procedure_code"][rows]))
    rows, raw = rows[once], raw[once]
    stand_first = as_first >= 0
    codes, vocabulary = release_values(out.population, "procedure_code", values, raw, rows, stand_first)
    told = tuple(value for value in vocabulary if value is not None)
    keep = (codes >= 0) & (codes < len(told))
    out.further_rows, out.further_codes = rows[keep], codes[keep]
    out.vocabularies[FURTHER_PROCEDURE] = (*told, None)


def _encode_case_group(out: Encoded, source: SourceTable) -> None:
    """The group of cases that a severity stands behind; of those that are too rare to be told any other of such claims."""
    if source.case_group is None:
        return
    values, column = source.case_group.dictionary.to_pylist(), pa.chunked_array([source.case_group])
    raw = text_codes(column).astype(np.int64)
    codes, vocabulary = release_values(out.population, CASE_GROUP, values, raw, None)
    if any(vocabulary):
        out.codes[CASE_GROUP], out.vocabularies[CASE_GROUP] = codes, vocabulary


def _encode_secondary(out: Encoded, source: SourceTable) -> None:
    name = "dx_secondary_codes"
    if name not in source.columns.column_names:
        return
    lists = source.columns[name].combine_chunks()
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = lists.flatten()
    flat = flat if isinstance(flat, pa.DictionaryArray) else flat.dictionary_encode()
    if not len(flat):
        return
    rows = np.repeat(np.arange(out.rows), lengths)
    raw = flat.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    values = flat.dictionary.to_pylist()
    # Of another list than the public ones, or of ICD-11, only where primary diagnoses are.
    once = _once(rows, raw)
    rows, raw = rows[once], raw[once]
    primary = [value for value in out.vocabularies.get("dx_primary_code", ()) if value is not None]
    own = not all(admitted("dx_primary_code", primary))
    codes, vocabulary = release_values(
        out.population, name, values, raw, rows, as_companions(values, primary), lists_of_its_own=own
    )
    text = np.array([str(value) for value in values], object)[raw[:_LOOKED_AT]]
    same = rows[1 : len(text)] == rows[: len(text) - 1]
    if same.any():
        out.secondary_sorted = bool(np.mean(text[1:][same] >= text[:-1][same]) > 0.99)
    keep = codes >= 0
    out.member_rows, out.member_codes = rows[keep], codes[keep]
    out.vocabularies[name] = vocabulary


def _once(rows: Ints, members: Ints) -> Mask:
    """Which members of lists, given row by row, stand in their own for the first time: a code that a claim repeats counts once."""
    first, place, apart = np.ones(len(rows), np.bool_), np.arange(len(rows)), 0
    while len(place):
        apart += 1
        place = place[place < len(rows) - apart]
        place = place[rows[place + apart] == rows[place]]
        first[place[members[place + apart] == members[place]] + apart] = False
    return first


def _count_companions(out: Encoded, source: SourceTable) -> None:
    """Only their number, where the source has no lists: well-known conditions stand for them."""
    count = _numbers(source, "comorbidity_count")
    if count is None:
        return
    is_number = (count >= 0) & (count == np.floor(count)) & (count < len(icd10.COMPANIONS))
    out.companions = np.where(is_number, count, -1).astype(np.int32)
    codes = [code for code in out.vocabularies.get("dx_primary_code", ()) if code]
    out.vocabularies["dx_secondary_codes"] = (icd9cm if icd9cm.are_diagnoses(codes) else icd10).COMPANIONS
    out.defaults["dx_secondary_codes"] = "well-known conditions, as many as comorbidity_count says"
