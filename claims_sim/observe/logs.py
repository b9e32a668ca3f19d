"""Logs of long-lived commands, on stderr: one line for people, or one JSON object a line."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

LogFormat = Literal["text", "json"]
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger and message, and whatever the call gave as `extra`."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        return json.dumps(line, default=str, ensure_ascii=False)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Time, level and message, then whatever the call gave as `extra`, as name=value."""
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line = super().format(record)
        return " ".join((line, *(f"{name}={value}" for name, value in fields.items())))


class _OwnLines(logging.StreamHandler[TextIO]):
    def format(self, record: logging.LogRecord) -> str:
        """On a terminal, in the place of the progress line that may stand there; that one is drawn again."""
        line = super().format(record)
        return f"\r\x1b[K{line}" if self.stream.isatty() else line


def configure(form: LogFormat, *, verbose: bool = False) -> None:
    """Send our logs to stderr in `form`; `verbose` tells of every batch."""
    handler = _OwnLines(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("claims_sim")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False
