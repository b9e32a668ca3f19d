import json

import pytest
from pydantic import ValidationError

from claims_sim.claim import Claim, payload_json_schema
from claims_sim_tests.conftest import EXAMPLE


def compact(document: dict) -> str:
    return json.dumps(document, separators=(",", ":"))


def test_the_documents_example_validates_and_round_trips_to_the_same_bytes(example):
    line = compact(example)
    assert Claim.model_validate_json(line).model_dump_json() == line


def test_the_example_file_keeps_the_key_order_of_the_payload(example):
    assert list(example) == [name for name in Claim.model_fields if not name.endswith("_ref")]
    assert EXAMPLE.read_text().startswith("{\n")


def test_references_are_left_out_when_absent_and_kept_when_given(example):
    given = example | {"patient_ref": "P-abc"}
    assert Claim.model_validate(given).model_dump_json() == compact(given)
    assert "facility_ref" not in Claim.model_validate(given).model_dump_json()


def test_a_claim_without_procedure_keeps_the_key_as_null(example):
    assert '"procedure":null' in Claim.model_validate(example | {"procedure": None}).model_dump_json()


def test_cents_are_kept_where_a_table_has_them(example):
    document = example | {"amount_claimed": 10.25, "amount_paid": 10.0, "amount_gap": 0.25}
    assert (
        '"amount_claimed":10.25,"amount_paid":10,"amount_gap":0.25' in Claim.model_validate(document).model_dump_json()
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"discharge_dt": "2025-11-15T08:11:59Z"}, "before admit_dt"),
        ({"amount_gap": 1}, "amount_claimed - amount_paid"),
        ({"amount_paid": -1, "amount_gap": 4500001}, "greater than or equal to 0"),
        ({"amount_paid": "3800000"}, "no number"),
        ({"admit_dt": "2025-11-15T08:12:00+07:00"}, "no UTC timestamp"),
        ({"admit_dt": "2025-11-15"}, "no UTC timestamp"),
        ({"name": "x"}, "Extra inputs"),
        ({"claim_id": ""}, "pattern"),
        ({"amount_claimed": 1e300}, "less than or equal"),
    ],
)
def test_what_is_always_true_of_a_claim_is_enforced(example, change, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Claim.model_validate_json(compact(example | change))


def test_the_secondary_list_holds_neither_the_primary_code_nor_a_repeat(example):
    for codes in (["O63"], ["Z348", "Z348"]):
        document = example | {"diagnosis": example["diagnosis"] | {"secondary_codes": codes}}
        with pytest.raises(ValidationError, match="secondary_codes"):
            Claim.model_validate(document)


def test_the_exported_json_schema_is_the_one_in_the_docs():
    exported = EXAMPLE.parents[2] / "docs" / "claim.schema.json"
    assert json.loads(exported.read_text()) == payload_json_schema()
