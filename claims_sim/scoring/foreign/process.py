"""A foreign scorer in a process of its own, which gets a table and gives scores; it is given nothing else.

Its environment is empty but for what Python needs, its working folder an empty one, no file of ours is open in it, and
where Linux has Landlock it can reach neither the simulation's files nor, by TCP, anyone. The process is started at the
first table and kept for the next ones; one that fails or is late is ended, and started anew when it is asked again.
"""

import hashlib
import importlib.util
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from claims_sim.errors import ScorerError
from claims_sim.scoring.access import ScorerAccess
from claims_sim.scoring.foreign.allowed import fenced_roots, readable_paths
from claims_sim.scoring.protocol import VERDICTS, OpenedScorer, check_verdicts, claims_for_scorers

_CHILD: Final = Path(__file__).with_name("child.py")
_CLASS: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_KEPT_ENVIRONMENT: Final = {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_START_S: Final = 120.0  # at the most, for importing what a scorer needs
_GONE_S: Final = 5.0


def open_process(spec: str, access: ScorerAccess) -> "ProcessScorer":
    """The scorer `package.module:Class` or `joblib:path`. Raises ScorerError when it is not there or not allowed."""
    if spec.startswith("joblib:"):
        return ProcessScorer(spec, access, _joblib_order(spec, Path(spec.removeprefix("joblib:")), access))
    if not _CLASS.fullmatch(spec):
        raise ScorerError(
            f"{spec!r} names no scorer: write package.module:Class, joblib:path or http(s)://…, or leave it empty for ours."
        )
    return ProcessScorer(spec, access, _class_order(spec, access))


class ProcessScorer(OpenedScorer):
    """A scorer behind a pipe; `taken` says what the system took away from its process."""

    def __init__(self, spec: str, access: ScorerAccess, order: dict[str, Any]) -> None:
        self._spec, self._access, self._order = spec, access, order
        self._process: subprocess.Popen[bytes] | None = None
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._said: deque[str] = deque(maxlen=20)
        self.taken: tuple[str, ...] = ()
        try:
            greeting = self._start()
        except BaseException:
            self.close()
            raise
        self.name, self.version = str(greeting["name"])[:200], str(greeting["version"])[:200]

    def score_table(self, claims: pa.Table) -> pa.Table:
        """The verdicts of the scorer's process on `claims`."""
        if self._process is None:
            self._start()
        asked = claims_for_scorers(claims)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, asked.schema) as stream:
            stream.write_table(asked)
        reply = self._exchange(sink.getvalue().to_pybytes(), self._access.timeout_s, "score()")
        if not reply.startswith(b"+"):
            self._fail(json.loads(reply))
        answer = pa.ipc.open_stream(reply[1:]).read_all()
        if not len(claims) and not len(answer):
            return VERDICTS.empty_table()
        return check_verdicts(answer, claims["claim_id"], self._who)

    def close(self) -> None:
        """End the process and remove its folder."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                _close_quietly(pipe)
            try:
                process.wait(_GONE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        home, self._home = self._home, None
        if home is not None:
            home.cleanup()

    @property
    def _who(self) -> str:
        return f"The scorer {self._spec}"

    def _start(self) -> dict[str, Any]:
        self._home = tempfile.TemporaryDirectory(prefix="scorer-", ignore_cleanup_errors=True)
        home = str(Path(self._home.name).resolve())
        environment = {**_KEPT_ENVIRONMENT, "PATH": os.defpath, "HOME": home, "TMPDIR": home}
        self._process = subprocess.Popen(  # noqa: S603 - this Python and our own file
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=home,
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True).start()
        order = {**self._order, "home": home, "beside": str(_CHILD.parent)}
        greeting: dict[str, Any] = json.loads(self._exchange(json.dumps(order).encode(), _START_S, "loading"))
        self.taken = tuple(greeting["taken"])
        if "error" in greeting:
            self._fail(greeting)
        return greeting

    def _exchange(self, message: bytes, seconds: float, stage: str) -> bytes:
        """Send one frame and read one; a process that is late is killed, which ends the reading."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None  # noqa: PT018, S101
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(seconds, end)
        watch.start()
        try:
            process.stdin.write(struct.pack("<Q", len(message)) + message)
            process.stdin.flush()
            reply = _read_frame(process.stdout)
        except OSError:
            reply = b""
        finally:
            watch.cancel()
        if reply:
            return reply
        self.close()
        if late.is_set():
            raise ScorerError(
                f"{self._who} gave no answer within {seconds:g} s ({stage}); it was ended. CLAIMS_SIM_SCORER_TIMEOUT_S sets the limit."
            )
        raise ScorerError(
            f"{self._who} ended without an answer ({stage}, exit code {process.returncode}){self._last_words()}."
        )

    def _fail(self, fault: dict[str, Any]) -> None:
        self.close()
        where = f" ({fault['where']})" if fault["where"] else ""
        raise ScorerError(f"{self._who} failed at {fault['stage']}: {fault['error']}{where}.")

    def _listen(self, pipe: IO[bytes]) -> None:
        """Keep the last lines that the scorer prints, and let it print as much as it likes."""
        while part := pipe.readline(4096):
            self._said.append(part.decode(errors="replace").strip())
        pipe.close()

    def _last_words(self) -> str:
        said = [line for line in self._said if line]
        return f"; it last printed: {said[-1][:200]}" if said else ""


