"""A model server with faults to order, over a real socket: each request takes the script's next reply.

Its replies are what servers, gateways and models were seen to do: refuse, hang, drip, break off, babble, echo.
"""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = Callable[[BaseHTTPRequestHandler], None]


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def completion(content: object, finish: str = "stop", tokens: tuple[int, int] = (100, 5)) -> bytes:
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    document = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return json.dumps(document).encode()


def says(content: object, finish: str = "stop") -> Reply:
    text = content if isinstance(content, str) else json.dumps(content)
    return lambda handler: send(handler, 200, completion(text, finish))


def fails(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    return lambda handler: send(handler, status, body, **headers)


def drops(handler: BaseHTTPRequestHandler) -> None:
    """End the connection in the middle of a reply."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.wfile.flush()
    handler.connection.close()


def drips(handler: BaseHTTPRequestHandler) -> None:
    """Send white space for ever, as gateways do to keep a connection open."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    while not handler.server.script.closed.wait(0.05):
        try:
            handler.wfile.write(b" \n")
            handler.wfile.flush()
        except OSError:
            return


def drips_headers(handler: BaseHTTPRequestHandler) -> None:
    """Send one header after the other and never the reply itself."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.server.script.closed.wait(0.05):
        try:
            handler.wfile.write(b"X-Wait: 1\r\n")
            handler.wfile.flush()
        except OSError:
            return


def stalls(handler: BaseHTTPRequestHandler) -> None:
    """Begin the reply, and stop in the middle with the connection open."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.wfile.flush()
    handler.server.script.closed.wait(600)


def after(seconds: float, reply: Reply) -> Reply:
    """The reply, so much later."""

    def late(handler: BaseHTTPRequestHandler) -> None:
        if not handler.server.script.closed.wait(seconds):
            reply(handler)

    return late


def writes(handler: BaseHTTPRequestHandler) -> None:
    """Answer as a capable model would: what the schema allows, chosen by the request's seed."""
    asked = handler.asked
    schema = asked["response_format"]["json_schema"]["schema"]
    send(handler, 200, completion(json.dumps(_instance(schema, random.Random(asked.get("seed"))))))


def _instance(schema: dict, rng: random.Random) -> object:
    """A value that keeps the schema."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if schema["type"] == "integer":
        return rng.randint(schema["minimum"], schema["maximum"])
    if schema["type"] == "array":
        items = schema["items"].get("enum", [])
        return rng.sample(items, min(len(items), rng.randint(0, schema.get("maxItems", 3))))
    # Amounts depend on each other: the paid one comes last and stays under the claimed one.
    value = {name: _instance(part, rng) for name, part in schema["properties"].items()}
    if "amount_paid" in value:
        value["amount_paid"] = max(
            schema["properties"]["amount_paid"]["minimum"], min(value["amount_paid"], value["amount_claimed"])
        )
    return value


def echoes(handler: BaseHTTPRequestHandler) -> None:
    """Say what was asked, as small models do."""
    asked = handler.asked
    send(handler, 200, completion(asked["messages"][-1]["content"]))


def declines(handler: BaseHTTPRequestHandler) -> None:
    """Refuse in the field that is made for it."""
    document = json.loads(completion(None))
    document["choices"][0]["message"]["refusal"] = "I cannot help with medical claims."
    send(handler, 200, json.dumps(document).encode())


def hangs(handler: BaseHTTPRequestHandler) -> None:
    """Accept the request and never answer."""
    handler.server.script.closed.wait(600)


@dataclass
class Script:
    """What the server will say, and what it was asked."""

    replies: list[Reply] = field(default_factory=list)
    default: Reply | None = None
    requests: list[dict] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=lambda: ["first"])
    listing_status: int = 200
    closed: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    at_work: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self, *replies: Reply) -> None:
        self.replies.extend(replies)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        listed = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in self.server.script.models]
        body = json.dumps({"object": "list", "data": listed})
        send(self, self.server.script.listing_status, body.encode())

    def do_POST(self) -> None:
        script: Script = self.server.script
        self.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.requests.append(self.asked)
        script.headers.append(dict(self.headers))
        script.paths.append(self.path)
        with script.lock:
            reply = script.replies.pop(0) if script.replies else script.default
            script.at_work += 1
            script.most_at_once = max(script.most_at_once, script.at_work)
        assert reply is not None, "the script has no reply left"
        self.close_connection = True
        try:
            reply(self)
        finally:
            with script.lock:
                script.at_work -= 1

    def log_message(self, *_: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    script: Script

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is part of the script."""


@contextmanager
def fault_server(port: int = 0) -> Iterator[Script]:
    """A running server's script."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.script = Script(url=f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.script
    finally:
        server.script.closed.set()
        server.shutdown()
        thread.join()
        server.server_close()
