"""Codes that by themselves tell something else of their claims: a group of cases that ends in its severity, say. Sees codes only."""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints

MAY_BE_DECIDED: Final = ("service_type", "severity_group")
"""What codes of procedures may tell: groups of cases are of stays or of visits, and end in their severity."""
FEW: Final = 8
"""A code that is one of a kind tells everything of its claims: of no more values than so many is it asked."""
_NEARLY_ALL, _NOT_ALL = 0.99, 0.9


def decided_by(codes: Codes, other: Codes, none: int = -1) -> Ints | None:
    """The value of `other` that each code stands with (-1: with none), where codes nearly always stand with one value each.

    None where they do not, or where nearly all claims have the same value anyway. Claims of the code `none` are not looked at.
    """
    known = (codes >= 0) & (codes != none) & (other >= 0)
    values = int(other.max(initial=0)) + 1
    if values > FEW or not known.any():
        return None
    size = int(codes.max()) + 1
    claims = np.bincount(codes[known].astype(np.int64) * values + other[known], minlength=size * values)
    claims = claims.reshape(size, values)
    # A code of a single claim stands with one value whatever it is.
    often = claims[claims.sum(1) > 1]
    if often.max(1).sum() < _NEARLY_ALL * often.sum() or often.sum(0).max(initial=0) >= _NOT_ALL * often.sum():
        return None
    return np.where(claims.any(1), claims.argmax(1), -1)
