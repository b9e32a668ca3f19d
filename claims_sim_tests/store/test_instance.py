"""One DuckDB kept warm for each file: what is shared, and when it is let go of."""

import os
import subprocess
import sys

import duckdb
import pytest

from claims_sim.errors import StoreLockedError
from claims_sim.store import instance
from claims_sim.store.database import SimulationDatabase

IN_A_CHILD = """
import os, sys
from pathlib import Path
from claims_sim.store.database import SimulationDatabase

db = SimulationDatabase(Path(sys.argv[1]))
add = "INSERT INTO outbox VALUES (?, 0, 'w', 'w')"
with db.transaction() as connection:
    connection.execute(add, ["parent"]).fetchall()
child = os.fork()
if not child:
    with db.transaction() as connection:
        connection.execute(add, ["child"]).fetchall()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
with db.connect(read_only=True) as connection:
    print(connection.execute("SELECT batch_id FROM outbox ORDER BY 1").fetchall())
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "sim.duckdb"
    duckdb.connect(path).execute("CREATE TABLE notes AS SELECT 1 AS note").close()
    return path


def attached(path, *, read_only=False):
    return instance.attach(path, path.with_name("spilled"), read_only=read_only)


def mark_of(path, mark=None):
    """The mark of the DuckDB that serves this file: it lasts as long as that one does."""
    connection, close = attached(path)
    if mark:
        connection.execute("SET GLOBAL max_expression_depth = ?", [mark])
    found = connection.execute("SELECT current_setting('max_expression_depth')").fetchone()[0]
    close()
    return found


def test_connections_share_the_file_and_the_last_one_lets_go_of_it(path):
    first, close_first = attached(path)
    second, close_second = attached(path)
    first.execute("INSERT INTO notes VALUES (2)")
    close_first()
    assert second.execute("SELECT sum(note) FROM notes").fetchall() == [(3,)]
    with pytest.raises(duckdb.ResourceInUseException):
        duckdb.connect(path)
    close_second()
    with duckdb.connect(path) as other:
        assert other.execute("SELECT sum(note) FROM notes").fetchall() == [(3,)]
    assert not path.with_name("sim.duckdb.wal").exists()


def test_a_file_is_not_open_in_two_modes(path):
    _, close = attached(path)
    with pytest.raises(duckdb.ResourceInUseException):
        attached(path, read_only=True)
    close()
    reader, close = attached(path, read_only=True)
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        reader.execute("INSERT INTO notes VALUES (2)")
    close()


def test_the_same_duckdb_serves_a_file_again_and_again(path):
    assert mark_of(path, 777) == mark_of(path) == 777


def test_a_spoilt_one_serves_who_has_it_and_nobody_after(path):
    mark_of(path, 777)
    user, close = attached(path)
    instance.spoil(path)
    assert user.execute("SELECT note FROM notes").fetchall() == [(1,)]
    close()
    assert mark_of(path) != 777


def test_what_serves_another_file_is_not_kept(path, tmp_path):
    mark_of(path, 777)
    mark_of(tmp_path / "other.duckdb")
    assert mark_of(path) != 777


@pytest.mark.parametrize(
    "name", ["memory.duckdb", "temp", "system.x", 'quo"te.duckdb', "it's.duckdb", ".duckdb", "a b.v2.duckdb"]
)
def test_any_file_name_will_do(tmp_path, name):
    db = SimulationDatabase(tmp_path / name)
    with db.transaction() as connection:
        connection.execute("UPDATE counters SET value = 7 WHERE name = 'stream_seq'")
    with duckdb.connect(tmp_path / name, read_only=True) as other:
        assert other.execute("SELECT value FROM counters WHERE name = 'stream_seq'").fetchall() == [(7,)]


def test_who_opened_the_file_by_other_means_in_this_process_is_told_of(tmp_path):
    db = SimulationDatabase(tmp_path / "sim.duckdb", lock_timeout_s=0.1)
    with db.connect():
        pass
    with duckdb.connect(db.path), pytest.raises(StoreLockedError, match="held by this process"), db.connect():
        pass
    with db.connect() as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchall() == [(0,)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_starts_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CHILD, str(tmp_path / "sim.duckdb")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("[('child',), ('parent',)]", 0), done.stderr
