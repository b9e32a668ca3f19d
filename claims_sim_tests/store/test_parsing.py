"""The fast ways to read and to judge give what the rules' own definitions give, line by line and row by row."""

import json
from copy import deepcopy

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.channels.contract import LINES_SCHEMA
from claims_sim.claim import FLAT_COLUMNS
from claims_sim.rules.table import ADMISSION, judge
from claims_sim.rules.wire import lines_table, parse_sql, to_flat, to_payloads
from claims_sim.store import judging
from claims_sim.store.judging import admission_faults
from claims_sim.store.parsing import parse_lines
from claims_sim.store.usual import usual_sql
from claims_sim_tests.store.conftest import EXAMPLE, payload

TEXTS = st.one_of(
    st.sampled_from(
        ["JAWA TIMUR", "PAPUA", "sedang", "", "O'Neil", 'a"b', "a\\b", "3174012345678901", "\u0000", "分娩 🤰", "a,b"]
    ),
    st.text(max_size=12),
)
NUMBERS = st.one_of(
    st.integers(-10, 10**14),
    st.floats(-1e12, 1e12, allow_nan=False),
    st.sampled_from(["5", None, True, 1e300, 0.1 + 0.2, 4500000.50]),
)
INSTANTS = st.sampled_from(
    [
        "2025-11-15T08:12:00Z",
        "2025-11-15T08:12:00.5Z",
        "2025-11-15T18:30:00.123456Z",
        "2025-13-15T08:12:00Z",
        "2025-11-15",
        "",
        None,
        5,
    ]
)
CODES = st.one_of(st.lists(TEXTS, max_size=4), st.sampled_from([None, ["a", None], [1], "Z1", [["a"]], {}, ["c"] * 65]))
VALUES = {
    ("claim_id",): TEXTS,
    ("admit_dt",): INSTANTS,
    ("discharge_dt",): INSTANTS,
    ("generated_at",): INSTANTS,
    ("facility",): st.sampled_from([None, {}, [], "x", {"province": "x"}]),
    ("facility", "province"): TEXTS,
    ("facility", "class"): st.one_of(TEXTS, NUMBERS),
    ("diagnosis", "primary_code"): TEXTS,
    ("diagnosis", "primary_label"): TEXTS,
    ("diagnosis", "secondary_codes"): CODES,
    ("procedure",): st.sampled_from(
        [None, {}, [], {"code": "1"}, {"code": "1", "label": "x", "more": 1}, {"code": None, "label": None}]
    ),
    ("procedure", "label"): TEXTS,
    ("severity_group",): TEXTS,
    ("service_type",): TEXTS,
    ("amount_claimed",): NUMBERS,
    ("amount_paid",): NUMBERS,
    ("amount_gap",): NUMBERS,
    ("patient_ref",): st.one_of(TEXTS, st.sampled_from([None, 5])),
    ("facility_ref",): TEXTS,
    ("episode_ref",): TEXTS,
    ("foreign",): TEXTS,
}


@st.composite
def payload_lines(draw: st.DrawFn) -> str:
    """The example with a few values changed, written in one of the ways in which JSON is written."""
    document = json.loads(json.dumps(EXAMPLE))
    for path in draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=3)):
        where = document
        for key in path[:-1]:
            where = where.get(key)
            if not isinstance(where, dict):
                break
        if isinstance(where, dict):
            where[path[-1]] = deepcopy(draw(VALUES[path]))  # a later path may change what this one set
    if draw(st.integers(0, 9)) == 0:
        document = dict(draw(st.permutations(list(document.items()))))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", ":"), (",", ": ")]))
    line = json.dumps(document, ensure_ascii=draw(st.booleans()), separators=separators)
    damage = draw(st.sampled_from([None] * 8 + ["repeat", "cut", "tail", "space"]))
    changes = {
        "repeat": line[:-1] + ',"claim_id":"other"}',
        "cut": line[: draw(st.integers(0, len(line)))],
        "tail": line + draw(st.sampled_from(["}", " {}", "x", '"'])),
        "space": draw(st.sampled_from([" ", "\t", ""])) + line + draw(st.sampled_from([" ", "\r", ""])),
    }
    return changes.get(damage, line)


def read_both(connection: duckdb.DuckDBPyConnection, lines: list[str]) -> tuple[dict[int, dict], dict[int, dict]]:
    """What the fast way and the definition read: flat rows by place, those without a fault of shape."""
    connection.register("lines", lines_table([str(i) for i in range(len(lines))], lines))
    fast = connection.sql(usual_sql(all_json=False)).to_arrow_table().to_pylist()
    slow = (
        connection.sql(f"SELECT * EXCLUDE (raw) FROM ({parse_sql('lines')}) WHERE shape_fault IS NULL")
        .to_arrow_table()
        .to_pylist()
    )
    return (
        {row.pop("place"): row for row in fast},
        {int(row["position"]): {name: row[name] for name in FLAT_COLUMNS} for row in slow},
    )


@given(st.lists(payload_lines(), min_size=30, max_size=60))
@settings(max_examples=5, deadline=None)
def test_what_the_fast_way_reads_is_what_the_definition_reads(lines):
    with duckdb.connect(config={"threads": 1}) as connection:
        fast, slow = read_both(connection, lines)
    assert set(fast) <= set(slow)
    assert fast == {place: slow[place] for place in fast}


