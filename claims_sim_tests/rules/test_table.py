import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.profile.sampler import Sampler
from claims_sim.rules.table import (
    ADMISSION,
    IDENTITIES,
    MAY_BREAK_ADMISSION,
    VOCABULARY_COLUMNS,
    broken_sql,
    judge,
    may_be_unknown,
    may_break,
    vocabulary_rules,
)
from claims_sim.rules.wire import lines_table, parse_sql, to_flat
from claims_sim_tests.depth import examples


@pytest.fixture
def flat(connection, example):
    def build(**changes):
        connection.register("lines", lines_table(["0"], [json.dumps(example)]))
        table = connection.sql(parse_sql("lines"))
        replaced = ", ".join(f"{value} AS {name}" for name, value in changes.items())
        return table.query("flat", f"SELECT * {f'REPLACE ({replaced})' if changes else ''} FROM flat").to_arrow_table()

    return build


def test_rule_names_are_unique():
    names = [rule.name for rule in (*ADMISSION, *IDENTITIES, *vocabulary_rules("v"))]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"discharge_dt": "admit_dt - INTERVAL 1 SECOND"}, "discharge_before_admit"),
        ({"amount_gap": "1.0"}, "gap_not_difference"),
        ({"amount_claimed": "0.001"}, "amount_not_money"),
        ({"amount_claimed": "-1.0"}, "negative_amount"),
        ({"dx_secondary_codes": "['O63']"}, "primary_among_secondary"),
        ({"dx_secondary_codes": "['A00', 'A00']"}, "secondary_repeated"),
        ({"province_name": "'JAWA; DROP'"}, "province_name_grammar"),
        ({"dx_primary_label": "'Fever <script>alert'||chr(10)"}, "dx_primary_label_grammar"),
        ({"facility_class": "'3578012345678901'"}, "identifies_a_person"),
        ({"dx_primary_label": "'Fever Ny. SITI'"}, "identifies_a_person"),
        ({"dx_secondary_codes": "['0812 3456 7890']"}, "identifies_a_person"),
        ({"patient_id_hash": "'3578012345678901'"}, "patient_id_hash_form"),
        ({"claim_id": "'SIM 1'"}, "claim_id_form"),
    ],
)
def test_each_admission_rule_finds_its_fault(connection, flat, changes, rule):
    assert rule in judge(connection, flat(**changes), ADMISSION)[0]
    assert may_break(connection, flat(**changes))


def test_a_claim_of_ours_is_cleared_without_judging_rule_by_rule(connection, profile):
    claims = to_flat(Sampler(profile).draw_claims(3, np.arange(200)))
    assert not may_break(connection, claims.set_column(0, "claim_id", pa.array([f"SIM-{i}" for i in range(200)])))


_PIECES = st.sampled_from(
    ["", "A", "é", "RS Kelas B", "(", ".", ". S", "Ny", "@", "081234567890", "12345", " ", "\n", "\x1f", "<"]
)
_TEXT = st.one_of(st.none(), st.lists(_PIECES, max_size=6).map("".join), st.just("x" * 201))
_TEXTS = [field.name for field in FLAT_SCHEMA if field.type == pa.string()]


_CHANGE = st.tuples(st.sampled_from(_TEXTS), _TEXT, st.one_of(st.none(), st.lists(_TEXT, max_size=3)))


@given(changes=st.lists(_CHANGE, min_size=30, max_size=60))
@settings(max_examples=examples(5), suppress_health_check=list(HealthCheck), deadline=None)
def test_no_claim_that_breaks_a_rule_is_cleared(connection, example, changes):
    connection.register("lines", lines_table(["0"], [json.dumps(example)]))
    one = to_flat(connection.sql(parse_sql("lines")).to_arrow_table()).to_pylist()[0]
    damaged = [one | {name: text, "dx_secondary_codes": codes} for name, text, codes in changes]
    connection.register("damaged", pa.Table.from_pylist(damaged, FLAT_SCHEMA))
    query = f"SELECT ({MAY_BREAK_ADMISSION}), len({broken_sql(ADMISSION)}) > 0 FROM damaged"
    for (is_suspicious, broken), change in zip(connection.execute(query).fetchall(), changes, strict=True):
        assert is_suspicious or not broken, change


def test_the_example_passes_every_admission_rule_and_identity(connection, flat):
    assert judge(connection, flat(), (*ADMISSION, *IDENTITIES)) == [[]]


def test_identities_find_their_faults(connection, flat):
    claims = flat(service_type="'RJTL'", amount_paid="amount_claimed + 1")
    assert judge(connection, claims, IDENTITIES) == [["paid_over_claimed", "outpatient_stay"]]


def test_a_value_outside_the_closed_vocabulary_is_named(connection, flat):
    connection.execute("CREATE TABLE words (column_name VARCHAR, value VARCHAR)")
    connection.execute("INSERT INTO words VALUES ('province_name', 'JAWA TIMUR'), ('dx_secondary_codes', 'Z348')")
    broken = judge(connection, flat(), vocabulary_rules("words"))[0]
    assert "province_name_unknown" not in broken
    assert {"facility_class_unknown", "secondary_unknown"} <= set(broken)


_WORD = st.sampled_from(["A", "B", ""])
_VALUES = st.fixed_dictionaries(
    {
        **dict.fromkeys(VOCABULARY_COLUMNS, st.none() | _WORD),
        "dx_secondary_codes": st.none() | st.lists(st.none() | _WORD, max_size=3),
    }
)
_KNOWN = st.fixed_dictionaries(dict.fromkeys((*VOCABULARY_COLUMNS, "dx_secondary_codes"), st.sets(_WORD, min_size=1)))


@given(claims=st.lists(_VALUES, min_size=1, max_size=3), known=_KNOWN)
@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck), deadline=None)
def test_no_claim_with_a_value_outside_the_vocabulary_is_cleared(connection, claims, known):
    words = [{"column_name": name, "value": value} for name, values in known.items() for value in sorted(values)]
    connection.register("words", pa.Table.from_pylist(words))
    columns = [FLAT_SCHEMA.field(name) for name in (*VOCABULARY_COLUMNS, "dx_secondary_codes")]
    table = pa.Table.from_pylist(claims, pa.schema(columns))
    broken = judge(connection, table, vocabulary_rules("words"))
    cleared = not may_be_unknown(table, {name: pa.array(sorted(values)) for name, values in known.items()})
    assert not (cleared and any(broken))
    if all(None not in (claim["dx_secondary_codes"] or []) for claim in claims):
        assert cleared or any(broken)
