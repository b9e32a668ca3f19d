import json
import subprocess
import sys

import duckdb
import pyarrow.parquet as pq
import pytest

from claims_sim.demo.draw import DEMO_SCHEMA
from claims_sim.demo.facts import ASSUMPTIONS, FACTS
from claims_sim.demo.source import KIND, is_demo_source, write_demo_source
from claims_sim.errors import SettingsError, SourceError

ROWS = 2000


def _no_leftovers(folder):
    return [entry.name for entry in folder.iterdir() if "partial" in entry.name] == []


def test_a_duckdb_file_holds_the_claims_and_says_that_they_are_invented(tmp_path):
    path = tmp_path / "demo.duckdb"
    summary = write_demo_source(path, rows=ROWS, seed=4)
    with duckdb.connect(str(path), read_only=True) as connection:
        table = connection.sql("FROM claims_normalized").to_arrow_table()
        info = dict(connection.execute("FROM demo_source_info").fetchall())
    assert table.schema.names == DEMO_SCHEMA.names
    assert len(table) == summary.rows == ROWS
    assert info["kind"] == KIND
    assert info["seed"] == "4"
    assert all(f"fact: {fact.key}" in info for fact in FACTS)
    assert all(f"assumption: {entry.key}" in info for entry in ASSUMPTIONS)
    assert _no_leftovers(tmp_path)


def test_the_duckdb_file_is_in_a_storage_format_that_old_clients_read(tmp_path):
    path = tmp_path / "demo.duckdb"
    write_demo_source(path, rows=10)
    header = path.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    # 64 is the format of DuckDB 0.9.2 to 1.1.
    assert int.from_bytes(header[12:20], "little") == 64


def test_a_parquet_file_holds_the_same_claims_and_says_that_they_are_invented(tmp_path):
    write_demo_source(tmp_path / "demo.duckdb", rows=ROWS, seed=4)
    write_demo_source(tmp_path / "demo.parquet", rows=ROWS, seed=4)
    parquet = pq.read_table(tmp_path / "demo.parquet")
    metadata = parquet.schema.metadata
    assert metadata[b"kind"].decode() == KIND
    assert json.loads(metadata[b"demo_source_info"])["rows"] == str(ROWS)
    with duckdb.connect(str(tmp_path / "demo.duckdb"), read_only=True) as connection:
        stored = connection.sql("FROM claims_normalized").to_arrow_table()
    assert stored.cast(DEMO_SCHEMA).equals(parquet.replace_schema_metadata(None).cast(DEMO_SCHEMA))


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("one.parquet", "two.parquet"):
        write_demo_source(tmp_path / name, rows=ROWS, seed=9)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.parametrize("name", ["demo.duckdb", pytest.param("demo.parquet", marks=pytest.mark.slow)])
def test_an_earlier_demo_source_is_replaced(tmp_path, name):
    path = tmp_path / name
    write_demo_source(path, rows=50)
    assert is_demo_source(path)
    write_demo_source(path, rows=70)
    with duckdb.connect() as connection:
        if name.endswith(".duckdb"):
            connection.execute(f"ATTACH '{path}' AS demo (READ_ONLY)")
            found = connection.execute("SELECT count(*) FROM demo.claims_normalized").fetchone()
        else:
            found = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone()
    assert found == (70,)


@pytest.mark.parametrize("name", ["theirs.duckdb", "theirs.parquet"])
def test_a_file_that_is_no_demo_source_is_left_alone(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".duckdb"):
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE claims_normalized AS SELECT 1 AS claim_id")
    else:
        path.write_bytes(b"not ours")
    before = path.read_bytes()
    with pytest.raises(SourceError, match="is no demo source") as caught:
        write_demo_source(path, rows=10)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert _no_leftovers(tmp_path)


def test_a_folder_is_no_demo_source(tmp_path):
    with pytest.raises(SourceError, match="no demo source"):
        write_demo_source(tmp_path, rows=10)


def test_a_stale_log_beside_the_path_is_not_replayed_into_the_new_file(tmp_path):
    path = tmp_path / "demo.duckdb"
    (tmp_path / "demo.duckdb.wal").write_bytes(b"left by a file that is gone")
    write_demo_source(path, rows=10)
    assert is_demo_source(path)


@pytest.mark.parametrize("name", ["demo.duckdb", "demo.parquet"])
def test_a_path_that_cannot_be_written_is_one_clear_line(tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SourceError, match="cannot be written") as caught:
        write_demo_source(tmp_path / "file" / name, rows=10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["demo.duckdb", pytest.param("demo.parquet", marks=pytest.mark.slow)])
def test_when_the_disk_is_full_there_is_one_line_and_no_file(tmp_path, name):
    script = f"""
import resource, signal
from pathlib import Path
from claims_sim.demo.source import write_demo_source
from claims_sim.errors import SourceError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_demo_source(Path({str(tmp_path / name)!r}), rows=20_000)
except SourceError as error:
    assert "cannot be written" in str(error) and "\\n" not in str(error), error
else:
    raise SystemExit("the demo source was written")
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"rows": 50_000_001}, {"seed": -1}, {"ritl_share": 1.5}])
def test_an_argument_out_of_bounds_is_refused_before_anything_is_written(tmp_path, wrong):
    with pytest.raises(SettingsError, match="choose"):
        write_demo_source(tmp_path / "demo.duckdb", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_the_smallest_source_has_one_claim(tmp_path):
    summary = write_demo_source(tmp_path / "demo.parquet", rows=1)
    assert (summary.rows, pq.read_metadata(tmp_path / "demo.parquet").num_rows) == (1, 1)
