"""synthpop-py: one classification or regression tree a column, given the columns before. REAL.parquet OUT.parquet ROWS."""

import json
import sys
import time
import warnings

import pandas as pd
from synthpop import Synthesiser

warnings.filterwarnings("ignore")
real, rows = pd.read_parquet(sys.argv[1]), int(sys.argv[3])
dates = [name for name in real if "datetime" in str(real[name].dtype)]
for name in real:
    if name in dates:  # it knows numbers and categories
        real[name] = (real[name] - pd.Timestamp("2000-01-01")).dt.total_seconds()
    elif real[name].dtype == object or str(real[name].dtype).startswith("str"):
        real[name] = real[name].astype("category")
begun = time.process_time()
model = Synthesiser(random_seed=7)
model.fit(real)
fitted = time.process_time()
made = model.generate(rows)
for name in dates:
    made[name] = pd.Timestamp("2000-01-01") + pd.to_timedelta(made[name].round(), unit="s")
for name in made.select_dtypes("category"):
    made[name] = made[name].astype(object)
made.to_parquet(sys.argv[2], index=False)
print(json.dumps({"fit": fitted - begun, "sample": time.process_time() - fitted}))
