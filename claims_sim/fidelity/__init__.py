"""How close synthetic claims are to real ones: measures against a floor, a report, and a watch over the live stream.

Works on tables that it is handed. What it returns are aggregates; opening the real table is the pipeline's business.
"""
