import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_code_location_loads_neither_pandas_nor_matplotlib_nor_a_model():
    code = """
import sys
import claims_sim.definitions
print([name for name in ("pandas", "matplotlib", "lightgbm", "openai", "sklearn") if name in sys.modules])
"""
    assert run(code) == "[]"


def test_pandas_works_as_ever_after_it_was_left_out():
    code = """
import sys
from claims_sim.lean import leave_pandas_out
leave_pandas_out()
import pyarrow as pa
table = pa.table({"a": [1, None]})
assert "pandas" not in sys.modules
frame = table.to_pandas()
import pandas as pd
assert pa.Table.from_pandas(frame).num_rows == len(pa.array(pd.Series([1, 2])))
print(frame["a"].sum())
"""
    assert run(code) == "1.0"
