"""Keys in order: the same keys, found by reading a part of them."""

import pytest

from claims_sim.store import stream
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.key_order import order_keys
from claims_sim.store.purge import Selection, purge_claims
from claims_sim_tests.store.conftest import NOW, lines, payload, query

FILL = """
INSERT INTO claim_keys
SELECT CAST(hash(i) & 4294967295 AS UINTEGER), i + (SELECT count(*) FROM claim_keys) FROM range(?) r(i)
"""


@pytest.fixture
def db(tmp_path):
    return SimulationDatabase(tmp_path / "sim.duckdb")


def fill(db, rows):
    with db.transaction() as connection:
        connection.execute(FILL, [rows])


def is_ordered(db):
    keys = [key for (key,) in query(db, "SELECT claim_key FROM claim_keys ORDER BY rowid")]
    return keys == sorted(keys)


def test_the_same_keys_lie_in_order_and_the_table_is_as_it_was(db):
    shape = "SELECT sql, comment FROM duckdb_tables() WHERE table_name = 'claim_keys'"
    content = "SELECT * FROM claim_keys ORDER BY ALL"
    fill(db, 5_000)
    before = query(db, shape), query(db, content)
    assert not is_ordered(db)
    assert order_keys(db, worthwhile_rows=1_000) == ("claim_keys",)
    assert is_ordered(db)
    assert (query(db, shape), query(db, content)) == before


def test_a_few_new_keys_are_not_worth_the_work_and_many_are(db):
    fill(db, 8_000)
    assert order_keys(db) == ()
    order_keys(db, worthwhile_rows=1_000)
    fill(db, 1_500)
    assert order_keys(db, worthwhile_rows=1_000) == ()  # less than a quarter
    fill(db, 600)
    assert order_keys(db, worthwhile_rows=1_000) == ("claim_keys",)
    assert is_ordered(db)


@pytest.mark.slow
def test_after_a_purge_new_keys_are_counted_beside_what_is_left(db, channel):
    channel.publish("x", lines(*(payload(f"A-{n}") for n in range(40))))
    stream.ingest(db, channel)
    assert order_keys(db, worthwhile_rows=20) == ("claim_keys",)
    list(purge_claims(db, Selection(keep=5), NOW))
    channel.publish("x", lines(*(payload(f"B-{n}") for n in range(20))))
    stream.ingest(db, channel)
    assert order_keys(db, worthwhile_rows=20) == ("claim_keys", "purged_claims")
    assert query(db, "SELECT value FROM counters WHERE name = 'claim_keys_ordered'") == [(25,)]
    channel.publish("x", lines(payload("A-1"), payload("B-1")))
    assert stream.ingest(db, channel).duplicates == 2  # a purged and a stored one are known as before


def test_an_ordered_key_is_found_in_a_part_of_the_table(db):
    fill(db, 500_000)
    looked_through = (
        "EXPLAIN ANALYZE SELECT stream_seq FROM claim_keys WHERE claim_key BETWEEN 2000000000 AND 2000010000"
    )
    assert "Row Groups Scanned: 5 / 5" in query(db, looked_through)[0][1]
    order_keys(db)
    assert "Row Groups Scanned: 1 / 5" in query(db, looked_through)[0][1]
