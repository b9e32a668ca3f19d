"""What every channel promises, whatever it is made of."""

import pytest

from claims_sim.channels import Message
from claims_sim.channels.contract import LINES_SCHEMA
from claims_sim.errors import ChannelError


def messages(first: int, count: int) -> list[Message]:
    return [Message(f"SIM-{i}", f'{{"claim_id":"SIM-{i}"}}') for i in range(first, first + count)]


def payloads(channel, after: str, limit: int = 1_000) -> list[str]:
    found = []
    while True:
        reading = channel.read(after, limit)
        if not len(reading.lines) and reading.position == after:
            return found
        found += [raw.decode() for raw in reading.lines["raw"].to_pylist()]
        after = reading.position


def test_what_is_published_is_read_in_order(channel):
    sent = messages(0, 7)
    channel.publish("b1", sent)
    assert payloads(channel, channel.start) == [message.payload for message in sent]


def test_a_reading_follows_the_schema_of_lines(channel):
    channel.publish("b1", messages(0, 2))
    lines = channel.read(channel.start, 10).lines
    assert lines.schema.equals(LINES_SCHEMA)
    assert lines["size"].to_pylist() == [len(raw) for raw in lines["raw"].to_pylist()]


def test_an_empty_channel_reads_as_nothing_and_stays_at_its_start(channel):
    reading = channel.read(channel.start, 10)
    assert (len(reading.lines), reading.position, channel.lag(channel.start)) == (0, channel.start, 0)


def test_reading_goes_on_where_the_last_reading_ended(channel):
    channel.publish("b1", messages(0, 5))
    first = channel.read(channel.start, 2)
    channel.publish("b2", messages(5, 3))
    rest = payloads(channel, first.position, 2)
    assert [raw.decode() for raw in first.lines["raw"].to_pylist()] + rest == [m.payload for m in messages(0, 8)]


def test_a_read_returns_no_more_than_its_limit(channel):
    channel.publish("b1", messages(0, 9))
    assert len(channel.read(channel.start, 4).lines) == 4


def test_the_same_position_reads_the_same_again(channel):
    channel.publish("b1", messages(0, 5))
    assert channel.read(channel.start, 3) == channel.read(channel.start, 3)


def test_positions_of_messages_are_unique(channel):
    for batch in range(5):
        channel.publish(f"b{batch}", messages(batch * 30, 30))
    position, seen = channel.start, []
    while len((reading := channel.read(position, 7)).lines):
        seen += reading.lines["position"].to_pylist()
        position = reading.position
    assert len(seen) == len(set(seen)) == 150


def test_a_batch_published_twice_is_there_twice(channel):
    channel.publish("b1", messages(0, 2))
    channel.publish("b1", messages(0, 2))
    assert len(payloads(channel, channel.start)) == 4


def test_an_empty_batch_is_no_message(channel):
    channel.publish("b1", [])
    assert payloads(channel, channel.start) == []


def test_lag_falls_to_nothing_when_all_is_read(channel):
    channel.publish("b1", messages(0, 100))
    assert channel.lag(channel.start) > 0
    position = channel.start
    while len((reading := channel.read(position, 30)).lines):
        assert channel.lag(reading.position) < channel.lag(position)
        position = reading.position
    assert channel.lag(position) == 0


def test_name_and_start_are_the_same_in_every_opening(open_one):
    assert (open_one().name, open_one().start) == (open_one().name, open_one().start)


def test_another_opening_reads_what_this_one_published(open_one):
    writer, reader = open_one(), open_one()
    writer.publish("b1", messages(0, 3))
    assert len(payloads(reader, reader.start)) == 3


def test_a_closed_channel_publishes_again(channel):
    channel.publish("b1", messages(0, 1))
    channel.close()
    channel.close()
    channel.publish("b2", messages(1, 1))
    assert len(payloads(channel, channel.start)) == 2


def test_text_of_any_language_survives(channel):
    text = '{"claim_id":"x","label":"Persalinan lama – 分娩 🤰 \\u0007"}'
    channel.publish("b1", [Message("x", text)])
    assert payloads(channel, channel.start) == [text]


@pytest.mark.parametrize("position", ["", "nonsense", "42", "000001"])
def test_a_position_of_another_kind_is_an_error(channel, position):
    with pytest.raises(ChannelError):
        channel.read(position, 10)


def test_the_description_is_one_line(channel):
    assert channel.describe()
    assert "\n" not in channel.describe()
