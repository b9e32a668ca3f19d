"""What is particular to Kafka: partitions, keys and headers, topics made and made anew, logins, a broker that is away."""

import re

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from claims_sim.channels import Access, Message, open_channel
from claims_sim.errors import ChannelError
from claims_sim_tests import servers
from claims_sim_tests.object_store import ObjectStore


def messages(first: int, count: int) -> list[Message]:
    return [Message(f"SIM-{i}", f'{{"claim_id":"SIM-{i}"}}') for i in range(first, first + count)]


@pytest.fixture
def channel(kafka_url):
    opened = open_channel(kafka_url)
    yield opened
    opened.close()


def topic_of(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]


def admin(server) -> AdminClient:
    return AdminClient({"bootstrap.servers": f"127.0.0.1:{server.port}", "log_level": 0})


def everything(channel, position: str, limit: int) -> tuple[list[str], list[str], str]:
    positions, payloads = [], []
    while len((reading := channel.read(position, limit)).lines):
        positions += reading.lines["position"].to_pylist()
        payloads += [raw.decode() for raw in reading.lines["raw"].to_pylist()]
        position = reading.position
    return positions, payloads, position


def test_a_missing_topic_is_made_with_its_partitions(kafka_server, kafka_url):
    channel = open_channel(f"{kafka_url}?partitions=5")
    assert "5 partitions" in channel.describe()
    found = admin(kafka_server).list_topics(timeout=60).topics[topic_of(kafka_url)]
    assert sorted(found.partitions) == [0, 1, 2, 3, 4]
    channel.close()


def test_a_message_carries_key_and_headers(kafka_server, kafka_url):
    channel = open_channel(f"{kafka_url}?partitions=1")
    channel.publish("b1", messages(0, 1))
    reader = Consumer({"bootstrap.servers": f"127.0.0.1:{kafka_server.port}", "group.id": "t", "log_level": 0})
    reader.assign([TopicPartition(topic_of(kafka_url), 0, 0)])
    message = reader.poll(60)
    assert message.key() == b"SIM-0"
    assert dict(message.headers()) == {
        "batch_id": b"b1",
        "schema": b"claim/1",
        "content_type": b"application/json",
    }
    reader.close()
    channel.close()


def test_every_partition_is_read_once_whatever_the_limit(channel):
    for number in range(4):
        channel.publish(f"b{number}", messages(number * 50, 50))
    positions, payloads, position = everything(channel, channel.start, 7)
    assert sorted(payloads) == sorted(message.payload for message in messages(0, 200))
    assert len({position.partition(":")[0] for position in positions}) == 3
    assert len(set(positions)) == 200
    assert channel.lag(position) == 0
    assert re.fullmatch(r"0:\d+,1:\d+,2:\d+", position)


def test_the_same_claim_goes_to_the_same_partition_in_order(channel):
    for number in range(5):
        channel.publish("b", [Message("SIM-1", f'{{"n":{number}}}')])
    positions, payloads, _ = everything(channel, channel.start, 100)
    assert payloads == [f'{{"n":{number}}}' for number in range(5)]
    assert len({position.partition(":")[0] for position in positions}) == 1


def test_reading_goes_on_in_another_process_from_the_position_alone(kafka_url, channel):
    channel.publish("b1", messages(0, 60))
    first = channel.read(channel.start, 20)
    other = open_channel(kafka_url)
    _, rest, _ = everything(other, first.position, 100)
    assert len(first.lines) + len(rest) == 60
    assert not {raw.decode() for raw in first.lines["raw"].to_pylist()} & set(rest)
    other.close()


def test_a_topic_made_anew_is_another_channel(kafka_server, kafka_url, channel):
    channel.publish("b1", messages(0, 9))
    name = channel.name
    deleter = admin(kafka_server)
    deleter.delete_topics([topic_of(kafka_url)])[topic_of(kafka_url)].result(60)
    again = open_channel(kafka_url)
    assert again.name != name
    with pytest.raises(ChannelError, match="made anew meanwhile"):
        channel.read("0:5", 10)
    assert channel.name == again.name
    assert len(everything(channel, channel.start, 10)[1]) == 0
    again.close()


