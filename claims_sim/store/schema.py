"""Numbered migrations of the simulation database: forward only, each once, each in a transaction."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import duckdb

from claims_sim.errors import StoreError
from claims_sim.store.query import run
from claims_sim.store.tables import as_utc


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The checksum that is recorded when it is applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@lru_cache(maxsize=1)
def migrations() -> tuple[Migration, ...]:
    """The migrations of this version of the product, in order."""
    found = [entry for entry in files("claims_sim.store.migrations").iterdir() if entry.name.endswith(".sql")]
    return tuple(
        Migration(int(entry.name[:4]), entry.name[5:-4], entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    )


def is_current(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether nothing is left to apply. Raises StoreError when the file is not ours or not of this version."""
    known = migrations()
    applied = _applied(connection, path)
    for number, (version, name, checksum) in enumerate(applied):
        if number >= len(known):
            raise StoreError(
                f"{path} was written by a newer version of claims_sim (schema {applied[-1][0]}, this one knows "
                f"{known[-1].version}): update claims_sim, or give another database."
            )
        if (version, checksum) != (known[number].version, known[number].sha256):
            raise StoreError(
                f"{path} was made by another edition of migration {version:04d}_{name}: it cannot be updated; "
                "give another database."
            )
    return len(applied) == len(known)


def apply_migrations(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Apply what is left to apply; each migration and its record are one transaction."""
    if is_current(connection, path):
        return
    for migration in migrations()[len(_applied(connection, path)) :]:
        run(connection, "BEGIN")
        try:
            run(
                connection,
                "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER, name VARCHAR, sha256 VARCHAR, applied_at TIMESTAMP)",
            )
            run(connection, migration.sql)
            run(
                connection,
                "INSERT INTO schema_migrations VALUES (?, ?, ?, ?)",
                [migration.version, migration.name, migration.sha256, as_utc(None)],
            )
            run(connection, "COMMIT")
        except BaseException:
            run(connection, "ROLLBACK")
            raise


def _applied(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[int, str, str]]:
    try:
        return run(connection, "SELECT version, name, sha256 FROM schema_migrations ORDER BY version")
    except duckdb.CatalogException:
        pass
    tables = run(connection, "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() LIMIT 1")
    if tables:
        raise StoreError(
            f"{path} holds other tables, '{tables[0][0]}' for one: give the simulation a database of its own."
        )
    return []