@pytest.mark.slow
@pytest.mark.timeout(600)  # 18,000 payloads are a minute of CPU, and three on a busy machine
@given(st.lists(payload_lines(), min_size=40, max_size=80))
@settings(max_examples=300, deadline=None)
def test_what_the_fast_way_reads_is_what_the_definition_reads_at_length(lines):
    with duckdb.connect(config={"threads": 1}) as connection:
        fast, slow = read_both(connection, lines)
    assert set(fast) <= set(slow)
    assert fast == {place: slow[place] for place in fast}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"procedure": None},
        {"diagnosis": {**EXAMPLE["diagnosis"], "secondary_codes": []}},
        {"patient_ref": "p1", "facility_ref": "f1", "episode_ref": "e1"},
        {"facility_ref": "f1"},
        {"amount_claimed": 10.25, "amount_gap": -3799989.75},
    ],
)
def test_lines_as_they_are_commonly_written_are_read_the_fast_way(connection, separators, changes):
    fast, slow = read_both(connection, [json.dumps({**EXAMPLE, **changes}, separators=separators)])
    assert fast == slow
    assert set(fast) == {0}


def test_our_own_lines_are_read_the_fast_way(connection):
    flat, _ = read_both(connection, [payload("A-1"), payload("A-2", procedure=None, patient_ref="p")])
    lines = to_payloads(connection, to_flat(pa.Table.from_pylist(list(flat.values()))))
    fast, slow = read_both(connection, lines)
    assert set(fast) == {0, 1}
    assert fast == slow


@pytest.mark.slow
@given(st.lists(payload_lines(), min_size=20, max_size=40))
@settings(max_examples=4, deadline=None)
def test_judging_by_values_gives_the_verdicts_of_judging_every_row(lines):
    with duckdb.connect(config={"threads": 1}) as connection:
        _, slow = read_both(connection, lines)
        if not slow:
            return
        flat = to_flat(pa.Table.from_pylist(list(slow.values())))
        flat = flat.append_column("place", pa.array(range(len(flat)), pa.int64()))
        expected = judge(connection, flat, ADMISSION)
        found = admission_faults(connection, flat).to_pylist()
    assert found == [{"place": n, "reason": "rule: " + ", ".join(names)} for n, names in enumerate(expected) if names]


def test_every_rule_is_judged_one_way_or_the_other():
    by_column, others = judging._rules_by_column()
    in_a_form_of_their_own = {"secondary_grammar", "identifies_a_person", "claim_id_form", "secondary_repeated"}
    assert sorted([r.name for rules in by_column.values() for r in rules] + [r.name for r in others]) == sorted(
        {r.name for r in ADMISSION} - in_a_form_of_their_own
    )
    assert "province_name" in by_column


BAD_TEXTS = [
    "3174012345678901",
    "08123456789",
    "a@b.id",
    "Ny. Siti",
    "RM 12 34 56",
    "\x00",
    "",
    "x" * 201,
    "a\x1fb",
    None,
]


def test_a_bad_value_in_any_column_of_a_large_chunk_is_found_as_row_by_row(connection):
    good = read_both(connection, [payload("A-1", patient_ref="p1", facility_ref="f1", episode_ref="e1")])[1][0]
    texts = [name for name, value in good.items() if isinstance(value, str)]
    bad = [{**good, name: text} for name in texts for text in BAD_TEXTS]
    lists = [[text] for text in BAD_TEXTS] + [["A00", "A00"], [good["dx_primary_code"]], [], None, ["A00", None]]
    bad += [{**good, "dx_secondary_codes": codes} for codes in lists]
    bad += [{**good, "amount_claimed": amount} for amount in (-1.0, 0.001, 1e300, float("nan"))]
    rows = [good] * 1_000 + bad + [{**good, "patient_id_hash": None, "facility_id": None, "episode_ref": None}]
    flat = to_flat(pa.Table.from_pylist(rows))
    flat = flat.append_column("place", pa.array(range(len(flat)), pa.int64()))
    expected = judge(connection, flat, ADMISSION)
    assert sum(map(bool, expected)) > 100
    found = admission_faults(connection, flat).to_pylist()
    assert found == [{"place": n, "reason": "rule: " + ", ".join(names)} for n, names in enumerate(expected) if names]


@given(st.lists(payload_lines(), min_size=5, max_size=25))
@settings(max_examples=5, deadline=None)
def test_every_line_becomes_a_claim_a_dead_letter_or_a_repeat(lines):
    raw = [line.encode("utf-8", "surrogatepass") for line in lines]
    table = pa.table(
        {"position": [f"p{i}" for i in range(len(raw))], "raw": raw, "size": [len(r) for r in raw]}, schema=LINES_SCHEMA
    )
    parsed = parse_lines(table)
    assert len(parsed.rows) + len(parsed.dead_letters) + len(parsed.repeats) == len(lines)
    places = [int(p[1:]) for p in parsed.rows["channel_position"].to_pylist()]
    assert places == sorted(places)
    dead = [int(p[1:]) for p in parsed.dead_letters["channel_position"].to_pylist()]
    assert dead == sorted(dead)
    assert [raw[i] for i in dead] == parsed.dead_letters["raw"].to_pylist()
    ids = parsed.rows["claim_id"].to_pylist()
    assert len(set(ids)) == len(ids)
