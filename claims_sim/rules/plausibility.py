"""Rules of clinical plausibility: what a coder would query.

They bind our own claims only. How often a source breaks a rule is part of its profile: what the real table does often is
worth a warning and never a rejection, because the distribution wins. Sex and age are not in the payload, nor here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Level = Literal["rejects", "warns"]
Mask = npt.NDArray[np.bool_]

MOST_OFTEN: Final = 0.01
"""A rule that a source breaks in a larger share of the claims it applies to warns only."""

COLUMNS: Final = (
    "service_type", "severity_group", "dx_primary_code", "dx_secondary_codes", "procedure_code", "los",
)  # fmt: skip
"""What the rules look at."""

_ICD10: Final = "WHO, ICD-10 (2019), "
_ICD9: Final = "ICD-9-CM volume 3 (US CMS/NCHS), "
_INACBG: Final = "INA-CBG (Permenkes 76/2016), "

_SEVERE: Final = "berat|severe|iii"
_MILD: Final = "ringan|mild|i"
_CAESAREAN: Final = "74(?:[0124]|99)"
_DELIVERY: Final = f"72|73[56]|{_CAESAREAN}"


class Coded:
    """What the rules look at in flat claims, column by column; a column that the claims lack is one of nulls.

    Codes are asked once for each that occurs: as SQL, the rules' patterns take a query longer to plan than a batch to pass.
    """

    def __init__(self, claims: pa.Table) -> None:
        def column(name: str) -> pa.Array:
            there = name in claims.column_names
            return _one_array(claims[name]) if there else pa.nulls(claims.num_rows)

        lists = column("dx_secondary_codes")
        none = pa.types.is_null(lists.type)
        self.companions = np.zeros(len(lists), np.int64) if none else _filled(pc.list_value_length(lists), 0)
        self.los = _filled(column("los").cast(pa.float64()), np.nan)
        self._primary = _Texts(column("dx_primary_code"))
        self._secondary = _Texts(pa.nulls(0) if none else pc.list_flatten(lists))
        self._procedure = _Texts(column("procedure_code"))
        self._service, self._severity = _Texts(column("service_type")), _Texts(column("severity_group"))
        # Where each claim's diagnoses begin when all stand in a row, its primary first.
        self._starts = np.cumsum(self.companions + 1) - (self.companions + 1)

    def has(self, codes: str) -> Mask:
        """Some diagnosis, primary or secondary, begins with one of `codes` (a regular expression)."""
        primary, secondary = self._primary.match(codes), self._secondary.match(codes)
        if not len(secondary) or not secondary.any():
            return primary
        behind = np.insert(secondary, self._starts - np.arange(len(primary)), primary)
        return cast(Mask, np.logical_or.reduceat(behind, self._starts))

    def is_for(self, codes: str) -> Mask:
        """The primary diagnosis begins with one of `codes`."""
        return self._primary.match(codes)

    def did(self, codes: str) -> Mask:
        """The procedure is a code of ICD-9-CM that begins with one of `codes`."""
        return self._procedure.match("[0-9]{2,4}$") & self._procedure.match(codes)

    def is_of(self, service: str) -> Mask:
        """The kind of service."""
        return self._service.match(f"{service}$")

    def stayed_as(self, severities: str) -> Mask:
        """An inpatient claim of one of `severities` (a regular expression), whatever the case of its letters."""
        return self.is_of("RITL") & self._severity.match(f"(?i:{severities})$")


class _Texts:
    """A column of texts by its distinct values."""

    def __init__(self, column: pa.Array) -> None:
        texts = column if pa.types.is_dictionary(column.type) else column.cast(pa.string()).dictionary_encode()
        self._values = texts.dictionary.cast(pa.string())
        self._which = _filled(texts.indices, len(self._values))  # a null is the value behind the last

    def match(self, pattern: str) -> Mask:
        """Which begin with what `pattern` matches; a null never does."""
        matched = _filled(pc.match_substring_regex(self._values, f"^(?:{pattern})"), False)
        return cast(Mask, np.append(matched, False)[self._which])


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _filled(values: pa.Array, absent: object) -> np.ndarray:
    return cast(np.ndarray, values.fill_null(absent).to_numpy(zero_copy_only=False))


@dataclass(frozen=True, slots=True)
class PlausibilityRule:
    """Claims that `applies` is true of break the rule where `wrong` is true too; `source` says where it comes from."""

    name: str
    applies: Callable[[Coded], Mask]
    wrong: Callable[[Coded], Mask]
    meaning: str
    source: str
    gate: Literal["plausibility"] = "plausibility"


# A procedure, and the diagnoses that call for it: none of them in the claim is implausible.
_CALLS_FOR: Final = (
    ("obstetric_procedure_without_pregnancy", "7[2-5]", "O|Z3[2-9]|P", "an obstetric procedure without a pregnancy",
     f"{_ICD9}chapter 13 (72-75); {_ICD10}chapter XV, Z32-Z39"),
    ("eye_procedure_without_eye_disease", "0[89]|1[0-6]", "H[0-5]|S0|Q1|[CDEABTZ]", "an operation on the eye without a disease of it",
     f"{_ICD9}chapter 3 (08-16); {_ICD10}chapter VII"),
    ("ear_procedure_without_ear_disease", "18|19|20", "H[6-9]|S0|Q1|[CDJLTZ]", "an operation on the ear without a disease of it",
     f"{_ICD9}chapter 4 (18-20); {_ICD10}chapter VIII"),
    ("dialysis_without_kidney_disease", "3995|5498", "N|Z49|Z99|Z94|I1[23]|E1[0-4]|E8[67]|T|R34|D59|M3|O|K76",
     "dialysis without a disease of the kidneys", f"{_ICD9}39.95, 54.98; {_ICD10}N17-N19, Z49"),
    ("chemotherapy_without_neoplasm", "9925", "C|D[0-8]|Z51|Z08|Z85|M|K5[01]|L4|O0", "chemotherapy without a neoplasm",
     f"{_ICD9}99.25; {_ICD10}chapter II, Z51.1"),
    ("radiotherapy_without_neoplasm", "922", "C|D[0-4]|Z51|Z08|Z85|E05|L91", "radiotherapy without a neoplasm",
     f"{_ICD9}92.2; {_ICD10}chapter II, Z51.0"),
    ("coronary_procedure_without_heart_disease", "0066|36", "I|Q2|R0|R5|Z|T8|E|J81",
     "an operation on coronary vessels without a disease of them",
     f"{_ICD9}00.66, 36; {_ICD10}I20-I25"),
    ("appendectomy_without_abdominal_disease", "470", "K|R1|[CDNOTZ]", "an appendectomy without a disease of the abdomen",
     f"{_ICD9}47.0; {_ICD10}K35-K38"),
    ("prostate_procedure_without_urological_disease", "60", "[NCDZ]|R3", "an operation on the prostate without a urological disease",
     f"{_ICD9}chapter 11 (60); {_ICD10}N40-N51"),
    ("fracture_reduction_without_injury", "79", "[STMQ]|Z4|Z9|C79", "the reduction of a fracture without an injury",
     f"{_ICD9}79; {_ICD10}chapter XIX"),
)  # fmt: skip

# Diagnoses of which a claim has those of one side, never of both.
_EXCLUDE: Final = (
    ("diabetes_of_two_types", "E10", "E1[1-4]", "diabetes of type 1 with another type", f"{_ICD10}E10-E14, exclusion notes"),
    ("diabetes_specified_and_unspecified", "E14", "E1[0-3]", "unspecified diabetes beside a specified type",
     f"{_ICD10}E14"),
    ("normal_pregnancy_with_complication", "Z34", "O[0-6]|Z35",
     "supervision of a normal pregnancy, such as Z34.8, with a complication of it, such as O44.1",
     f"{_ICD10}Z34, Z35, chapter XV"),
    ("mother_and_newborn_in_one_claim", "O", "P", "conditions of the mother and of the newborn in one claim",
     f"{_ICD10}chapters XV and XVI, opening notes"),
    ("hypertension_coded_twice", "I10", "I1[1-35]", "essential hypertension beside hypertensive or secondary disease",
     f"{_ICD10}I10, I11-I15"),
    ("stroke_specified_and_unspecified", "I64", "I6[0-3]", "stroke not specified as haemorrhage or infarction beside one that is",
     f"{_ICD10}I60-I64"),
    ("hiv_disease_and_asymptomatic", "Z21", "B2[0-4]", "asymptomatic HIV infection beside HIV disease", f"{_ICD10}Z21, exclusion note"),
    ("spontaneous_and_assisted_delivery", "O80", "O8[1-4]", "spontaneous delivery beside another mode of delivery",
     f"{_ICD10}O80-O84"),
    ("abortion_with_delivery", "O0[0-8]", "O8[0-4]|Z37", "a pregnancy with abortive outcome beside a delivery",
     f"{_ICD10}O00-O08, O80-O84"),
    ("kidney_failure_acute_chronic_and_unspecified", "N19", "N1[78]", "unspecified kidney failure beside acute or chronic",
     f"{_ICD10}N17-N19"),
)  # fmt: skip


def _calls_for(procedures: str, diagnoses: str) -> tuple[Callable[[Coded], Mask], Callable[[Coded], Mask]]:
    return lambda claims: claims.did(procedures), lambda claims: ~claims.has(diagnoses)


def _excludes(one: str, other: str) -> tuple[Callable[[Coded], Mask], Callable[[Coded], Mask]]:
    return lambda claims: (claims.companions > 0) & claims.has(one), lambda claims: claims.has(other)


def _stays(severities: str) -> Callable[[Coded], Mask]:
    return lambda claims: claims.stayed_as(severities)


def _rules() -> Iterable[PlausibilityRule]:
    for name, procedures, diagnoses, meaning, source in _CALLS_FOR:
        yield PlausibilityRule(name, *_calls_for(procedures, diagnoses), meaning, source)
    for name, one, other, meaning, source in _EXCLUDE:
        yield PlausibilityRule(name, *_excludes(one, other), meaning, source)
    yield PlausibilityRule(
        "caesarean_with_vaginal_delivery", lambda claims: claims.did(_CAESAREAN), lambda claims: claims.has("O8[013]"),
        "a caesarean section with a vaginal delivery as diagnosis", f"{_ICD9}74; {_ICD10}O80-O83",
    )  # fmt: skip
    yield PlausibilityRule(
        "vaginal_procedure_with_caesarean_delivery",
        lambda claims: claims.did("72|73[56]"), lambda claims: claims.has("O82"),
        "a vaginal delivery as procedure with a caesarean one as diagnosis", f"{_ICD9}72, 73; {_ICD10}O82",
    )  # fmt: skip
    yield PlausibilityRule(
        "delivery_without_stay", lambda claims: claims.did(_DELIVERY), lambda claims: claims.is_of("RJTL"),
        "a delivery as outpatient care", f"{_INACBG}deliveries are inpatient groups (O-6)",
    )  # fmt: skip
    by_severity: tuple[tuple[str, str, Callable[[Coded], Mask], str, str], ...] = (
        ("severe_without_companion", _SEVERE, lambda claims: claims.companions == 0,
         "severity III without a secondary diagnosis", "complications and comorbidities"),
        ("severe_without_night", _SEVERE, lambda claims: claims.los == 0,
         "severity III without a night in hospital", "the resources that care needs"),
        ("mild_with_long_stay", _MILD, lambda claims: claims.los > 30,
         "severity I with more than 30 days in hospital", "the resources that care needs"),
        ("mild_with_many_companions", _MILD, lambda claims: claims.companions > 5,
         "severity I with more than five secondary diagnoses", "complications and comorbidities"),
    )  # fmt: skip
    for name, severities, wrong, meaning, why in by_severity:
        yield PlausibilityRule(name, _stays(severities), wrong, meaning, f"{_INACBG}severity follows from {why}")
    yield PlausibilityRule(
        "session_with_long_stay", lambda claims: claims.is_for("Z49|Z51"), lambda claims: claims.los > 14,
        "a session of dialysis, chemotherapy or radiotherapy with more than 14 days", f"{_ICD10}Z49, Z51",
    )  # fmt: skip


PLAUSIBILITY: Final = tuple(_rules())


def find_implausible(claims: pa.Table) -> dict[int, list[str]]:
    """The names of the rules that claims break, by position in `claims`; the many that break none are left out."""
    coded, found = Coded(claims), dict[int, list[str]]()
    for rule in PLAUSIBILITY:
        applies = rule.applies(coded)
        if applies.any():
            for i in np.flatnonzero(applies & rule.wrong(coded)).tolist():
                found.setdefault(i, []).append(rule.name)
    return dict(sorted(found.items()))


def level_of(rule: PlausibilityRule, rates: Mapping[str, float]) -> Level:
    """What breaking a plausibility rule means for a profile whose source breaks it at `rates` (absent: it cannot)."""
    return "warns" if rates.get(rule.name, 0.0) > MOST_OFTEN else "rejects"
