"""Scorers that are not ours, each kept at arm's length: in a process of its own, or behind HTTP."""

from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).with_name("template.py")
"""A scorer to begin with, which users copy."""
