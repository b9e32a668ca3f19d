"""An object store in memory that speaks enough of S3 for a broker to keep its messages in: they outlive its process."""

import hashlib
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class ObjectStore:
    """Serves one bucket on a free port of loopback until `stop`."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.guard = threading.Lock()
        store = self

        class Handler(_Handler):
            objects, guard = store.objects, store.guard

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A broker that is killed leaves its connections as they are."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    objects: dict[str, tuple[bytes, str]]
    guard: threading.Lock

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        key, query = self._target()
        if "list-type" in query:
            self._list(query)
            return
        found = self.objects.get(key)
        if found is None:
            self._answer(404)
        elif self.headers.get("If-None-Match", "") == found[1]:
            self._answer(304, headers={"ETag": found[1]})
        else:
            content, status, more = found[0], 200, {}
            if (asked := self.headers.get("Range", "")).startswith("bytes="):
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start = int(first) if first else max(0, len(content) - int(last))
                stop = int(last) + 1 if first and last else len(content)
                more = {"Content-Range": f"bytes {start}-{min(stop, len(content)) - 1}/{len(content)}"}
                content, status = content[start:stop], 206
            self._answer(status, content, {"ETag": found[1], "Last-Modified": formatdate(usegmt=True), **more})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        key, _ = self._target()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.guard:
            there = self.objects.get(key)
            if source := self.headers.get("x-amz-copy-source"):
                body = self.objects[unquote(source).strip("/").partition("/")[2]][0]
            if (self.headers.get("If-None-Match") == "*" and there) or (
                (wanted := self.headers.get("If-Match")) and (there is None or there[1] != wanted)
            ):
                self._answer(412)
                return
            etag = f'"{hashlib.md5(body).hexdigest()}"'
            self.objects[key] = (body, etag)
        self._answer(200, headers={"ETag": etag})

    def do_DELETE(self) -> None:
        with self.guard:
            self.objects.pop(self._target()[0], None)
        self._answer(204)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(501)

    def _target(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(parts.path).strip("/").partition("/")[2], parse_qs(parts.query, keep_blank_values=True)

    def _list(self, query: dict[str, list[str]]) -> None:
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        after = query.get("start-after", [""])[0]
        with self.guard:
            keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
            sizes = {key: (len(self.objects[key][0]), self.objects[key][1]) for key in keys}
        folders = set()
        if delimiter:
            folders = {
                prefix + key[len(prefix) :].partition(delimiter)[0] + delimiter
                for key in keys
                if delimiter in key[len(prefix) :]
            }
            keys = [key for key in keys if delimiter not in key[len(prefix) :]]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(sizes[key][1])}</ETag><Size>{sizes[key][0]}</Size></Contents>"
            for key in keys
        )
        common = "".join(f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>" for f in sorted(folders))
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>false</IsTruncated>'
            f"<KeyCount>{len(keys) + len(folders)}</KeyCount>{contents}{common}</ListBucketResult>"
        )
        self._answer(200, body.encode(), {"Content-Type": "application/xml"})

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)
