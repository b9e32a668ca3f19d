"""Put the keys of claims in order now and then: to look for a few among millions then reads a small part of them."""

from typing import Final

import duckdb

from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import counter, run

_ORDERED_BY: Final = {"claim_keys": "claim_key", "purged_claims": "claim_hash"}
_WORTHWHILE_ROWS: Final = 500_000  # fewer are looked through as fast as they are found
_WORTHWHILE_SHARE: Final = 0.25


def order_keys(db: SimulationDatabase, *, worthwhile_rows: int = _WORTHWHILE_ROWS) -> tuple[str, ...]:
    """Order each table of keys of which enough came since it was ordered last; which ones were.

    Takes seconds for ten million keys, while which other processes wait for the database.
    """
    done = []
    for table in _ORDERED_BY:
        with db.transaction() as connection:
            rows = int(run(connection, f"SELECT count(*) FROM {table}")[0][0])
            ordered = counter(connection, f"{table}_ordered")
            if rows - ordered >= max(worthwhile_rows, _WORTHWHILE_SHARE * ordered, 1):
                _order(connection, table, rows)
                done.append(table)
    return tuple(done)


def _order(connection: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    definition, comment = run(connection, "SELECT sql, comment FROM duckdb_tables() WHERE table_name = ?", [table])[0]
    run(connection, f"ALTER TABLE {table} RENAME TO unordered")
    run(connection, definition)
    run(connection, f"INSERT INTO {table} FROM unordered ORDER BY {_ORDERED_BY[table]}")
    run(connection, "DROP TABLE unordered")
    run(connection, f"COMMENT ON TABLE {table} IS '{comment.replace(chr(39), chr(39) * 2)}'")
    run(connection, "UPDATE counters SET value = ? WHERE name = ?", [rows, f"{table}_ordered"])
