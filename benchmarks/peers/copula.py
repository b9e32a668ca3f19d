"""SDV's GaussianCopulaSynthesizer with its own defaults. REAL.parquet OUT.parquet ROWS."""

import json
import sys
import time
import warnings

import pandas as pd
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer

warnings.filterwarnings("ignore")
real, rows = pd.read_parquet(sys.argv[1]), int(sys.argv[3])
kinds = {}
for name in real:
    kind = "categorical" if real[name].dtype == object or str(real[name].dtype).startswith("str") else "numerical"
    kinds[name] = {"sdtype": "datetime" if "datetime" in str(real[name].dtype) else kind}
metadata = Metadata.load_from_dict({"tables": {"claims": {"columns": kinds}}})
begun = time.process_time()
model = GaussianCopulaSynthesizer(metadata)
model.fit({"claims": real})
fitted = time.process_time()
made = model.sample(rows)
(made["claims"] if isinstance(made, dict) else made).to_parquet(sys.argv[2], index=False)
print(json.dumps({"fit": fitted - begun, "sample": time.process_time() - fitted}))
