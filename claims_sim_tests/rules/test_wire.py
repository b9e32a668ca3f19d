import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from claims_sim.claim import Claim
from claims_sim.rules.wire import MAX_PAYLOAD_BYTES, lines_table, parse_sql, to_flat, to_payloads
from claims_sim_tests.depth import examples

CODES = st.from_regex(r"[A-Z][0-9]{2,3}", fullmatch=True)
WORDS = st.from_regex(r"[A-Z][a-z]{2,9}( [A-Z][a-z]{2,9})?", fullmatch=True)
PLACES = st.sampled_from(["JAWA TIMUR", "BALI", "PAPUA", "Maluku", "Somewhere"])


@st.composite
def claims(draw):
    admit = draw(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))).replace(microsecond=0, tzinfo=UTC)  # noqa: DTZ001
    discharge = admit + timedelta(seconds=draw(st.integers(0, 40 * 86_400)))
    primary, *secondary = draw(st.lists(CODES, min_size=1, max_size=6, unique=True))
    claimed, paid = (draw(st.integers(0, 10**9)) / draw(st.sampled_from([1, 100])) for _ in range(2))
    return Claim.model_validate(
        {
            "claim_id": draw(st.from_regex(r"SIM-20[0-9]{2}-[A-Z]{8}-[0-9]{5}", fullmatch=True)),
            "admit_dt": admit,
            "discharge_dt": discharge,
            "facility": {"province": draw(PLACES), "class": draw(WORDS), "ownership": draw(WORDS)},
            "diagnosis": {"primary_code": primary, "primary_label": draw(WORDS), "secondary_codes": secondary},
            "procedure": draw(st.none() | st.fixed_dictionaries({"code": st.just("741"), "label": WORDS})),
            "severity_group": draw(WORDS),
            "service_type": draw(st.sampled_from(["RITL", "RJTL"])),
            "amount_claimed": round(claimed, 2),
            "amount_paid": round(paid, 2),
            "amount_gap": round(claimed - paid, 2),
            "generated_at": admit,
            "patient_ref": draw(st.none() | st.just("P-abc")),
        }
    )


@settings(max_examples=examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batch=st.lists(claims(), min_size=4, max_size=20))
def test_a_payload_comes_back_from_its_flat_row_byte_for_byte(connection, admit, batch):
    lines = [claim.model_dump_json() for claim in batch]
    assert admit(lines) == [[] for _ in lines]
    connection.register("lines", lines_table([str(i) for i in range(len(lines))], lines))
    flat = connection.sql(parse_sql("lines")).to_arrow_table()
    assert to_payloads(connection, to_flat(flat)) == lines


@st.composite
def damaged(draw):
    """A line that was a payload before one thing in it was changed."""
    document = json.loads(draw(claims()).model_dump_json())
    where = draw(st.sampled_from(["", "facility", "diagnosis"]))
    part = document[where] if where else document
    key = draw(st.sampled_from(sorted(part)))
    damage = draw(st.sampled_from(["drop", "null", "number", "text", "list", "extra", "bool", "date", "negative"]))
    if damage == "drop":
        del part[key]
    elif damage == "extra":
        part["more"] = "x"
    else:
        values = {
            "null": None,
            "number": 12,
            "text": "Words",
            "list": ["A00"],
            "bool": True,
            "date": "2025-01-01",
            "negative": -5,
        }
        part[key] = values[damage]
    return json.dumps(document)


def is_payload(line: str) -> bool:
    try:
        Claim.model_validate_json(line)
    except ValidationError:
        return False
    return True


@settings(
    max_examples=examples(5, deeper=7), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(lines=st.lists(damaged(), min_size=10, max_size=30))
def test_sql_and_pydantic_agree_on_what_is_a_payload(admit, lines):
    """Both forms of the payload's rules are held against each other on damaged claims."""
    for line, faults in zip(lines, admit(lines), strict=True):
        assert (faults == []) == is_payload(line), (line, faults)


def test_days_of_care_are_local_days(connection, example):
    late = example | {"admit_dt": "2025-11-15T16:30:00Z", "discharge_dt": "2025-11-15T17:30:00Z"}
    places = [late["facility"] | {"province": province} for province in ("JAWA TIMUR", "BALI", "PAPUA", "Nowhere")]
    lines = [json.dumps(late | {"facility": place}) for place in places]
    connection.register("lines", lines_table(list("abcd"), lines))
    rows = connection.sql(f"SELECT los, hour(admit_dt) FROM ({parse_sql('lines')}) ORDER BY position").fetchall()
    assert rows == [(1, 23), (0, 0), (0, 1), (1, 23)]


@pytest.mark.many(daily=5)
@pytest.mark.parametrize(
    "line", ["", "x", "null", "[]", "1", '"text"', "{", "{}", '{"claim_id": 1}', "\x00", "{" * 5000]
)
def test_what_is_no_claim_is_named_and_breaks_nothing(admit, line):
    assert len(admit([line])[0]) == 1


def test_a_payload_of_fifty_megabytes_is_refused_unparsed(admit, example):
    assert admit([json.dumps(example | {"claim_id": "x" * (MAX_PAYLOAD_BYTES + 1)})]) == [["too_large"]]
    assert admit(["[" * 50_000_000]) == [["too_large"]]


def test_a_key_given_twice_is_a_fault(admit, example):
    line = json.dumps(example)
    assert admit([line[:-1] + ', "claim_id": "SIM-2"}']) == [["keys"]]


def test_numbers_that_are_no_money_are_refused(admit, example):
    line = json.dumps(example)
    for amount in ("NaN", "Infinity", "1e400", "-0.001", "1e14"):
        assert admit([line.replace("4500000", amount)])[0] != []