def _class_order(spec: str, access: ScorerAccess) -> dict[str, Any]:
    """What the process is told of a class: where to look for its module, which nobody imports here."""
    top = spec.partition(":")[0].partition(".")[0]
    root = next((f for f in access.search if (f / top).is_dir() or (f / f"{top}.py").is_file()), None)
    try:
        found = root is not None or importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        looked = ", ".join(map(str, access.search)) or "nowhere else"
        raise ScorerError(
            f"The scorer {spec}: there is no module {top!r}, neither installed nor in {looked}. Start from the folder that holds it."
        )
    search = [root.resolve()] if root is not None else []
    modules = [p for f in search for p in (f / top, f / f"{top}.py") if p.exists()]
    version = _hash_of(modules[0]) if modules else "unknown"
    return _order("class", spec, access, search=search, name=spec, version=version)


def _joblib_order(spec: str, path: Path, access: ScorerAccess) -> dict[str, Any]:
    """What the process is told of a pickled pipeline, once it is certain that it is the one that was allowed."""
    if not access.allow_pickle:
        raise ScorerError(
            f"The scorer {spec}: loading a joblib file runs whatever its maker put into it. If you trust it, set "
            "CLAIMS_SIM_SCORER_ALLOW_PICKLE=true and CLAIMS_SIM_SCORER_SHA256."
        )
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ScorerError(f"The scorer {spec}: {path} cannot be read ({error.strerror}).") from None
    if not access.sha256:
        raise ScorerError(f"The scorer {spec}: CLAIMS_SIM_SCORER_SHA256 is not set; this file's is {digest}.")
    if digest != access.sha256.lower():
        raise ScorerError(f"The scorer {spec}: its SHA-256 is {digest}, not the one in CLAIMS_SIM_SCORER_SHA256.")
    if importlib.util.find_spec("joblib") is None:
        raise ScorerError(f"The scorer {spec} needs scikit-learn: install claims_sim with the extra 'sklearn'.")
    order = _order("joblib", str(path.resolve()), access, files=[path.resolve()], name=path.stem, version=digest[:12])
    return order | {"sha256": digest}


def _order(
    kind: str,
    target: str,
    access: ScorerAccess,
    *,
    name: str,
    version: str,
    search: Sequence[Path] = (),
    files: Sequence[Path] = (),
) -> dict[str, Any]:
    readable = readable_paths([*search, _CHILD.parent], files, access.hidden)
    return {
        "kind": kind, "target": target, "name": name, "version": version,
        "search": [str(path) for path in search], "readable": readable, "fenced": fenced_roots(search, access.hidden), "restrict": True,
    }  # fmt: skip


def _hash_of(path: Path) -> str:
    """The content hash of a module's own source: its file, or all Python files of its package."""
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _read_frame(pipe: IO[bytes]) -> bytes:
    head = pipe.read(8)
    return pipe.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else b""


def _close_quietly(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        pass
