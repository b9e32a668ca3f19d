"""Rules of clinical plausibility, as SQL over flat rows like the rest of the table: what a coder would query.

They bind our own claims only. How often a source breaks a rule is part of its profile: what the real table does often is
worth a warning and never a rejection, because the distribution wins. Sex and age are not in the payload, nor here.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.privacy.phi import quote
from claims_sim.rules.table import Rule, judge

Level = Literal["rejects", "warns"]
MOST_OFTEN: Final = 0.01
"""A rule that a source breaks in a larger share of the claims it applies to warns only."""
COLUMNS: Final = (
    "service_type", "severity_group", "dx_primary_code", "dx_secondary_codes", "procedure_code", "los",
)  # fmt: skip
"""What the rules look at."""

_ICD10: Final = "WHO, ICD-10 (2019), "
_ICD9: Final = "ICD-9-CM volume 3 (US CMS/NCHS), "
_INACBG: Final = "INA-CBG (Permenkes 76/2016), "

_CODES: Final = "concat_ws(' ', dx_primary_code, array_to_string(dx_secondary_codes, ' '))"
_HAS_COMPANIONS: Final = "len(dx_secondary_codes) > 0"
_PROCEDURE: Final = "regexp_matches(procedure_code, '^[0-9]{2,4}$')"
_INPATIENT: Final = "service_type = 'RITL'"
_SEVERE: Final = "lower(severity_group) IN ('berat', 'severe', 'iii')"
_MILD: Final = "lower(severity_group) IN ('ringan', 'mild', 'i')"

_CAESAREAN: Final = "74(?:[0124]|99)"
_DELIVERY: Final = f"72|73[56]|{_CAESAREAN}"


def _has(codes: str) -> str:
    """Some diagnosis, primary or secondary, begins with one of `codes` (a regular expression)."""
    pattern = quote(rf"\b(?:{codes})")
    return f"regexp_matches({_CODES}, {pattern})"


def _is(column: str, codes: str) -> str:
    pattern = quote(f"^(?:{codes})")
    return f"regexp_matches({column}, {pattern})"


def _rule(name: str, applies: str, wrong: str, meaning: str, source: str) -> Rule:
    return Rule(name, "plausibility", f"({applies}) AND ({wrong})", meaning, applies, source)


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


def _rules() -> Iterable[Rule]:
    for name, procedures, diagnoses, meaning, source in _CALLS_FOR:
        applies = f"{_PROCEDURE} AND {_is('procedure_code', procedures)}"
        yield _rule(name, applies, f"NOT {_has(diagnoses)}", meaning, source)
    for name, one, other, meaning, source in _EXCLUDE:
        yield _rule(name, f"{_HAS_COMPANIONS} AND {_has(one)}", _has(other), meaning, source)
    yield _rule(
        "caesarean_with_vaginal_delivery", f"{_PROCEDURE} AND {_is('procedure_code', _CAESAREAN)}", _has("O8[013]"),
        "a caesarean section with a vaginal delivery as diagnosis", f"{_ICD9}74; {_ICD10}O80-O83",
    )  # fmt: skip
    yield _rule(
        "vaginal_procedure_with_caesarean_delivery", f"{_PROCEDURE} AND {_is('procedure_code', '72|73[56]')}",
        _has("O82"), "a vaginal delivery as procedure with a caesarean one as diagnosis", f"{_ICD9}72, 73; {_ICD10}O82",
    )  # fmt: skip
    yield _rule(
        "delivery_without_stay", f"{_PROCEDURE} AND {_is('procedure_code', _DELIVERY)}", "service_type = 'RJTL'",
        "a delivery as outpatient care", f"{_INACBG}deliveries are inpatient groups (O-6)",
    )  # fmt: skip
    yield _rule(
        "severe_without_companion", f"{_INPATIENT} AND {_SEVERE}", "coalesce(len(dx_secondary_codes), 0) = 0",
        "severity III without a secondary diagnosis", f"{_INACBG}severity follows from complications and comorbidities",
    )  # fmt: skip
    yield _rule(
        "severe_without_night", f"{_INPATIENT} AND {_SEVERE}", "los = 0",
        "severity III without a night in hospital", f"{_INACBG}severity follows from the resources that care needs",
    )  # fmt: skip
    yield _rule(
        "mild_with_long_stay", f"{_INPATIENT} AND {_MILD}", "los > 30",
        "severity I with more than 30 days in hospital", f"{_INACBG}severity follows from the resources that care needs",
    )  # fmt: skip
    yield _rule(
        "mild_with_many_companions", f"{_INPATIENT} AND {_MILD}", "len(dx_secondary_codes) > 5",
        "severity I with more than five secondary diagnoses", f"{_INACBG}severity follows from complications and comorbidities",
    )  # fmt: skip
    yield _rule(
        "session_with_long_stay", _is("dx_primary_code", "Z49|Z51"), "los > 14",
        "a session of dialysis, chemotherapy or radiotherapy with more than 14 days", f"{_ICD10}Z49, Z51",
    )  # fmt: skip


PLAUSIBILITY: Final = tuple(_rules())
_ANY: Final = " OR ".join(f"({rule.broken})" for rule in PLAUSIBILITY)


def find_implausible(connection: duckdb.DuckDBPyConnection, claims: pa.Table) -> dict[int, list[str]]:
    """The names of the rules that claims break, by position in `claims`; the many that break none are left out.

    One question first, whether any rule is broken at all: rule by rule only for the few that answer yes.
    """
    positions = pa.array(np.arange(len(claims)))
    connection.register("claims_in_doubt", claims.select(COLUMNS).append_column("position", positions))
    try:
        found = connection.sql(f"SELECT * FROM claims_in_doubt WHERE {_ANY}").to_arrow_table()
    finally:
        connection.unregister("claims_in_doubt")
    if not len(found):
        return {}
    return dict(zip(found["position"].to_pylist(), judge(connection, found, PLAUSIBILITY), strict=True))


def level_of(rule: Rule, rates: Mapping[str, float]) -> Level:
    """What breaking a plausibility rule means for a profile whose source breaks it at `rates` (absent: it cannot)."""
    return "warns" if rates.get(rule.name, 0.0) > MOST_OFTEN else "rejects"
