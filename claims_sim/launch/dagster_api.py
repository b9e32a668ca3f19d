"""The few GraphQL calls that `up` makes to Dagster's webserver."""

import json
import urllib.error
import urllib.request
from typing import Any, Final

from claims_sim.errors import ClaimsSimError

_REPOSITORY: Final = {"repositoryName": "__repository__", "repositoryLocationName": "claims_sim"}
_START_SENSOR: Final = """
mutation($selector: SensorSelector!) { startSensor(sensorSelector: $selector) { __typename ... on PythonError { message } } }
"""
_START_SCHEDULE: Final = """
mutation($selector: ScheduleSelector!) { startSchedule(scheduleSelector: $selector) { __typename ... on PythonError { message } } }
"""
_UNFINISHED: Final = """
{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}) { ... on Runs { results { runId } } } }
"""
_CANCEL: Final = """
mutation($ids: [String!]!) { terminateRuns(runIds: $ids, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) { __typename } }
"""
_LOCATION: Final = """
{ workspaceOrError { ... on Workspace { locationEntries { loadStatus
  locationOrLoadError { __typename ... on PythonError { message } } } } } }
"""


class DagsterApi:
    """Speaks to one webserver on loopback."""

    def __init__(self, url: str) -> None:
        self._url = url

    def call(self, query: str, **variables: object) -> dict[str, Any]:
        """One GraphQL request; raises OSError while the server is not there."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self._url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - always our own http:// address
            answer: dict[str, Any] = json.load(response)
        if answer.get("errors"):
            raise ClaimsSimError(f"Dagster's webserver refused a request: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data

    def is_ready(self) -> bool:
        """Whether the webserver answers and has loaded our code; raises when our code fails to load."""
        try:
            entries = self.call(_LOCATION)["workspaceOrError"].get("locationEntries", [])
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        if not entries or entries[0]["loadStatus"] != "LOADED":
            return False
        loaded = entries[0]["locationOrLoadError"]
        if loaded["__typename"] == "PythonError":
            raise ClaimsSimError(f"Dagster cannot load claims_sim: {loaded['message'].strip().splitlines()[-1]}")
        return True

    def start_sensor(self, name: str) -> None:
        """Turn a sensor on; nothing happens when it is on already."""
        self._started(self.call(_START_SENSOR, selector={**_REPOSITORY, "sensorName": name})["startSensor"], name)

    def start_schedule(self, name: str) -> None:
        """Turn a schedule on; nothing happens when it is on already."""
        self._started(self.call(_START_SCHEDULE, selector={**_REPOSITORY, "scheduleName": name})["startSchedule"], name)

    def _started(self, answer: dict[str, Any], name: str) -> None:
        if "Error" in answer["__typename"] or "Unauthorized" in answer["__typename"]:
            raise ClaimsSimError(f"Dagster could not start {name}: {answer.get('message', answer['__typename'])}")

    def cancel_unfinished_runs(self) -> int:
        """Mark runs that a killed predecessor left unfinished as canceled; nothing can be running when this is called."""
        ids = [run["runId"] for run in self.call(_UNFINISHED)["runsOrError"].get("results", [])]
        if ids:
            self.call(_CANCEL, ids=ids)
        return len(ids)
