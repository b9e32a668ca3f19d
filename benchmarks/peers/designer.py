"""NeMo Data Designer's samplers, told what a careful user would tell them. REAL.parquet OUT.parquet ROWS.

No language model takes part: its columns would be invented, not drawn from the table. Small joint tables (place, kind of
hospital, service with severity and stay) are drawn with the table's shares, codes with their shares within a service type, money
log-normal within service type and severity; labels, sums and the discharge follow by a column function of ours. A condition on
a sampler is rendered for every row and value, which takes hours here: each branch is drawn for all rows, and one chosen.
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterable

import data_designer.config as dd
import numpy as np
import pandas as pd
from data_designer.interface import DataDesigner

logging.disable(logging.WARNING)
NONE, BETWEEN = "-", "|"
JOINT = (
    ("province_name", "district_name"),
    ("facility_class", "facility_ownership", "facility_type"),
    ("service_type", "severity_group", "los"),
)
BRANCHED = {
    "dx_primary_code": ("service_type",),
    "dx_secondary_codes": ("service_type",),
    "procedure_code": ("service_type",),
    "amount_claimed": ("service_type", "severity_group"),
    "paid_share": ("service_type",),
    "claim_weight": ("service_type",),
    "admit_hour": ("service_type",),
    "hours": ("los",),
}
LABELS = {"dx_primary_label": "dx_primary_code", "procedure_label": "procedure_code"}


def there(real: pd.DataFrame, names: Iterable[str]) -> list[str]:
    return [name for name in names if name in real]


def joined(table: pd.DataFrame, names: list[str]) -> pd.Series:
    return table[names[0]].astype(str).str.cat([table[name].astype(str) for name in names[1:]], sep=BETWEEN)


def shares(values: pd.Series) -> dd.CategorySamplerParams:
    counts = values.value_counts(normalize=True)
    return dd.CategorySamplerParams(values=counts.index.tolist(), weights=counts.tolist())


def sampler_of(name: str, values: pd.Series) -> dd.CategorySamplerParams | dd.ScipySamplerParams:
    if name not in ("amount_claimed", "claim_weight"):
        return shares(values)
    logs = np.log(values[values > 0])
    params = {"s": max(float(logs.std(ddof=0)), 0.01), "scale": float(np.exp(logs.mean()))}
    return dd.ScipySamplerParams(dist_name="lognorm", dist_params=params)


def tell(real: pd.DataFrame) -> dd.DataDesignerConfigBuilder:
    told, drawn, branches = dd.DataDesignerConfigBuilder(model_configs=[]), [], {}

    def add(name: str, params: object) -> None:
        told.add_column(dd.SamplerColumnConfig(name=name, sampler_type=params.sampler_type, params=params, drop=True))
        drawn.append(name)

    for number, names in enumerate(JOINT):
        if there(real, names):
            add(f"joint_{number}", shares(joined(real, there(real, names))))
    for name in there(real, BRANCHED):
        keys = there(real, BRANCHED[name])
        branches[name] = {}
        for number, (key, part) in enumerate(real.groupby(joined(real, keys))[name]):
            branches[name][key] = f"{name}_{number}"
            add(f"{name}_{number}", sampler_of(name, part))
    first, last = real["admit_dt"].min().floor("D"), real["admit_dt"].max().ceil("D")
    add("admit_day", dd.DatetimeSamplerParams(start=str(first), end=str(last), unit="D"))

    @dd.custom_column_generator(
        required_columns=drawn, side_effect_columns=[name for name in real if name not in drawn]
    )
    def whole(df: pd.DataFrame) -> pd.DataFrame:
        return follow(choose(df.copy(), real, branches), real).assign(whole=True)

    told.add_column(dd.CustomColumnConfig(name="whole", generator_function=whole, generation_strategy="full_column"))
    return told


def choose(made: pd.DataFrame, real: pd.DataFrame, branches: dict[str, dict[str, str]]) -> pd.DataFrame:
    """With the joint columns taken apart, and of each branched column the branch of the row."""
    for number, names in enumerate(JOINT):
        if f"joint_{number}" in made:
            made[there(real, names)] = made[f"joint_{number}"].str.split(BETWEEN, expand=True, regex=False).to_numpy()
    for name, columns in branches.items():
        key = joined(made, there(real, BRANCHED[name]))
        made[name] = np.select([key == value for value in columns], [made[column] for column in columns.values()], None)
    return made


def follow(made: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """With what follows from other columns."""
    for name, code in LABELS.items():
        if name in real:
            made[name] = made[code].map(real.groupby(code)[name].first())
    if "comorbidity_count" in real:
        made["comorbidity_count"] = made["dx_secondary_codes"].map(lambda codes: len(codes.split(";")) if codes else 0)
    minutes = np.random.default_rng(7).integers(0, 60, len(made))
    made["admit_dt"] = pd.to_datetime(made["admit_day"]) + pd.to_timedelta(
        made["admit_hour"].astype(int) * 60 + minutes, unit="m"
    )
    if "hours" in made:
        made["los"] = made["los"].astype(float)
        made["discharge_dt"] = made["admit_dt"] + pd.to_timedelta(made["hours"].astype(float), unit="h")
    made["amount_claimed"] = made["amount_claimed"].astype(float).round(-2)
    if "amount_paid" in real:
        made["amount_paid"] = (made["amount_claimed"] * made["paid_share"].astype(float)).round(-2)
    if "amount_gap" in real:
        made["amount_gap"] = made["amount_claimed"] - made["amount_paid"]
    return made


real, rows = pd.read_parquet(sys.argv[1]), int(sys.argv[3])
for name in real.select_dtypes(exclude=["number", "datetime"]):
    real[name] = real[name].astype(object).where(real[name].notna(), NONE)
begun = time.process_time()
given = real.assign(admit_hour=real["admit_dt"].dt.hour)
if "discharge_dt" in real and "los" in real:
    given["hours"] = ((real["discharge_dt"] - real["admit_dt"]).dt.total_seconds() / 3600).round()
if "amount_paid" in real:
    paid = (real["amount_paid"] / real["amount_claimed"].where(real["amount_claimed"] > 0)).round(2)
    given["paid_share"] = paid.fillna(1.0)
told = tell(given)
fitted = time.process_time()
with tempfile.TemporaryDirectory() as folder:
    designer = DataDesigner(artifact_path=folder)
    designer.set_run_config(dd.RunConfig(buffer_size=rows))
    made = designer.create(told, num_records=rows).load_dataset()
made = made[[name for name in real if name in made]].replace(NONE, None)
for name in real.select_dtypes("datetime"):
    made[name] = pd.to_datetime(made[name])
made.to_parquet(sys.argv[2], index=False)
print(json.dumps({"fit": fitted - begun, "sample": time.process_time() - fitted}))
