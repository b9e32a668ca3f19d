"""How close synthetic claims are to real ones: measures against a floor, a report, and a watch over the live stream.

Works on tables that it is handed. What it returns are aggregates; opening the real table is the pipeline's business.
"""

from claims_sim.fidelity.compare import Fidelity, compare_claims
from claims_sim.fidelity.scores import Score

__all__ = ["Fidelity", "Score", "compare_claims"]
