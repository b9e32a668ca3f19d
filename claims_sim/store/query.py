"""Run statements so that nothing is left open: DuckDB refuses further work beside a result that was not fetched whole."""

from typing import Any

import duckdb
import pyarrow as pa


def run(connection: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> list[tuple[Any, ...]]:
    """Execute `sql` with `values` bound; all its rows (of a change, one row with the number of rows changed)."""
    return connection.execute(sql, values).fetchall()


def fetch_arrow(connection: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> pa.Table:
    """The whole result of a query with `values` bound."""
    result: Any = connection.sql(sql, params=values).to_arrow_table()
    return result


def counter(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """The value of a counter of the database (table `counters`)."""
    return int(run(connection, "SELECT value FROM counters WHERE name = ?", [name])[0][0])
