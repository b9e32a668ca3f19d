"""What is particular to Redis: trimming, emptied and rolled-back servers, logins, and what producers of others leave."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from claims_sim.channels import Access, Message, open_channel
from claims_sim.channels.contract import MAX_LINE_BYTES
from claims_sim.errors import ChannelError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.stream import ingest
from claims_sim_tests import servers


def messages(first: int, count: int) -> list[Message]:
    return [Message(f"SIM-{i}", f'{{"claim_id":"SIM-{i}"}}') for i in range(first, first + count)]


@pytest.fixture
def client(redis_server):
    with redis.Redis(port=redis_server.port) as opened:
        yield opened


@pytest.fixture
def channel(redis_url):
    opened = open_channel(redis_url)
    yield opened
    opened.close()


@pytest.fixture
def stream(redis_url) -> str:
    return parse_qs(urlsplit(redis_url).query)["stream"][0]


def test_an_entry_tells_claim_batch_schema_and_content_type(channel, client, stream):
    channel.publish("b1", messages(0, 1))
    [(_, fields)] = client.xrange(stream)
    assert {key.decode(): value.decode() for key, value in fields.items()} == {
        "claim_id": "SIM-0",
        "payload": '{"claim_id":"SIM-0"}',
        "batch_id": "b1",
        "schema": "claim/1",
        "content_type": "application/json",
    }


def test_trimming_leaves_what_is_unread_however_long(redis_url, client, stream):
    channel = open_channel(f"{redis_url}&maxlen=100")
    channel.publish("b1", messages(0, 1_000))
    channel.settle(channel.start)
    assert client.xlen(stream) == 1_000
    position = channel.read(channel.start, 550).position
    channel.settle(position)
    assert client.xlen(stream) >= 450
    rest = channel.read(position, 1_000)
    assert (len(rest.lines), rest.notes) == (450, ())
    channel.settle(rest.position)
    assert 100 <= client.xlen(stream) <= 200
    channel.close()


def test_ingestion_keeps_the_stream_bounded_and_one_who_may_only_read_says_that_it_cannot(
    redis_url, client, stream, tmp_path
):
    url = f"{redis_url}&maxlen=100"
    writer, db = open_channel(url), SimulationDatabase(tmp_path / "sim.duckdb")
    for number in range(5):
        writer.publish(f"b{number}", messages(number * 200, 200))
        ingest(db, writer)
        assert client.xlen(stream) <= 200
    client.acl_setuser(
        f"follower-{stream}",
        enabled=True,
        passwords=["+pw"],
        keys=[f"%R~{stream}"],
        commands=["+xread", "+xinfo", "+multi", "+exec"],
    )
    follower = open_channel(url, access=Access(f"follower-{stream}", "pw"))
    writer.publish("b", messages(1_000, 200))
    done = ingest(SimulationDatabase(tmp_path / "other.duckdb"), follower)
    assert done.dead_letters >= 200
    assert [note for note in done.notes if "could not be settled" in note]
    for channel in (writer, follower):
        channel.close()


def test_entries_removed_before_they_were_read_are_told_with_their_number(channel, client, stream):
    channel.publish("b1", messages(0, 10))
    position = channel.read(channel.start, 4).position
    client.xtrim(stream, maxlen=3, approximate=False)
    reading = channel.read(position, 100)
    assert len(reading.lines) == 3
    assert [note for note in reading.notes if note.startswith("3 entries of redis://")]
    assert channel.lag(reading.position) == 0
    assert channel.read(reading.position, 100).notes == ()


def test_a_stream_that_was_trimmed_before_we_came_is_no_loss(channel, client, stream):
    channel.publish("b1", messages(0, 10))
    client.xtrim(stream, maxlen=3, approximate=False)
    reading = channel.read(channel.start, 100)
    assert (len(reading.lines), reading.notes, channel.lag(reading.position)) == (3, (), 0)


def test_a_stream_older_than_what_was_read_is_read_from_its_beginning(channel, client, stream):
    channel.publish("b1", messages(0, 5))
    position = channel.read(channel.start, 100).position
    client.delete(stream)
    channel.publish("b1", messages(0, 2))
    assert channel.lag(position) == 2
    reading = channel.read(position, 100)
    assert len(reading.lines) == 2
    assert "read again from its beginning" in reading.notes[0]


def test_an_emptied_server_is_another_channel(redis_url, channel, client, stream):
    channel.publish("b1", messages(0, 5))
    name = channel.name
    client.delete(stream, f"{stream}:claims_sim")
    with pytest.raises(ChannelError, match="emptied meanwhile"):
        channel.read(channel.start, 10)
    again = open_channel(redis_url)
    assert again.name != name
    again.close()


def test_an_entry_without_a_payload_is_given_as_a_whole(channel, client, stream):
    client.xadd(stream, {"id": "7", "what": "no claim"})
    assert json.loads(channel.read(channel.start, 1).lines["raw"][0].as_py()) == {"id": "7", "what": "no claim"}


def test_an_oversize_payload_is_cut_and_keeps_its_size(channel, client, stream):
    client.xadd(stream, {"payload": b"x" * (MAX_LINE_BYTES + 5)})
    lines = channel.read(channel.start, 1).lines
    assert lines["size"].to_pylist() == [MAX_LINE_BYTES + 5]
    assert len(lines["raw"][0].as_py()) == 64 * 1024


def test_a_key_that_is_no_stream_is_a_clear_error(channel, client, stream):
    client.set(stream, "x")
    for attempt in (lambda: channel.publish("b1", messages(0, 1)), lambda: channel.read("0-0:0", 1)):
        with pytest.raises(ChannelError, match="no stream"):
            attempt()


def test_no_server_is_one_line_that_says_where():
    channel = open_channel(f"redis://127.0.0.1:{servers.free_port()}/0", access=Access(timeout_s=1))
    with pytest.raises(
        ChannelError, match=r"redis://127\.0\.0\.1:\d+/0, stream claims: the server cannot be reached"
    ) as caught:
        channel.read(channel.start, 1)
    assert "\n" not in str(caught.value)


def test_a_server_that_hangs_is_told_after_the_time_out(redis_server):
    import os
    import signal

    frozen = servers.start_redis()
    try:
        channel = open_channel(f"redis://127.0.0.1:{frozen.port}/0", access=Access(timeout_s=0.5))
        os.kill(frozen.process.pid, signal.SIGSTOP)
        with pytest.raises(ChannelError, match=r"did not answer within 0\.5 s"):
            channel.publish("b1", messages(0, 1))
        channel.close()
    finally:
        frozen.stop()


def test_a_login_is_asked_for_and_a_wrong_one_is_told_without_it():
    locked = servers.start_redis("--requirepass", "right one")
    try:
        url = f"redis://127.0.0.1:{locked.port}/0"
        good = open_channel(url, access=Access(password="right one"))
        good.publish("b1", messages(0, 1))
        good.close()
        for access in (Access(), Access(password="wrong one"), Access(username="nobody", password="wrong one")):
            channel = open_channel(url, access=access)
            with pytest.raises(ChannelError, match="refuses the login: check CLAIMS_SIM_CHANNEL_USERNAME") as caught:
                channel.publish("b1", messages(0, 1))
            assert "wrong one" not in str(caught.value) + repr(access)
            channel.close()
    finally:
        locked.stop()


def test_one_who_may_only_read_reads(redis_server, redis_url, channel, client, stream):
    channel.publish("b1", messages(0, 3))
    client.acl_setuser(
        f"reader-{stream}",
        enabled=True,
        passwords=["+pw"],
        keys=[f"%R~{stream}"],
        commands=["+xread", "+xinfo", "+multi", "+exec"],
    )
    reader = open_channel(redis_url, access=Access(f"reader-{stream}", "pw"))
    assert len(reader.read(reader.start, 10).lines) == 3
    with pytest.raises(ChannelError, match="the user may not do this"):
        reader.publish("b1", messages(0, 1))
    reader.close()
