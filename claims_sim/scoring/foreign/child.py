"""The process of a foreign scorer: take a table from the pipe, give scores back. Run as a file, never imported.

It knows what its first message says and nothing else: no setting, no path of the simulation. It gives up files and
network before it loads the first line of foreign code. Messages are frames: a length, then JSON or an Arrow stream.
"""

import hashlib
import importlib
import io
import json
import os
import struct
import sys
import traceback
from typing import Any, BinaryIO

NONE = "none"


def main() -> None:
    """Serve until the pipe closes."""
    wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a scorer prints is no answer
    order = json.loads(read_frame(wire_in))
    work = os.path.join(order["home"], "work")
    os.mkdir(work)
    os.chdir(work)
    sys.path.insert(0, order["beside"])
    landlock = importlib.import_module("landlock")  # of the folder that has just been told
    sys.path.pop(0)
    links = link_fenced(order["fenced"], order["home"])
    sys.path[:] = [links.get(os.path.realpath(folder), folder) for folder in (*sys.path, *order["search"])]
    taken = (
        landlock.restrict([*order["readable"], "/proc/self"], [order["home"], os.devnull]) if order["restrict"] else []
    )
    try:
        stage = "loading"
        scorer = load_class(order["target"]) if order["kind"] == "class" else load_joblib(order)
        write_json(wire_out, {"name": scorer_name(scorer, order), "version": version(scorer, order), "taken": taken})
        stage = "score()"
        while request := read_frame(wire_in):
            write_frame(wire_out, b"+" + answer(scorer, request))
    except Exception as error:  # noqa: BLE001 - whatever a foreign scorer raises is told to the one that asked
        write_json(wire_out, {"stage": stage, "error": describe(error), "where": place(error), "taken": taken})


def link_fenced(fenced: dict[str, list[str]], home: str) -> dict[str, str]:
    """For each folder that is out of reach, one of links to those of its entries that are not."""
    links = {}
    for number, (root, entries) in enumerate(fenced.items()):
        links[root] = os.path.join(home, "import", str(number))
        os.makedirs(links[root])
        for entry in entries:
            os.symlink(entry, os.path.join(links[root], os.path.basename(entry)))
    return links


def answer(scorer: Any, request: bytes) -> bytes:
    """One table of claims, scored."""
    import pandas as pd
    import pyarrow as pa

    claims = pa.ipc.open_stream(request).read_all().to_pandas(timestamp_as_object=False)
    given = scorer.score(claims)
    if not isinstance(given, pd.DataFrame):
        raise TypeError(f"score() gave a {type(given).__name__}, not a pandas DataFrame")
    wanted = [name for name in ("claim_id", "risk_score", "reasons") if name in given.columns]
    table = pa.Table.from_pandas(given[wanted], preserve_index=False)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def load_class(target: str) -> Any:
    """An instance of `package.module:Class`."""
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if found is None:
        raise AttributeError(f"module {module} has no {name}")
    made = found()
    if not callable(getattr(made, "score", None)):
        raise TypeError(f"{name} has no method score(claims)")
    return made


def load_joblib(order: dict[str, Any]) -> Any:
    """A scikit-learn pipeline with its feature list. What is loaded is what was hashed, not what the path holds by then."""
    import joblib

    with open(order["target"], "rb") as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != order["sha256"]:
        raise ValueError("the file was changed after its SHA-256 was checked")
    return PipelineScorer(joblib.load(io.BytesIO(content)))


class PipelineScorer:
    """A pipeline as a scorer: its features in, a score from 0 to 1 out."""

    def __init__(self, loaded: Any) -> None:
        bundle = loaded if isinstance(loaded, dict) else {"pipeline": loaded}
        if "pipeline" not in bundle:
            raise ValueError("a dictionary in the file needs the key 'pipeline' (and 'features')")
        self.pipeline = bundle["pipeline"]
        features = bundle.get("features")
        features = getattr(self.pipeline, "feature_names_in_", None) if features is None else features
        if features is None:
            raise ValueError("no feature list: save {'pipeline': …, 'features': [...]}, or fit it on a DataFrame")
        self.features = [str(name) for name in features]
        self.scale = bundle.get("scale")
        self.name = str(bundle.get("name", NONE))
        self.version = str(bundle.get("version", NONE))

    def score(self, claims: Any) -> Any:
        """Scores of `claims`."""
        import numpy as np
        import pandas as pd

        lacking = [name for name in self.features if name not in claims.columns]
        if lacking:
            raise ValueError(f"the pipeline wants features that claims do not have: {', '.join(lacking)}")
        if not len(claims):
            return pd.DataFrame({"claim_id": claims["claim_id"], "risk_score": np.zeros(0)})
        return pd.DataFrame({"claim_id": claims["claim_id"], "risk_score": self.risk(claims[self.features])})

    def risk(self, features: Any) -> Any:
        """From what the pipeline can say to a number from 0 to 1."""
        import numpy as np

        if self.scale is None and hasattr(self.pipeline, "predict_proba"):
            return self.pipeline.predict_proba(features)[:, -1]
        if hasattr(self.pipeline, "score_samples"):
            raw = -self.pipeline.score_samples(features)  # an isolation forest's own anomaly score, from 0 to 1
        elif hasattr(self.pipeline, "decision_function"):
            raw = -self.pipeline.decision_function(features)
        else:
            raise TypeError("the pipeline has neither predict_proba, score_samples nor decision_function")
        if self.scale is not None:
            low, high = self.scale
            raw = (raw - low) / (high - low)
        return np.clip(raw, 0.0, 1.0)


def scorer_name(scorer: Any, order: dict[str, Any]) -> str:
    """The scorer's own name, or what it was called by."""
    own = getattr(scorer, "name", NONE)
    return own if isinstance(own, str) and own not in ("", NONE) else order["name"]


def version(scorer: Any, order: dict[str, Any]) -> str:
    """The scorer's own version, or the hash of its file."""
    own = getattr(scorer, "version", NONE)
    return own if isinstance(own, str) and own not in ("", NONE) else order["version"]


def describe(error: Exception) -> str:
    """Kind and first line of an error."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def place(error: Exception) -> str:
    """File and line of foreign code where it was raised; the innermost frame that is not ours."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__ and "<frozen" not in f.filename
    ]
    mine = [f for f in frames if "site-packages" not in f.filename and f"{os.sep}python3." not in f.filename]
    chosen = (mine or frames)[-1:]
    return f"{os.path.basename(chosen[0].filename)}, line {chosen[0].lineno}" if chosen else ""


def read_frame(wire: BinaryIO) -> bytes:
    """The next message; empty when the pipe has closed."""
    head = wire.read(8)
    return wire.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else b""


def write_frame(wire: BinaryIO, content: bytes) -> None:
    """Send one message."""
    wire.write(struct.pack("<Q", len(content)) + content)
    wire.flush()


def write_json(wire: BinaryIO, fields: dict[str, Any]) -> None:
    """Send one message of fields."""
    write_frame(wire, b"{" + json.dumps(fields).encode()[1:])


if __name__ == "__main__":
    main()
