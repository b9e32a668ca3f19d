"""The Kafka channel: one topic, read partition by partition from offsets that we keep; the broker keeps none of ours.

Positions are `partition:offset,…`, the next offset of every partition that was read; all of them move together. Order
holds within a partition, and a claim id always goes to the same one.
"""

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from claims_sim.channels.contract import (
    CONTENT_TYPE,
    MAX_LINE_BYTES,
    MAX_READ_BYTES,
    PAYLOAD_SCHEMA,
    Access,
    Message,
    Reading,
    encode_lines,
    lines_of,
)
from claims_sim.errors import ChannelError

_POSITION: Final = re.compile(r"\d{1,6}:\d{1,19}(,\d{1,6}:\d{1,19})*")
_PAGE: Final = 1_000
_FETCH_WAIT_S: Final = 0.05
# The client's names for its own errors begin with an underscore and are public all the same.
_LOGIN_FAULTS: Final = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)  # noqa: SLF001
_NO_SUCH_OFFSET: Final = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)  # noqa: SLF001
_NO_ANSWER: Final = frozenset(
    getattr(KafkaError, fault)
    for fault in (
        "_TIMED_OUT",
        "_TIMED_OUT_QUEUE",
        "_MSG_TIMED_OUT",
        "_TRANSPORT",
        "_ALL_BROKERS_DOWN",
        "_DESTROY_BROKER",  # the connection went away under the request
        "_RESOLVE",
    )
)
_EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_MAX_MESSAGE_BYTES: Final = 2 * MAX_LINE_BYTES


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Where the topic is, and how it is made when it is missing; a replication of -1 leaves it to the broker."""

    servers: str
    topic: str
    partitions: int
    replication: int
    retention_hours: int
    security: str
    mechanism: str


@dataclass(slots=True)
class _Catch:
    """What one read has so far; `waiting` are the partitions whose end was not met."""

    offsets: dict[int, int]
    waiting: set[int]
    positions: list[str] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    size: int = 0

    def add_message(self, message: Any) -> None:  # noqa: ANN401 - the client's own type
        partition, offset, value = message.partition(), message.offset(), message.value() or b""
        self.positions.append(f"{partition}:{offset:019d}")
        self.payloads.append(value)
        self.size += len(value) + 1
        self.offsets[partition] = offset + 1
        self.waiting.add(partition)

    def add_end(self, message: Any) -> None:  # noqa: ANN401
        partition = message.partition()
        # Beyond the last message where a transaction's marks follow it.
        self.offsets[partition] = max(message.offset(), self.offsets[partition])
        self.waiting.discard(partition)


class KafkaChannel:
    """The topic of `address`, made when it is missing."""

    unit: Final = "messages"

    def __init__(self, address: KafkaAddress, access: Access) -> None:
        self._address, self._timeout_s = address, access.timeout_s
        self._where = f"kafka://{address.servers}/{address.topic}"
        self._config = _client_config(address, access) | {"error_cb": self._note_error}
        self._login_fault = self._last_fault = ""
        self._admin: AdminClient | None = None
        self._producer: Producer | None = None
        self._consumer: Consumer | None = None
        self._identity = ""
        self._partitions: tuple[int, ...] = ()
        self._assigned: dict[int, int] = {}  # where the consumer will go on reading
        self._waiting: set[int] = set()  # partitions whose end the last read did not meet
        self._ends: dict[int, int] = {}  # ends that we have seen; a broker may tell of them later

    @property
    def name(self) -> str:
        """`kafka:`, the topic, and a part made from its id: a topic made anew is another channel."""
        self._identify()
        return f"kafka:{self._address.topic}:{self._identity}"

    @property
    def start(self) -> str:
        """The beginning of every partition."""
        return "0:0"

    def publish(self, batch_id: str, messages: Sequence[Message]) -> None:
        """Send the messages and wait until every in-sync replica has them. Raises ChannelError when one was not taken."""
        if not messages:
            return
        payloads = encode_lines(batch_id, messages).split(b"\n")[:-1]
        self._identify()
        headers: list[tuple[str, str | bytes | None]] = [
            ("batch_id", batch_id),
            ("schema", PAYLOAD_SCHEMA),
            ("content_type", CONTENT_TYPE),
        ]
        refused: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Any) -> None:  # noqa: ANN401 - the client's own type
            if error is not None:
                refused.append(error)
            else:
                self._saw_end(message.partition(), message.offset() + 1)

        with self._as_channel_errors():
            producer = self._open_producer()
            for message, payload in zip(messages, payloads, strict=True):
                while True:
                    try:
                        producer.produce(
                            self._address.topic,
                            value=payload,
                            key=message.claim_id.encode(),
                            headers=headers,
                            on_delivery=delivered,
                        )
                        break
                    except BufferError:  # its queue is full: let some go first
                        producer.poll(0.1)
            left = producer.flush(self._timeout_s + 1)
            if refused or left:
                self._close_producer()
                raise KafkaException(refused[0]) if refused else self._no_answer()

    def read(self, after: str, limit: int) -> Reading:
        """Up to `limit` messages (and about MAX_READ_BYTES) after `after`: what the broker has now."""
        position, notes = _parse(after), list[str]()
        self._identify()
        with self._as_channel_errors():
            consumer = self._consumer_at(position, notes)
            caught = _Catch(dict(self._assigned), set(self._waiting))
            deadline = time.monotonic() + self._timeout_s
            # The end is where the broker says, partition by partition, that nothing follows; never a watermark asked for.
            while (
                caught.waiting and (left := max(1, limit) - len(caught.payloads)) > 0 and caught.size < MAX_READ_BYTES
            ):
                for message in consumer.consume(min(_PAGE, left), _FETCH_WAIT_S):
                    if (error := message.error()) is None:
                        caught.add_message(message)
                    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                        caught.add_end(message)
                    elif error.code() in _NO_SUCH_OFFSET:
                        self._begin_again(consumer, int(message.partition() or 0), caught.offsets, notes)
                    else:
                        raise KafkaException(error)
                    deadline = time.monotonic() + self._timeout_s
                if self._login_fault or time.monotonic() > deadline:
                    if caught.payloads:
                        break
                    self._close_consumer()
                    raise self._no_answer()
        self._assigned, self._waiting = caught.offsets, caught.waiting
        for partition, offset in caught.offsets.items():
            self._saw_end(partition, offset)
        return Reading(lines_of(caught.positions, caught.payloads), _position(caught.offsets), tuple(notes))

    def lag(self, after: str) -> int:
        """Unread messages after `after`, over all partitions."""
        offsets = _parse(after)
        self._identify()
        begins, ends = self._bounds(_EARLIEST), self._bounds(_LATEST)
        for partition, end in ends.items():
            self._saw_end(partition, end)
        return sum(max(0, self._ends.get(p, 0) - max(offsets.get(p, 0), begins.get(p, 0))) for p in self._partitions)

    def settle(self, position: str) -> None:
        """Nothing: a topic's retention is the broker's work."""

    def describe(self) -> str:
        """The servers, the topic and its partitions."""
        self._identify()
        return f"Kafka, {self._where}: {len(self._partitions)} partitions, security {self._address.security}"

    def close(self) -> None:
        """Close the connections."""
        self._close_consumer()
        self._close_producer()
        self._admin = None

    def _identify(self) -> None:
        """Learn topic id and partitions, making the topic when it is missing; ChannelError when it is another than before."""
        with self._as_channel_errors():
            try:
                topic = self._describe_topic()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
                self._make_topic()
                topic = self._describe_topic()
        identity = hashlib.sha256(str(topic.topic_id or self._where).encode()).hexdigest()[:8]
        self._partitions = tuple(sorted(partition.id for partition in topic.partitions))
        if self._identity and identity != self._identity:
            self.close()
            self._identity, self._ends = "", {}
            raise ChannelError(f"{self._where} was made anew meanwhile: it counts as a new channel. Try again.")
        self._identity = identity

    def _describe_topic(self) -> Any:  # noqa: ANN401 - the client's own type
        topic = self._address.topic
        return self._result(self._client().describe_topics(TopicCollection([topic]), **self._patience())[topic])

    def _make_topic(self) -> None:
        address = self._address
        config = {
            "retention.ms": str(address.retention_hours * 3_600_000),
            "max.message.bytes": str(_MAX_MESSAGE_BYTES),
            "cleanup.policy": "delete",
        }
        topic = NewTopic(address.topic, address.partitions, address.replication, config=config)
        try:
            self._result(self._client().create_topics([topic], **self._patience())[address.topic])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        # Its partitions get their leaders a moment later.
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            try:
                self._describe_topic()
            except KafkaException:
                time.sleep(_FETCH_WAIT_S)
            else:
                return

    def _consumer_at(self, offsets: dict[int, int], notes: list[str]) -> Consumer:
        """A consumer that goes on at `offsets`; partitions that are not named begin at 0."""
        wanted = {partition: offsets.get(partition, 0) for partition in self._partitions}
        # The end of a partition is told once: after all were met, only an assignment has them told again.
        if self._consumer is not None and self._waiting and wanted == self._assigned:
            return self._consumer
        for partition, first in self._bounds(_EARLIEST).items():
            if wanted[partition] < first:
                if any(wanted.values()):
                    removed = first - wanted[partition]
                    notes.append(
                        f"{removed} messages of {self._where}, partition {partition}, were removed before they were read."
                    )
                wanted[partition] = first
        consumer = self._open_consumer()
        consumer.assign([TopicPartition(self._address.topic, *place) for place in wanted.items()])
        self._assigned, self._waiting = wanted, set(wanted)
        return consumer

    def _begin_again(self, consumer: Consumer, partition: int, offsets: dict[int, int], notes: list[str]) -> None:
        """The broker has no such offset (any more): go to the oldest that it has."""
        offsets[partition] = self._bounds(_EARLIEST)[partition]
        notes.append(
            f"Partition {partition} of {self._where} is not what was read of it: it is read again from its beginning."
        )
        consumer.assign([TopicPartition(self._address.topic, *place) for place in offsets.items()])

    def _bounds(self, which: OffsetSpec) -> dict[int, int]:
        """The earliest or latest offset of every partition."""
        asked = {TopicPartition(self._address.topic, partition): which for partition in self._partitions}
        with self._as_channel_errors():
            found = self._client().list_offsets(asked, request_timeout=self._timeout_s)
            return {place.partition: self._result(future).offset for place, future in found.items()}

    def _saw_end(self, partition: int, end: int) -> None:
        self._ends[partition] = max(end, self._ends.get(partition, 0))

    def _client(self) -> AdminClient:
        if self._admin is None:  # the client's objects have a length, which is often 0: never ask them for truth
            self._admin = AdminClient(self._config)
        return self._admin

    def _patience(self) -> dict[str, float]:
        return {"request_timeout": self._timeout_s}

    def _result(self, future: "Future[Any]") -> Any:  # noqa: ANN401 - whatever was asked for
        """The answer; raised at once when the login is refused, which the client itself would try again and again."""
        deadline = time.monotonic() + self._timeout_s + 1
        while not future.done():
            self._client().poll(0.02)
            if self._login_fault or time.monotonic() > deadline:
                raise self._no_answer()
        return future.result()

    def _note_error(self, error: KafkaError) -> None:
        self._last_fault = error.str()
        if error.code() in _LOGIN_FAULTS:
            self._login_fault = error.str()

    def _no_answer(self) -> ChannelError:
        if self._login_fault:
            self._login_fault = ""
            return ChannelError(
                f"{self._where}: the broker refuses the login: check CLAIMS_SIM_CHANNEL_USERNAME, "
                "CLAIMS_SIM_CHANNEL_PASSWORD, and mechanism and security in the channel's address."
            )
        said = f" ({' '.join(self._last_fault.split())[:200]})" if self._last_fault else ""
        return ChannelError(
            f"{self._where}: the broker did not answer within {self._timeout_s:g} s{said}. Is it running?"
        )

    def _open_producer(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                self._config
                | {
                    "enable.idempotence": True,
                    "acks": "all",
                    "linger.ms": 5,
                    "message.max.bytes": _MAX_MESSAGE_BYTES,
                    "delivery.timeout.ms": int(self._timeout_s * 1000),
                }
            )
        return self._producer

    def _open_consumer(self) -> Consumer:
        if self._consumer is None:
            self._consumer = Consumer(
                self._config
                | {
                    # A group is required by the client; nothing is ever committed to it.
                    "group.id": "claims_sim",
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "enable.partition.eof": True,
                    "auto.offset.reset": "error",
                    "isolation.level": "read_committed",
                    "fetch.wait.max.ms": int(_FETCH_WAIT_S * 1000),
                    "fetch.message.max.bytes": _MAX_MESSAGE_BYTES,
                    "queued.max.messages.kbytes": MAX_READ_BYTES // 1024,
                }
            )
        return self._consumer

    def _close_consumer(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer, self._assigned = None, {}

    def _close_producer(self) -> None:
        if self._producer is not None:
            self._producer.purge()  # what was refused must not be sent later, behind the relay's back
            self._producer.flush(0)
            self._producer = None

    @contextmanager
    def _as_channel_errors(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            fault: KafkaError = error.args[0]
            if fault.code() in _NO_ANSWER:
                raise self._no_answer() from None
            if "ssl.ca.location" in fault.str():
                raise ChannelError(f"{self._where}: CLAIMS_SIM_CHANNEL_CA_FILE is no readable certificate.") from None
            raise ChannelError(f"{self._where}: {fault.name()}: {fault.str()[:200]}") from None


def _client_config(address: KafkaAddress, access: Access) -> dict[str, Any]:
    config: dict[str, Any] = {
        "bootstrap.servers": address.servers,
        "client.id": "claims_sim",
        "security.protocol": address.security,
        "socket.timeout.ms": int(access.timeout_s * 1000),
        "socket.connection.setup.timeout.ms": int(max(1.0, access.timeout_s) * 1000),
        "session.timeout.ms": 6_000,
        "allow.auto.create.topics": False,
        "log_level": 0,  # what matters is raised
    }
    if address.security.startswith("sasl"):
        config |= {"sasl.mechanism": address.mechanism, "sasl.username": access.username}
        config |= {"sasl.password": access.password}
    if address.security.endswith("ssl") and access.ca_file:
        config["ssl.ca.location"] = str(access.ca_file)
    return config


def _parse(position: str) -> dict[int, int]:
    if not _POSITION.fullmatch(position):
        raise ChannelError(f"'{position[:40]}' is no position of a kafka channel (partition:offset,…): another kind's.")
    pairs = (part.split(":") for part in position.split(","))
    return {int(partition): int(offset) for partition, offset in pairs}


def _position(offsets: dict[int, int]) -> str:
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(offsets.items()))
