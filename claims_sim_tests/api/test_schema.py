"""The API against its own description: whatever the schema allows is answered without a fault and as described."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from claims_sim_tests import servers
from claims_sim_tests.depth import examples

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture
def described(streamed):
    nowhere = f"http://127.0.0.1:{servers.free_port()}/v1"  # asked for a model, it answers without one
    server = servers.start_api(streamed.model_copy(update={"llm_base_url": nowhere}))
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")
    # The same characters as of UTF-8, whose list Hypothesis would make by encoding each: seconds in a clean clone.
    schema.config.generation.codec = None
    yield schema
    server.stop()


@pytest.mark.timeout(600)
def test_no_answer_contradicts_the_description(described):
    operations = [found.ok() for found in described.get_all_operations() if found.ok().path != "/claims/stream"]
    assert len(operations) > 15
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=examples(3),
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def holds(case):
            case.call_and_validate(checks=list(CHECKS), timeout=120)

        holds()
