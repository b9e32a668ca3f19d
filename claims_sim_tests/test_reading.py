"""docs/reading.md: what it shows runs as it stands. And the view that unites real and simulated claims."""

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim import pipeline
from claims_sim.errors import StoreError
from claims_sim_tests.conftest import SMALL_ROWS

PAGE = (Path(__file__).parents[1] / "docs" / "reading.md").read_text()
BLOCKS = re.findall(r"^```(sql|python|bash)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def simulated(grown, tmp_path):
    """A simulation where the page expects it, with a few scored claims."""
    settings = grown(2, 5)
    (tmp_path / ".claims_sim").symlink_to(settings.state_dir)
    return settings


def rows_of(sql: str, query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.execute(sql)
        return connection.execute(query).fetchall()


def test_everything_the_page_shows_runs(simulated, run, capsys):
    kinds = [kind for kind, _ in BLOCKS]
    assert (kinds.count("sql"), kinds.count("python"), kinds.count("bash")) == (2, 3, 1)
    shown = ""
    for kind, text in BLOCKS:
        shown += capsys.readouterr().out
        if kind == "sql":
            assert duckdb.sql(text).fetchall()
        elif kind == "bash":
            for line in text.splitlines():
                code, _, err = run(*line.removeprefix("claims-sim ").split())
                assert code == 0, err
        else:
            exec(compile(text, "reading.md", "exec"), {})
    assert "simulated" in shown
    assert "SIM-2026-" in shown
    with duckdb.connect("bi.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM claims_live_stream").fetchall() == [(10,)]


def test_the_view_holds_every_claim_of_both_sides_once(simulated):
    text = pipeline.union_view_of(simulated)
    found = rows_of(
        text, "SELECT source, count(*), count(DISTINCT claim_id) FROM claims_with_simulated GROUP BY 1 ORDER BY 1"
    )
    assert found == [("real", SMALL_ROWS, SMALL_ROWS), ("simulated", 10, 10)]
    types = dict(rows_of(text, "SELECT column_name, column_type FROM (DESCRIBE claims_with_simulated)"))
    assert (types["los"], types["dx_secondary_codes"], types["admit_dt"]) == ("INTEGER", "VARCHAR[]", "TIMESTAMP")
    assert "date" not in types
    real = rows_of(text, "SELECT sum(amount_claimed), sum(los) FROM claims_with_simulated WHERE source = 'real'")
    with duckdb.connect(str(simulated.source), read_only=True) as owner:
        assert owner.execute("SELECT sum(amount_claimed), sum(los) FROM claims_normalized").fetchall() == real


def test_a_foreign_table_is_read_through_its_mapping(simulated, tmp_path):
    pq.write_table(
        pa.table(
            {
                "ID": ["a'1", "b2"],
                "stay days": [2, 0],
                "kode": ["A00.1", "o82"],
                "biaya": ["1000", "2000.5"],
                "milik": ["3", "x"],
                "peserta": [11, 12],
            }
        ),
        tmp_path / "their's.parquet",
    )
    (tmp_path / "mapping.toml").write_text(
        '[columns]\nclaim_id = "ID"\nlos = "stay days"\ndx_primary_code = "kode"\namount_claimed = "biaya"\n'
        'facility_ownership = "milik"\npatient_id_hash = "peserta"\n[values.facility_ownership]\n"3" = "Pemkab\'s"\n'
    )
    theirs = simulated.model_copy(update={"source": tmp_path / "their's.parquet", "mapping": tmp_path / "mapping.toml"})
    columns = "claim_id, los, dx_primary_code, amount_claimed, facility_ownership, patient_id_hash"
    found = rows_of(
        pipeline.union_view_of(theirs),
        f"SELECT {columns} FROM claims_with_simulated WHERE source = 'real' ORDER BY ALL",
    )
    assert found == [("a'1", 2, "A001", 1000.0, "Pemkab's", "11"), ("b2", 0, "O82", 2000.5, "x", "12")]


def test_without_a_snapshot_the_command_says_what_to_start(settings):
    with pytest.raises(StoreError, match="start `claims-sim up` or `demo`"):
        pipeline.union_view_of(settings)
