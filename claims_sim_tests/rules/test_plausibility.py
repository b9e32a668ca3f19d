import json

import pyarrow as pa
import pytest

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.rules.plausibility import MOST_OFTEN, PLAUSIBILITY, level_of
from claims_sim.rules.table import ADMISSION, IDENTITIES, judge, vocabulary_rules
from claims_sim.rules.wire import lines_table, parse_sql

BY_NAME = {rule.name: rule for rule in PLAUSIBILITY}


def claim(**values) -> dict:
    usual = {
        "service_type": "RITL", "severity_group": "sedang", "dx_primary_code": "A010", "dx_secondary_codes": [],
        "procedure_code": None, "los": 3,
    }  # fmt: skip
    return usual | values


def table(*claims: dict) -> pa.Table:
    return pa.table({name: pa.array([c[name] for c in claims], FLAT_SCHEMA.field(name).type) for name in claims[0]})


# For each rule a claim that breaks it and one that differs in as little as possible and does not, written as
# primary+secondary codes, then what is unlike the usual claim.
CASES = {
    "obstetric_procedure_without_pregnancy": ("A010 p=741", "O821 p=741"),
    "eye_procedure_without_eye_disease": ("K359 p=1341", "H251 p=1341"),
    "ear_procedure_without_ear_disease": ("K359 p=194", "H663 p=194"),
    "dialysis_without_kidney_disease": ("A010 p=3995", "A010+N185 p=3995"),
    "chemotherapy_without_neoplasm": ("A010 p=9925", "Z511 p=9925"),
    "radiotherapy_without_neoplasm": ("A010 p=9224", "C539 p=9224"),
    "coronary_procedure_without_heart_disease": ("A010 p=0066", "I251 p=0066"),
    "appendectomy_without_abdominal_disease": ("A010 p=4709", "K359 p=4709"),
    "prostate_procedure_without_urological_disease": ("A010 p=6029", "N40 p=6029"),
    "fracture_reduction_without_injury": ("A010 p=7935", "S7200 p=7935"),
    "diabetes_of_two_types": ("E109+E119", "E109+E101"),
    "diabetes_specified_and_unspecified": ("E116+E149", "E149+I10"),
    "normal_pregnancy_with_complication": ("O630+Z348+O441", "A010+Z348"),
    "mother_and_newborn_in_one_claim": ("O800+P071", "O800+Z370"),
    "hypertension_coded_twice": ("I10+I119", "I10+E119"),
    "stroke_specified_and_unspecified": ("I639+I64", "I64+I10"),
    "hiv_disease_and_asymptomatic": ("B24+Z21", "Z21+A150"),
    "spontaneous_and_assisted_delivery": ("O821+O809", "O809+O700"),
    "abortion_with_delivery": ("O034+O809", "O034+D649"),
    "kidney_failure_acute_chronic_and_unspecified": ("N185+N19", "N19+I10"),
    "caesarean_with_vaginal_delivery": ("O809 p=741", "O829 p=741"),
    "vaginal_procedure_with_caesarean_delivery": ("O829 p=7359", "O809 p=7359"),
    "delivery_without_stay": ("O829 p=741 of=RJTL los=0", "O200 p=8878 of=RJTL los=0"),
    "severe_without_companion": ("A010 is=berat", "A010+I10 is=berat"),
    "severe_without_night": ("A010+I10 is=III los=0", "A010+I10 is=III los=1"),
    "mild_with_long_stay": ("A010 is=ringan los=31", "A010 is=ringan los=30"),
    "mild_with_many_companions": ("A010+D649+E86+I10+J00+K30+R05 is=ringan", "A010+D649+E86+I10+J00+K30 is=ringan"),
    "session_with_long_stay": ("Z511 los=20", "Z511 los=1"),
}


def read(text: str) -> dict:
    codes, *rest = text.split()
    primary, *secondary = codes.split("+")
    given = dict(part.split("=") for part in rest)
    names = {"p": "procedure_code", "of": "service_type", "is": "severity_group", "los": "los"}
    values = {names[key]: int(value) if key == "los" else value for key, value in given.items()}
    return claim(dx_primary_code=primary, dx_secondary_codes=secondary, **values)


def test_every_rule_has_a_case():
    assert set(CASES) == set(BY_NAME)


@pytest.mark.parametrize("name", CASES)
def test_each_rule_finds_its_fault_and_only_that(connection, name):
    wrong, right = map(read, CASES[name])
    assert judge(connection, table(wrong, right), PLAUSIBILITY) == [[name], []]


@pytest.mark.parametrize("name", CASES)
def test_who_breaks_a_rule_is_one_whom_it_is_about(connection, name):
    wrong, _ = map(read, CASES[name])
    connection.register("claims", table(wrong))
    assert connection.execute(f"SELECT {BY_NAME[name].applies} FROM claims").fetchall() == [(True,)]


def test_a_claim_of_absent_and_foreign_values_breaks_nothing(connection):
    empty = dict.fromkeys(claim(), None)
    foreign = claim(
        service_type="Inpatient", severity_group="fatal", dx_primary_code="Acute appendicitis",
        procedure_code="Chest X-ray", dx_secondary_codes=["PLANTED"],
    )  # fmt: skip
    assert judge(connection, table(empty, foreign), PLAUSIBILITY) == [[], []]


def test_the_documents_example_is_admitted_though_a_coder_would_query_it(connection, example):

    connection.register("lines", lines_table(["0"], [json.dumps(example)]))
    flat = connection.sql(parse_sql("lines")).to_arrow_table()
    assert judge(connection, flat, (*ADMISSION, *IDENTITIES)) == [[]]
    assert judge(connection, flat, PLAUSIBILITY) == [["normal_pregnancy_with_complication"]]


def test_every_rule_has_a_name_of_its_own_a_meaning_and_a_public_source():
    names = [rule.name for rule in (*ADMISSION, *IDENTITIES, *vocabulary_rules("v"), *PLAUSIBILITY)]
    assert len(set(names)) == len(names)
    for rule in PLAUSIBILITY:
        assert rule.meaning
        assert rule.source.startswith(("WHO, ICD-10", "ICD-9-CM", "INA-CBG"))


def test_what_the_source_does_often_is_a_warning_and_never_a_rejection():
    rule = PLAUSIBILITY[0]
    assert level_of(rule, {}) == level_of(rule, {rule.name: MOST_OFTEN}) == "rejects"
    assert level_of(rule, {rule.name: MOST_OFTEN * 1.01}) == level_of(rule, {rule.name: 1.0}) == "warns"
