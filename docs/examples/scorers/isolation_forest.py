"""Train an isolation forest on synthetic claims and save it as a joblib file with its feature list.

Run:  claims-sim generate --count 20000 --out claims.parquet
      python isolation_forest.py claims.parquet forest.joblib
"""

import hashlib
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

NUMBERS = ["los", "comorbidity_count", "amount_claimed", "amount_paid", "amount_gap"]
CATEGORIES = ["service_type", "severity_group", "facility_class", "dx_primary_code"]


def train(claims: pd.DataFrame) -> dict:
    """The pipeline, the columns that it is given, and how it is called."""
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    columns = make_column_transformer((SimpleImputer(), NUMBERS), (encode, CATEGORIES))
    pipeline = make_pipeline(columns, IsolationForest(n_estimators=200, random_state=0))
    pipeline.fit(claims[NUMBERS + CATEGORIES])
    return {"pipeline": pipeline, "features": NUMBERS + CATEGORIES, "name": "isolation_forest", "version": "1"}


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    joblib.dump(train(pd.read_parquet(source)), target)
    print("CLAIMS_SIM_SCORER=joblib:" + str(target))
    print("CLAIMS_SIM_SCORER_ALLOW_PICKLE=true")
    print("CLAIMS_SIM_SCORER_SHA256=" + hashlib.sha256(target.read_bytes()).hexdigest())
