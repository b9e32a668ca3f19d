"""Synthetic health-insurance claims that follow a real table's profile and hold nobody's data."""

__version__ = "0.1.0"
