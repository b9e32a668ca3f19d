"""How dear is it to bring claims from a JSONL channel into the database?

    python benchmarks/bench_ingest.py            bulk, and 10 claims beside 0.1 M stored rows
    python benchmarks/bench_ingest.py --large    the same, and 10 claims beside 10 M stored rows: their ratio

Bars: at least 100,000 claims per CPU second in bulk; 10 M rows cost at most twice what 0.1 M do.
"""

import argparse
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from claims_sim.channels import Channel, Message, open_channel
from claims_sim.claim_ids import claim_ids, new_batch_id
from claims_sim.store import outbox, stream
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.key_order import order_keys
from claims_sim.store.known import claim_key

CLAIM = {
    "claim_id": "",
    "admit_dt": "2025-11-15T08:12:00Z",
    "discharge_dt": "2025-11-16T11:15:00Z",
    "facility": {"province": "JAWA TIMUR", "class": "RS Kelas B", "ownership": "Pemkab"},
    "diagnosis": {"primary_code": "O63", "primary_label": "Prolonged labour", "secondary_codes": ["Z348", "O441"]},
    "procedure": {"code": "7499", "label": "Other cesarean section of unspecified type"},
    "severity_group": "sedang",
    "service_type": "RITL",
    "amount_claimed": 4500000,
    "amount_paid": 3800000,
    "amount_gap": 700000,
    "generated_at": "2025-11-15T08:12:01Z",
}
FILL = """
INSERT INTO claims_live_stream BY NAME
SELECT 'SIM-{year}-' || upper(translate(md5(CAST(i // 5 AS VARCHAR)), '0123456789', 'ghijklmnop')) || '-' || printf('%05d', i % 5)
    AS claim_id,
  TIMESTAMP '2025-01-01' + to_seconds(i * 4) AS admit_dt, TIMESTAMP '2025-01-03' + to_seconds(i * 4) AS discharge_dt, 2 AS los,
  'JAWA TIMUR' AS province_name, 'RS Kelas B' AS facility_class, 'Pemkab' AS facility_ownership, 'RITL' AS service_type,
  'sedang' AS severity_group, 'O63' AS dx_primary_code, 'Prolonged labour' AS dx_primary_label,
  ['Z348', 'O441'] AS dx_secondary_codes, 2 AS comorbidity_count, 4500000 + i % 1000 AS amount_claimed,
  3800000 AS amount_paid, 700000 + i % 1000 AS amount_gap, TIMESTAMP '2025-01-01' + to_seconds(i * 4) AS generated_at,
  substr(t, 1, 8) || '-' || substr(t, 9, 4) || '-7' || substr(md5(CAST(i // 5 AS VARCHAR)), 1, 3) || '-8abc-'
    || substr(md5(CAST(i // 5 AS VARCHAR)), 4, 12) AS batch_id,
  TIMESTAMP '2025-01-01' + to_seconds(i * 4) AS ingested_at, 'bench' AS channel, CAST(i AS VARCHAR) AS channel_position,
  i + 1 AS stream_seq
FROM (SELECT i, printf('%012x', 1735689600000 + (i // 5) * 20000) AS t FROM range({first}, {last}) r(i))
"""
FILL_BATCHES = """
INSERT INTO outbox_batches BY NAME
SELECT batch_id, min(ingested_at) AS created_at, 5 AS planned, 5 AS authored, 0 AS repaired, 0 AS rejected, 5 AS accepted,
  5 AS ingested, 'released' AS status, min(ingested_at) AS released_at, min(ingested_at) AS pruned_at, '' AS content_hash
FROM claims_live_stream GROUP BY batch_id ORDER BY batch_id
"""


def fill(db: SimulationDatabase, rows: int) -> None:
    """Store `rows` claims as if batches of five had arrived for years, their payloads pruned from the outbox."""
    for first in range(0, rows, 1_000_000):
        with db.transaction() as connection:
            connection.execute(FILL.format(year=datetime.now(UTC).year, first=first, last=min(rows, first + 1_000_000)))
    with db.transaction() as connection:
        connection.execute(f"INSERT INTO claim_keys SELECT {claim_key('claim_id')}, stream_seq FROM claims_live_stream")
        connection.execute(FILL_BATCHES)
        connection.execute("UPDATE counters SET value = ? WHERE name = 'stream_seq'", [rows])
    order_keys(db)  # as every housekeeping does


def publish_batch(db: SimulationDatabase, channel: Channel, count: int, as_of: datetime) -> None:
    """One batch through outbox and channel."""
    batch_id = new_batch_id(as_of)
    ids = claim_ids("SIM", batch_id, count)
    payloads = [json.dumps(CLAIM | {"claim_id": claim_id}) for claim_id in ids]
    table = pa.table({"claim_index": range(count), "claim_id": ids, "payload": payloads})
    batch = outbox.NewBatch(batch_id, as_of, "bench", "", "", "", 0, count, count, 0, 0)
    outbox.commit_batch(db, batch, table, table.select(["claim_id"]))
    channel.publish(batch_id, [Message(*pair) for pair in zip(ids, payloads, strict=True)])
    outbox.release(db, batch_id)


def measure_bulk(folder: Path, rows: int) -> None:
    """Print rows per CPU second for chunks of 50,000, of our own claims and of a foreign producer's."""
    for whose in ("ours", "foreign"):
        db, channel = SimulationDatabase(folder / f"{whose}.duckdb"), open_channel(f"jsonl://{folder / whose}")
        elsewhere = db if whose == "ours" else SimulationDatabase(folder / "elsewhere.duckdb")
        for number in range(rows // 10_000):
            publish_batch(elsewhere, channel, 10_000, datetime.now(UTC) + timedelta(seconds=number))
        cpu, wall = time.process_time(), time.perf_counter()
        result = stream.ingest(db, channel)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        channel.close()
        assert (result.rows, result.duplicates, result.dead_letters) == (rows, 0, 0), result
        print(f"bulk, {whose}: {rows:,} claims in {cpu:.2f} CPU s ({wall:.2f} s): {rows / cpu:,.0f} claims per CPU s")


def measure_small(folder: Path, rows: int, repeats: int = 9) -> dict[str, float]:
    """Print and return the median CPU milliseconds of ingesting 10 claims beside `rows` stored ones."""
    db, channel = SimulationDatabase(folder / f"{rows}.duckdb"), open_channel(f"jsonl://{folder / f'channel{rows}'}")
    fill(db, rows)
    foreign = SimulationDatabase(folder / f"elsewhere{rows}.duckdb")
    medians = {}
    for whose, outbox_db in (("ours", db), ("foreign", foreign)):
        costs = []
        for _ in range(repeats):
            for _ in range(2):
                publish_batch(outbox_db, channel, 5, datetime.now(UTC))
            cpu = time.process_time()
            result = stream.ingest(db, channel)
            costs.append((time.process_time() - cpu) * 1000)
            assert result.rows == 10, result
        medians[whose] = statistics.median(costs)
        print(f"10 claims, {whose}, beside {rows:,} stored: {medians[whose]:.0f} CPU ms (median of {repeats})")
    channel.close()
    return medians


def main() -> None:
    """Run the measurements that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="claims of the bulk measurement")
    parser.add_argument("--large", action="store_true", help="measure beside 10 M stored rows too (about 3 GB of disk)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure_bulk(Path(name), options.rows)
        small = measure_small(Path(name), 100_000)
        if options.large:
            large = measure_small(Path(name), 10_000_000)
            for whose, cost in large.items():
                print(f"10 M beside 0.1 M, {whose}: {cost / small[whose]:.2f} times")


if __name__ == "__main__":
    main()
