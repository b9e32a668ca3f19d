"""Small questions that several modules here ask the same way."""

from typing import Any

import duckdb
import pyarrow as pa


def fetch_arrow(connection: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> pa.Table:
    """The whole result of `sql` with `values` bound."""
    result: Any = connection.sql(sql, params=values).to_arrow_table()
    return result


def counter(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """The value of a counter of the database (table `counters`)."""
    return int(connection.execute("SELECT value FROM counters WHERE name = ?", [name]).fetchall()[0][0])
