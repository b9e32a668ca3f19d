"""What a running local server says about itself in the state folder, and whether it still runs."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from claims_sim.llm.weights import write_atomically


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """One server process: `created` (of the process) tells it from a later one with the same pid.

    `port` is 0 while it is loading. `model` is the name that it answers under, which holds the weights' hash.
    """

    pid: int
    created: float
    port: int
    sha256: str
    model: str
    slots: int
    started: str

    @property
    def base_url(self) -> str:
        """The address of its OpenAI interface."""
        return f"http://127.0.0.1:{self.port}/v1"

    def process(self) -> psutil.Process | None:
        """The process, when it is alive and the very one that wrote the record."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def record_path(state_dir: Path) -> Path:
    """Where the record is kept."""
    return state_dir / "llm.json"


def read_record(state_dir: Path) -> ServerRecord | None:
    """The record, when there is one that can be read and its process is alive."""
    try:
        record = ServerRecord(**json.loads(record_path(state_dir).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return record if record.process() is not None else None


def write_record(state_dir: Path, record: ServerRecord) -> None:
    """Keep the record."""
    write_atomically(record_path(state_dir), json.dumps(asdict(record)))


def drop_record(state_dir: Path, pid: int) -> None:
    """Remove the record of process `pid`; another's stays."""
    with suppress(OSError, ValueError, AttributeError):
        path = record_path(state_dir)
        if json.loads(path.read_text(encoding="utf-8")).get("pid") == pid:
            path.unlink()
