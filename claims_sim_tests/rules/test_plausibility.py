import json

import pyarrow as pa
import pytest

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.rules.plausibility import MOST_OFTEN, PLAUSIBILITY, Coded, find_implausible, level_of
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


ALL = [read(text) for pair in CASES.values() for text in pair]


def test_every_rule_has_a_case():
    assert set(CASES) == set(BY_NAME)


@pytest.mark.parametrize("name", CASES)
def test_each_rule_finds_its_fault_and_only_that(name):
    wrong, right = map(read, CASES[name])
    assert find_implausible(table(wrong, right)) == {0: [name]}


@pytest.mark.parametrize("name", CASES)
def test_every_rule_is_about_some_of_all_cases_and_not_about_others(name):
    about = BY_NAME[name].applies(Coded(table(*ALL)))
    assert about[ALL.index(read(CASES[name][0]))]
    assert 0 < about.sum() < len(ALL)


def test_each_claim_of_many_is_told_its_own_faults():
    wrong = {ALL.index(read(one)): name for name, (one, _) in CASES.items()}
    found = find_implausible(table(*ALL))
    assert list(found) == sorted(wrong)
    assert found == {i: [name] for i, name in wrong.items()}


def test_chunks_slices_and_dictionaries_are_judged_as_one_plain_table():
    whole = table(*ALL)
    found = find_implausible(whole)
    chunks = pa.concat_tables([whole.slice(0, 7), whole.slice(7, 0), whole.slice(7)])
    assert find_implausible(chunks) == found
    assert find_implausible(whole.slice(10, 20)) == {i - 10: names for i, names in found.items() if 10 <= i < 30}
    coded = [chunks[name].dictionary_encode() for name in ("dx_primary_code", "procedure_code")]
    encoded = chunks.set_column(2, "dx_primary_code", coded[0]).set_column(4, "procedure_code", coded[1])
    assert find_implausible(encoded) == found


def test_no_claims_and_claims_without_a_column_are_judged_by_what_there_is():
    assert find_implausible(table(*ALL).slice(0, 0)) == {}
    lone = table(read("E116+E149"), read("A010 p=741")).drop_columns(["dx_secondary_codes", "los"])
    assert find_implausible(lone) == {1: ["obstetric_procedure_without_pregnancy"]}


def test_a_code_that_holds_another_behind_its_beginning_is_not_that_one():
    assert find_implausible(table(read("A010+XO82 p=741"))) == {0: ["obstetric_procedure_without_pregnancy"]}
    assert find_implausible(table(read("A010 p=1741"), read("A010 p=74.1"), read("A010 p=74123"))) == {}


def test_severities_bind_those_who_stay_and_days_that_are_known():
    visit, no_days = read("A010 is=berat of=RJTL los=0"), read("A010+I10 is=berat los=0") | {"los": None}
    assert find_implausible(table(visit, no_days, read("A010 is=ringan of=RJTL los=31"))) == {}
    assert find_implausible(table(read("A010 is=ringans los=31"), read("O829 p=741 of=RJTLX los=0"))) == {}


def test_an_exclusion_is_about_claims_with_companions():
    about = BY_NAME["diabetes_of_two_types"].applies(Coded(table(read("E109"), read("E109+I10"))))
    assert about.tolist() == [False, True]


def test_a_claim_of_absent_and_foreign_values_breaks_nothing():
    empty = dict.fromkeys(claim(), None)
    foreign = claim(
        service_type="Inpatient", severity_group="fatal", dx_primary_code="Acute appendicitis",
        procedure_code="Chest X-ray", dx_secondary_codes=["PLANTED"],
    )  # fmt: skip
    assert find_implausible(table(empty, foreign)) == {}


def test_the_documents_example_is_admitted_though_a_coder_would_query_it(connection, example):

    connection.register("lines", lines_table(["0"], [json.dumps(example)]))
    flat = connection.sql(parse_sql("lines")).to_arrow_table()
    assert judge(connection, flat, (*ADMISSION, *IDENTITIES)) == [[]]
    assert find_implausible(flat) == {0: ["normal_pregnancy_with_complication"]}


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
