"""A request reads the same from every caller, refuses in one line, and repeats itself."""

import json
import re
from datetime import UTC, date, datetime

import pytest

from claims_sim.errors import RequestError
from claims_sim.generation.request import AS_SETTINGS_SAY, MOST_CLAIMS, ClaimsRequest, place_order
from claims_sim.profile.drawing.wanted import ClaimFilter, Mix

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
WHERE = ClaimFilter(province_name=("BALI",), los=(3.0, float("inf")), admit_dt=(date(2026, 1, 5), date(2026, 1, 6)))
MIX = Mix((("service_type", "RITL", 0.6),))


@pytest.mark.parametrize(
    ("where", "mix"),
    [
        (WHERE, MIX),
        (["province=BALI", "stay=3..", "date=2026-01-05..2026-01-06"], ["service:RITL=0.6"]),
        ("province=BALI; stay=3..; date=2026-01-05..2026-01-06", "service_type:RITL=0.6"),
        (
            {"province": "BALI", "los": [3, None], "admit_dt": ["2026-01-05", "2026-01-06"]},
            {"service_type": {"RITL": 0.6}},
        ),
    ],
)
def test_filter_and_mix_are_read_from_values_texts_and_objects_alike(where, mix):
    request = ClaimsRequest.read({"count": 7, "where": where, "mix": mix})
    assert (request.where, request.mix) == (WHERE, MIX)


def test_a_request_survives_json(settings):
    request = place_order(ClaimsRequest.read({"where": WHERE, "mix": MIX}), settings, NOW).request
    assert ClaimsRequest.read(json.loads(json.dumps(request.document()))) == request


def test_an_order_carried_out_again_is_the_same_order(settings):
    order = place_order(ClaimsRequest.read({"count": 3, "where": WHERE, "seed": 5}), settings, NOW)
    later = settings.model_copy(update={"seed": 9, "batch_size": 2, "mix": "service_type:RITL=0.1"})
    again = place_order(order.request, later, datetime(2027, 1, 1, tzinfo=UTC))
    assert (again.batch, again.deadline_s, again.request) == (order.batch, order.deadline_s, order.request)


def test_what_is_left_out_is_as_the_settings_say(settings):
    own = settings.model_copy(update={"batch_size": 4, "seed": 8, "mix": "service_type:RITL=0.5; severity:berat=0.2"})
    order = place_order(AS_SETTINGS_SAY, own, NOW)
    assert (order.batch.count, order.batch.seed, order.batch.clock, order.batch.as_of) == (4, 8, own.clock, NOW)
    assert order.batch.mix.fields == ("service_type", "severity_group")
    assert order.deadline_s == own.authoring_deadline_s
    assert place_order(ClaimsRequest(count=9), own, NOW).deadline_s == 3 * own.authoring_deadline_s
    waited = [place_order(ClaimsRequest(count=1, deadline_s=s), own, NOW, least_deadline_s=70) for s in (None, 2.0)]
    assert [order.deadline_s for order in waited] == [70, 2]


def test_a_request_wins_over_the_settings(settings):
    order = place_order(ClaimsRequest(author="llm", prompt_form="full", clock="history", seed=1), settings, NOW)
    assert (order.settings.author, order.settings.prompt_form, order.batch.clock, order.batch.seed) == (
        "llm",
        "full",
        "history",
        1,
    )


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"count": 0}, "count: "),
        ({"count": MOST_CLAIMS + 1}, f"equal to {MOST_CLAIMS}"),
        ({"where": ["colour=red"]}, "where: claims cannot be asked for by 'colour'"),
        ({"where": 3}, "where: "),
        ({"mix": ["service_type:RITL=2"]}, "mix: 'service_type:RITL=2' is no share"),
        ({"mix": {"service_type": 1}}, "mix: is no set of shares"),
        ({"author": "me"}, "author: "),
        ({"seed": -1}, "seed: "),
        ({"batch_id": "7"}, "batch_id: is no batch id"),
        ({"as_of": "yesterday"}, "as_of: "),
        ({"prompt_language": "English"}, "prompt_language: "),
        ({"amount": 3}, "A request has no 'amount'; it has: count, where"),
    ],
)
def test_what_is_no_request_is_refused_in_one_line(document, says):
    with pytest.raises(RequestError, match=re.escape(says)) as refusal:
        ClaimsRequest.read(document)
    assert "\n" not in str(refusal.value)


def test_every_field_has_a_place_in_the_json_schema_and_a_description():
    properties = ClaimsRequest.model_json_schema()["properties"]
    assert set(properties) == set(ClaimsRequest.model_fields)
    assert all(one["description"] for one in properties.values())


def test_what_a_request_says_of_a_field_stands_above_the_settings_mix(settings):
    mixed = settings.model_copy(update={"mix": "service_type:RITL=0.9; facility_class:RS Kelas B=0.5"})
    order = place_order(ClaimsRequest(count=3, where=ClaimFilter(service_type=("RJTL",))), mixed, NOW)
    assert str(order.batch.mix) == "facility_class:RS Kelas B=0.5"
    plain = place_order(ClaimsRequest(count=3), mixed, NOW)
    assert plain.batch.mix.fields == ("service_type", "facility_class")
