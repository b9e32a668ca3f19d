"""Independent marginals: every column drawn from its own values. REAL.parquet OUT.parquet ROWS."""

import json
import sys
import time

import numpy as np
import pandas as pd

real, rows = pd.read_parquet(sys.argv[1]), int(sys.argv[3])
g = np.random.default_rng(7)
begun = time.process_time()
made = pd.DataFrame({name: real[name].to_numpy()[g.integers(0, len(real), rows)] for name in real})
made.to_parquet(sys.argv[2], index=False)
print(json.dumps({"fit": 0.0, "sample": time.process_time() - begun}))
