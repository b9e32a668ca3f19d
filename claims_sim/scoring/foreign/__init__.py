"""Scorers that are not ours, each kept at arm's length: in a process of its own, or behind HTTP."""
