"""A scorer as files, and a folder of scorer versions. Text, JSON and Parquet only: loading one executes nothing.

    folder/CURRENT              the version in force
    folder/<version>/card.json  what it is, and the SHA-256 of every other file; the version is the card's own hash

A version appears by one rename and comes into force by another, so that a reader never sees half of one; older
versions stay, to roll back to.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from claims_sim.errors import ScorerError
from claims_sim.scoring.duplicates import Patterns
from claims_sim.scoring.features import Floats
from claims_sim.scoring.keys import Cells, Vocabulary
from claims_sim.scoring.listing import Listing
from claims_sim.scoring.model import Trained
from claims_sim.scoring.odds import QUESTIONS, Odds
from claims_sim.scoring.peers import LADDER, Peers
from claims_sim.scoring.rules import Calibration, ruleset_version
from claims_sim.scoring.signals import Learned
from claims_sim.scoring.surprise import ASSOCIATIONS, Counts, Surprise
from claims_sim.scoring.tails import Tail
from claims_sim.scoring.tariff import CONTENT, PLACE, Polish, Tariff
from claims_sim.scoring.taught import Taught

FORMAT: Final = 6
CARD: Final = "card.json"
_SCALE: Final = "scale"  # the final scale, beside the tails of the contexts
_PRICES: Final = "price/"
_CURRENT: Final = "CURRENT"
_AGAIN: Final = "train the scorer again (claims-sim refresh-ml-scores)"
_TREE_COLUMNS: Final = ("tree", "statistic", "bound", "left", "right", "value")
Files = Mapping[str, bytes]


def pack(trained: Trained, *, profile_hash: str, seed: int) -> dict[str, bytes]:
    """`trained` as files. Equal knowledge gives equal bytes, and so the same version."""
    learned = trained.learned
    of_prices = {f"{_PRICES}{kind}": tail for kind, tail in enumerate(learned.tariff.tails)}
    tails = {**trained.tails, _SCALE: trained.scale, **of_prices}
    tariff, density = learned.tariff, learned.tariff.density
    counts = _counts_of(learned)
    files = {
        "vocabulary.parquet": _parquet(learned.vocabulary.to_table()),
        "peers.parquet": _parquet(learned.peers.cells.to_table()),
        "prices.parquet": _parquet(tariff.polish.content.to_table()),
        "places.parquet": _parquet(tariff.polish.place.to_table()),
        "rests.parquet": _parquet(pa.table({str(kind): density[kind] for kind in range(len(density))})),
        **{f"odds_{name}.parquet": _parquet(odds.cells.to_table()) for name, odds in learned.odds.items()},
        "counts.parquet": _parquet(
            _stack({name: pa.table({"key": c.keys, "count": c.counts}) for name, c in counts.items()})
        ),
        "tails.parquet": _parquet(
            _stack({name: pa.table({"knot": t.knots, "evidence": t.evidence}) for name, t in tails.items()})
        ),
    }
    if trained.taught is not None:
        files["taught.parquet"] = _parquet(pa.table({n: getattr(trained.taught, n) for n in _TREE_COLUMNS}))
    card = {
        "format": FORMAT,
        "ruleset_version": ruleset_version(),
        "profile_hash": profile_hash,
        "seed": seed,
        "trained_on": learned.trained_on,
        "columns": list(learned.vocabulary.values),
        "severity_order": learned.order.tolist(),
        "inpatient": learned.inpatient.tolist(),
        "at_stake": learned.at_stake,
        "usual_extras": tariff.extras.tolist(),
        "extra_shares": tariff.shares.tolist(),
        "single_patterns": learned.patterns.single.tolist(),
        "listed_shares": tariff.listing.clean.tolist(),
        "listed_by_chance": tariff.listing.chance,
        "counts": list(counts),
        "tails": list(tails),
        "taught_on": None if trained.taught is None else list(trained.taught.names),
        "clean_share": trained.calibration.clean_share,
        "disabled_rules": trained.calibration.disabled,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return {**files, CARD: json.dumps(card, indent=1, sort_keys=True).encode()}


def unpack(files: Files) -> tuple[dict[str, Any], Trained]:
    """The card and the knowledge in `files`. Raises ScorerError when they are damaged or of another format."""
    try:
        card: dict[str, Any] = json.loads(files[CARD])
        damaged = [n for n, digest in card["sha256"].items() if hashlib.sha256(files[n]).hexdigest() != digest]
    except (KeyError, ValueError) as error:
        raise ScorerError(f"the saved scorer is incomplete or no scorer ({error!r}): {_AGAIN}.") from error
    if damaged:
        raise ScorerError(f"the saved scorer's {', '.join(damaged)} was changed after it was saved: {_AGAIN}.")
    if card["format"] != FORMAT or card["ruleset_version"] != ruleset_version():
        raise ScorerError(f"the saved scorer was made by another release (rules {card['ruleset_version']}): {_AGAIN}.")
    return card, _restore(card, files)


def version_of(files: Files) -> str:
    """The content hash of a packed scorer, short enough to read."""
    return "m-" + hashlib.sha256(files[CARD]).hexdigest()[:16]


def write_version(folder: Path, files: Files) -> str:
    """Add `files` to `folder` as a version and put it in force; returns the version. Idempotent."""
    version = add_version(folder, files)
    put_in_force(folder, version)
    return version


def add_version(folder: Path, files: Files) -> str:
    """Add `files` to `folder` as a version, which is not in force yet; returns the version. Idempotent."""
    version = version_of(files)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / version).exists():
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
        try:
            for name, content in files.items():
                _write_durably(draft / name, content)
            draft.rename(folder / version)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return version


def put_in_force(folder: Path, version: str) -> None:
    """Make `version` the one that is loaded from now on. Raises ScorerError when the folder does not hold it."""
    if not (folder / version / CARD).is_file():
        raise ScorerError(
            f"{folder} holds no scorer version {version}: it holds {', '.join(versions_in(folder)) or 'none'}."
        )
    descriptor, draft = tempfile.mkstemp(prefix=".current-", dir=folder)
    os.close(descriptor)
    _write_durably(Path(draft), version.encode())
    Path(draft).replace(folder / _CURRENT)


def versions_in(folder: Path) -> list[str]:
    """All versions that `folder` holds, oldest first."""
    cards = sorted(folder.glob(f"m-*/{CARD}"), key=lambda card: (card.stat().st_mtime_ns, card.parent.name))
    return [card.parent.name for card in cards]


def read_version(folder: Path, version: str | None = None) -> dict[str, bytes]:
    """The files of `version`, by default of the one in force. Raises ScorerError when there is none."""
    try:
        chosen = version or (folder / _CURRENT).read_text().strip()
        return {path.name: path.read_bytes() for path in sorted((folder / chosen).iterdir())}
    except OSError as error:
        raise ScorerError(f"{folder} holds no trained scorer ({error.strerror}): {_AGAIN}.") from error


def _restore(card: dict[str, Any], files: Files) -> Trained:
    tables = {name: _read_parquet(content) for name, content in files.items() if name.endswith(".parquet")}
    counts = {
        n: Counts(_ints(t["key"]), _floats(t["count"])) for n, t in _split(tables["counts.parquet"], card["counts"])
    }
    tails = {
        n: Tail(_floats(t["knot"]), _floats(t["evidence"])) for n, t in _split(tables["tails.parquet"], card["tails"])
    }
    scale = tails.pop(_SCALE)
    of_prices = tuple(tails.pop(name) for name in card["tails"] if name.startswith(_PRICES))
    learned = Learned(
        vocabulary=Vocabulary.from_table(tables["vocabulary.parquet"], card["columns"]),
        peers=Peers(Cells.from_table(tables["peers.parquet"], LADDER)),
        order=np.array(card["severity_order"], np.float64),
        inpatient=np.array(card["inpatient"], np.float64),
        at_stake=float(card["at_stake"]),
        tariff=Tariff(
            Polish(
                Cells.from_table(tables["prices.parquet"], CONTENT), Cells.from_table(tables["places.parquet"], PLACE)
            ),
            np.array(card["usual_extras"], np.float64),
            np.array(card["extra_shares"], np.float64),
            np.stack([_floats(column) for column in tables["rests.parquet"].columns]),
            of_prices,
            Listing(counts["amounts"], np.array(card["listed_shares"], np.float64), card["listed_by_chance"]),
        ),
        odds={q.name: Odds(q, Cells.from_table(tables[f"odds_{q.name}.parquet"], q.ladder)) for q in QUESTIONS},
        surprises={
            a.name: Surprise(
                a, (counts[f"{a.name}/0"], counts[f"{a.name}/1"], counts[f"{a.name}/2"], counts[f"{a.name}/3"])
            )
            for a in ASSOCIATIONS
        },
        patterns=Patterns(counts["patterns"], np.array(card["single_patterns"], np.float64), card["trained_on"]),
        trained_on=card["trained_on"],
    )
    return Trained(learned, tails, Calibration(card["clean_share"]), scale, _taught(card["taught_on"], tables))


def _taught(names: list[str] | None, tables: Mapping[str, pa.Table]) -> Taught | None:
    if names is None:
        return None
    columns = {name: tables["taught.parquet"][name].to_numpy() for name in _TREE_COLUMNS}
    return Taught(tuple(names), **columns)


def _counts_of(learned: Learned) -> dict[str, Counts]:
    by_association = {f"{n}/{i}": t for n, s in learned.surprises.items() for i, t in enumerate(s.tables)}
    return {**by_association, "patterns": learned.patterns.repeated, "amounts": learned.tariff.listing.amounts}


def _stack(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Tables of one schema under one another; `part` is the position of each row's table."""
    parts = [t.append_column("part", pa.array(np.full(len(t), i, np.int16))) for i, t in enumerate(tables.values())]
    return pa.concat_tables(parts).combine_chunks()


def _split(table: pa.Table, names: list[str]) -> list[tuple[str, pa.Table]]:
    starts = np.searchsorted(table["part"].to_numpy(), np.arange(len(names) + 1)).tolist()
    bare = table.drop_columns(["part"])
    return [(n, bare.slice(a, b - a)) for n, a, b in zip(names, starts[:-1], starts[1:], strict=True)]


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False, write_statistics=False)
    return sink.getvalue()


def _read_parquet(content: bytes) -> pa.Table:
    # pq.read_table would import pyarrow.dataset for nothing.
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


def _ints(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(column.to_numpy(), np.int64)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(), np.float64)


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
