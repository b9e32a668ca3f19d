"""Fixtures that every test may use: the document's example claim and a way to judge payload lines as the consumer does."""

import json
from pathlib import Path

import duckdb
import pytest

from claims_sim.rules.table import ADMISSION, broken_sql
from claims_sim.rules.wire import lines_table, parse_sql

EXAMPLE = Path(__file__).parent / "data" / "example_claim.json"


@pytest.fixture
def example() -> dict:
    return json.loads(EXAMPLE.read_text())


@pytest.fixture
def connection():
    with duckdb.connect(config={"threads": 1}) as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


@pytest.fixture
def admit(connection):
    """A function: payload lines -> for each its first fault of shape, or the admission rules it breaks."""

    def judge(lines: list[str]) -> list[list[str]]:
        connection.register("lines", lines_table([str(i) for i in range(len(lines))], lines))
        query = f"SELECT shape_fault, {broken_sql(ADMISSION)} FROM ({parse_sql('lines')})"
        return [[fault] if fault else list(broken) for fault, broken in connection.execute(query).fetchall()]

    return judge
