"""The API against its own description: whatever the schema allows is answered without a fault and as described."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from claims_sim_tests import servers

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture
def described(streamed):
    nowhere = f"http://127.0.0.1:{servers.free_port()}/v1"  # asked for a model, it answers without one
    server = servers.start_api(streamed.model_copy(update={"llm_base_url": nowhere}))
    yield schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")
    server.stop()


schema = schemathesis.pytest.from_fixture("described").exclude(path="/claims/stream")  # without an end


@schema.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_answer_contradicts_the_description(case):
    case.call_and_validate(checks=list(CHECKS))
