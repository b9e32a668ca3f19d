"""How suspicious a claim is: features, peers, learned expectations, rules and their combination.

Knows nothing of where claims come from or where scores go, and never sees the truth about injected anomalies.
"""
