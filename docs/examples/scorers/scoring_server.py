"""A scoring server: claims in, scores out, over HTTP.

Run:  python scoring_server.py 8900        then  CLAIMS_SIM_SCORER=http://127.0.0.1:8900/score
"""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Claim(BaseModel):
    """The fields that this scorer needs; the others are sent too."""

    claim_id: str
    los: int | None = None
    amount_claimed: float | None = None


class Batch(BaseModel):
    """What is asked."""

    claims: list[Claim]


app = FastAPI()


@app.post("/score")
def score(batch: Batch) -> dict:
    """A score from 0 to 1 for each claim."""
    scores = [{"claim_id": claim.claim_id, **judge(claim)} for claim in batch.claims]
    return {"name": "a_day_costs", "version": "1", "scores": scores}


def judge(claim: Claim) -> dict:
    """Dear days are risky."""
    a_day = (claim.amount_claimed or 0) / (1 + (claim.los or 0))
    risk = a_day / (a_day + 2.5e6)
    return {"risk_score": risk, "reasons": [f"{a_day:,.0f} rupiah a day"] if risk > 0.5 else []}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
