import duckdb
import pyarrow as pa
import pytest

from claims_sim.demo.draw import draw_runs
from claims_sim.demo.world import build_world


@pytest.fixture(scope="session")
def world():
    return build_world(rows=120_000, seed=7, ritl_share=0.35)


@pytest.fixture(scope="session")
def claims(world) -> pa.Table:
    return pa.concat_tables(draw_runs(world))


@pytest.fixture(scope="session")
def ask(claims):
    """A function: the first row of an SQL query over the relation `claims`."""
    with duckdb.connect() as connection:
        connection.register("claims", claims)
        yield lambda sql: connection.execute(sql).fetchone()
