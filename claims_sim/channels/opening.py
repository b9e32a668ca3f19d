"""Open the channel that a URL names. Holds what a URL may say; secrets never stand in it."""

from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from claims_sim.channels.contract import SEGMENT_BYTES, Access, Channel
from claims_sim.errors import ChannelError

_FORMS: Final = {
    "jsonl": "Write jsonl:///path/to/folder, or jsonl:folder for a relative one.",
    "redis": "Write redis://host:port/db?stream=name&maxlen=100000 (rediss:// for TLS).",
    "kafka": (
        "Write kafka://host:port,host2:port/topic?partitions=3&replication=1&retention_hours=168"
        "&security=plaintext|ssl|sasl_plaintext|sasl_ssl&mechanism=PLAIN|SCRAM-SHA-256|SCRAM-SHA-512."
    ),
}
_SECURITY: Final = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def open_channel(url: str, *, access: Access | None = None, segment_bytes: int = SEGMENT_BYTES) -> Channel:
    """The channel behind `url`: a folder (`jsonl:`), a Redis stream (`redis:`, `rediss:`) or a Kafka topic (`kafka:`).

    Nothing is connected yet. Raises ChannelError for another kind, for what an address of that kind cannot say, and when
    the client library is missing; the URL itself may hold a password by mistake and is never repeated.
    """
    scheme, separator, _ = url.partition(":")
    kind = scheme.lower() if separator else ""
    folder = jsonl_folder(url)
    if folder is not None:
        return _open_jsonl(folder, segment_bytes)
    if kind in ("redis", "rediss"):
        return _open_redis(url, access or Access(), is_tls=kind == "rediss")
    if kind == "kafka":
        return _open_kafka(url, access or Access())
    shown = kind if kind.isalnum() and len(kind) <= 20 else "(none)"
    raise ChannelError(
        f"A channel of kind {shown} does not exist. The kinds are: jsonl, redis, kafka. {_FORMS['jsonl']}"
    )


def jsonl_folder(url: str) -> Path | None:
    """The folder of a `jsonl:` channel; None for another kind. Raises ChannelError when it names none."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() != "jsonl":
        return None
    if rest.startswith("//"):
        parts = urlsplit(url)
        if parts.netloc:
            raise ChannelError(f"A jsonl channel has no host. {_FORMS['jsonl']}")
        rest = parts.path
    path = unquote(rest)
    if not path.strip("/"):
        raise ChannelError(f"A jsonl channel needs a folder. {_FORMS['jsonl']}")
    return Path(path)


def _open_jsonl(folder: Path, segment_bytes: int) -> Channel:
    # Each kind builds on the contract, and one that is not used need not be importable.
    from claims_sim.channels.jsonl import JsonlChannel  # noqa: PLC0415

    return JsonlChannel(folder, segment_bytes=segment_bytes)


def _open_redis(url: str, access: Access, *, is_tls: bool) -> Channel:
    parts = _server_address(url, "redis")
    options = _options(parts, "redis", ("stream", "maxlen"))
    host, port = _host_and_port(parts.netloc, 6379, "redis")
    database = _number(parts.path.strip("/") or "0", "the database's number", "redis", low=0)
    bound = _number(options.get("maxlen", "100000"), "maxlen", "redis")
    try:
        from claims_sim.channels.redis_streams import RedisChannel  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing_client("redis", "redis", error) from None
    return RedisChannel(host, port, database, options.get("stream") or "claims", bound, access, is_tls=is_tls)


def _open_kafka(url: str, access: Access) -> Channel:
    parts = _server_address(url, "kafka")
    options = _options(parts, "kafka", ("partitions", "replication", "retention_hours", "security", "mechanism"))
    servers = [_host_and_port(server, 9092, "kafka") for server in parts.netloc.split(",")]
    topic = unquote(parts.path.strip("/"))
    if not topic or len(topic) > 249 or not topic.replace(".", "").replace("_", "").replace("-", "").isalnum():
        raise ChannelError(f"A kafka channel needs a topic: letters, digits, '.', '_' and '-'. {_FORMS['kafka']}")
    security = options.get("security", "sasl_ssl" if access.username else "plaintext").lower()
    mechanism = options.get("mechanism", "PLAIN").upper()
    if security not in _SECURITY or mechanism not in _MECHANISMS:
        raise ChannelError(f"A kafka channel's security or mechanism is none that exists. {_FORMS['kafka']}")
    try:
        from claims_sim.channels.kafka import KafkaAddress, KafkaChannel  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing_client("kafka", "confluent_kafka", error) from None
    address = KafkaAddress(
        servers=",".join(f"{host}:{port}" for host, port in servers),
        topic=topic,
        partitions=_number(options.get("partitions", "3"), "partitions", "kafka"),
        replication=_number(options["replication"], "replication", "kafka") if "replication" in options else -1,
        retention_hours=_number(options.get("retention_hours", "168"), "retention_hours", "kafka"),
        security=security,
        mechanism=mechanism,
    )
    return KafkaChannel(address, access)


def _server_address(url: str, kind: str) -> SplitResult:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ChannelError(
            "A channel's address holds no user or password: "
            "put them into CLAIMS_SIM_CHANNEL_USERNAME and CLAIMS_SIM_CHANNEL_PASSWORD."
        )
    if not parts.netloc or parts.fragment:
        raise ChannelError(f"A {kind} channel needs a host. {_FORMS[kind]}")
    return parts


def _host_and_port(server: str, default: int, kind: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{server}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ChannelError(f"A {kind} channel's host or port cannot be read. {_FORMS[kind]}")
    return (f"[{host}]" if kind == "kafka" and ":" in host else host), port or default


def _options(parts: SplitResult, kind: str, known: tuple[str, ...]) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if any(name not in known for name in options):
        # A mistyped name may be a password's: it is not repeated.
        raise ChannelError(f"A {kind} channel's address says something unknown. {_FORMS[kind]}")
    return options


def _number(text: str, what: str, kind: str, low: int = 1) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text) <= 1_000_000_000):
        raise ChannelError(f"A {kind} channel's address: {what} is a number of at least {low}. {_FORMS[kind]}")
    return int(text)


def _missing_client(kind: str, module: str, error: ModuleNotFoundError) -> ChannelError | ModuleNotFoundError:
    if (error.name or "").partition(".")[0] != module:
        return error
    return ChannelError(f'A {kind} channel needs a client library: pip install "claims_sim[{kind}]"')