def test_a_broker_that_was_killed_is_reached_again():
    own = servers.start_kafka()
    try:
        channel = open_channel(f"kafka://127.0.0.1:{own.port}/claims", access=Access(timeout_s=2))
        channel.publish("b1", messages(0, 3))
        name = channel.name
        own.kill()
        with pytest.raises(ChannelError, match="did not answer within 2 s"):
            channel.publish("b2", messages(3, 3))
        own.start()
        fresh = open_channel(f"kafka://127.0.0.1:{own.port}/claims", access=Access(timeout_s=60))
        assert fresh.name != name  # this broker forgets everything, so the topic is another one
        fresh.publish("b2", messages(3, 3))
        assert len(everything(fresh, fresh.start, 10)[1]) == 3
        fresh.close()
        channel.close()
    finally:
        own.stop()


@pytest.mark.parametrize("fault", ["_DESTROY_BROKER", "_ALL_BROKERS_DOWN", "_TRANSPORT", "_TIMED_OUT"])
def test_a_connection_lost_under_a_request_is_told_as_no_answer(channel, monkeypatch, fault):
    def lost(*_, **__):
        raise KafkaException(KafkaError(getattr(KafkaError, fault)))

    monkeypatch.setattr(AdminClient, "describe_topics", lost)
    with pytest.raises(ChannelError, match=r"did not answer within .* Is it running"):
        channel.publish("b1", messages(0, 3))


def test_a_broker_that_keeps_its_messages_is_the_same_channel_after_a_kill():
    store = ObjectStore()
    own = servers.start_kafka(store=store)
    try:
        channel = open_channel(f"kafka://127.0.0.1:{own.port}/claims", access=Access(timeout_s=60))
        channel.publish("b1", messages(0, 30))
        name, position = channel.name, channel.read(channel.start, 100).position
        own.kill()
        own.start()
        channel.publish("b2", messages(30, 3))
        assert channel.name == name
        assert len(everything(channel, position, 10)[1]) == 3
        assert len(everything(channel, channel.start, 10)[1]) == 33
        channel.close()
    finally:
        own.stop()
        store.stop()


def test_what_a_foreign_producer_sends_is_read(kafka_server, kafka_url, channel):
    assert channel.name
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{kafka_server.port}", "log_level": 0})
    producer.produce(topic_of(kafka_url), value=b'{"claim_id":"H-1"}')
    producer.produce(topic_of(kafka_url), value=b"\xff\xfe")
    assert producer.flush(60) == 0
    found = channel.read(channel.start, 10).lines["raw"].to_pylist()
    assert sorted(found) == [b'{"claim_id":"H-1"}', b"\xff\xfe"]


def test_no_broker_is_one_line_that_says_where():
    port = servers.free_port()
    channel = open_channel(f"kafka://127.0.0.1:{port}/claims", access=Access(timeout_s=1))
    with pytest.raises(ChannelError, match=rf"kafka://127\.0\.0\.1:{port}/claims: the broker did not answer") as caught:
        channel.publish("b1", messages(0, 1))
    assert "\n" not in str(caught.value)
    channel.close()


def test_login_and_trust_reach_the_client_and_nothing_else(tmp_path):
    from claims_sim.channels.kafka import KafkaAddress, _client_config

    address = KafkaAddress("host:9092", "claims", 3, -1, 168, "sasl_ssl", "SCRAM-SHA-256")
    config = _client_config(address, Access("me", "secret", tmp_path / "ca.pem"))
    assert {key: config[key] for key in config if "sasl" in key or "ssl" in key} == {
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "me",
        "sasl.password": "secret",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
    }
    assert config["security.protocol"] == "sasl_ssl"
    channel = open_channel("kafka://127.0.0.1:1/claims", access=Access("me", "secret", timeout_s=0.5))
    with pytest.raises(ChannelError) as caught:
        channel.read(channel.start, 1)
    assert "secret" not in str(caught.value)
    channel.close()
