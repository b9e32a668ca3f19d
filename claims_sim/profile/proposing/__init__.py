"""Propose a mapping file for a table of other names and values."""
