"""Flags and their reasons in plain words, put together in Arrow: only claims with a flag cost anything."""

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import Bools
from claims_sim.scoring.peers import describe
from claims_sim.scoring.rules import RULES
from claims_sim.scoring.signals import View

_FIELD: Final = re.compile(r"\{(\w+)\}")


def explain(features: Features, view: View, fired: Bools) -> tuple[pa.Array, pa.Array]:
    """Of every claim: the names of the rules that fired, and why, in the same order (two lists of text)."""
    claims, rules = np.nonzero(fired)
    offsets = np.concatenate([[0], np.cumsum(fired.sum(axis=1))]).astype(np.int32)
    names = pa.array([rule.name for rule in RULES]).take(pa.array(rules))
    words = _Words(features, view)
    by_rule = [_render(rule.wording, words, claims[rules == index]) for index, rule in enumerate(RULES)]
    # Texts were made rule by rule; put them back into the order of the claims.
    back = np.empty(len(rules), np.int64)
    back[np.argsort(rules, kind="stable")] = np.arange(len(rules))
    texts = pa.concat_arrays(by_rule).take(pa.array(back))
    return pa.ListArray.from_arrays(offsets, names), pa.ListArray.from_arrays(offsets, texts)


def money(amounts: Floats) -> pa.Array:
    """`Rp 12,400,000`; amounts in rupiah."""
    whole = np.rint(np.clip(np.nan_to_num(amounts), 0.0, 1e15)).astype(np.int64)
    groups = [pc.utf8_lpad(pc.cast(pa.array(whole // 1000**i % 1000), pa.string()), 3, "0") for i in range(5, -1, -1)]
    digits = pc.utf8_ltrim(pc.binary_join_element_wise(*groups, ","), "0,")
    return pc.binary_join_element_wise("Rp ", pc.if_else(pc.equal(digits, ""), "0", digits), "")


def counted(numbers: Floats, one: str, many: str) -> pa.Array:
    """`1 day`, `3 days`."""
    whole = np.rint(np.clip(np.nan_to_num(numbers), -1e15, 1e15)).astype(np.int64)
    text = pc.cast(pa.array(whole), pa.string())
    return pc.binary_join_element_wise(text, pc.if_else(pa.array(whole == 1), one, many), " ")


class _Words:
    """What each {field} of a wording says, for chosen claims."""

    __slots__ = ("_amounts", "_counts", "_features", "_view")

    def __init__(self, features: Features, view: View) -> None:
        self._features, self._view = features, view
        self._amounts: dict[str, Floats] = {
            "claimed": features.claimed,
            "paid": features.paid,
            "expected": view.expected_amount,
            "peer_amount": view.peers.median_amount,
        }
        self._counts: dict[str, tuple[Floats, str, str]] = {
            "stay": (features.stay, "day", "days"),
            "peer_stay": (view.peers.median_stay, "day", "days"),
            "companions": (features.companions, "secondary diagnosis", "secondary diagnoses"),
            "copies": (view.facts["copies"], "other claim", "other claims"),
            "copy_days": (view.facts["copy_days"], "day", "days"),
            **{
                f"{name}_days": (view.facts[f"{name}_days"], "day", "days")
                for name in ("overlap", "stay_again", "same_bill", "sent_on")
            },
            "same_person": (view.facts["same_person"], "other claim", "other claims"),
        }

    def say(self, field: str, rows: Ints) -> pa.Array:
        """The text of `field` for the claims `rows`."""
        if field in self._amounts:
            return money(self._amounts[field][rows])
        if field in self._counts:
            numbers, one, many = self._counts[field]
            return counted(numbers[rows], one, many)
        if field == "peers":
            return describe(self._view.peers, self._features, rows)
        return self._features.texts[field].take(pa.array(rows))


def _render(wording: str, words: _Words, rows: Ints) -> pa.Array:
    if not len(rows):
        return pa.array([], pa.string())
    pieces = _FIELD.split(wording)  # text, field, text, field, …, text
    filled = [words.say(piece, rows) if i % 2 else pa.scalar(piece) for i, piece in enumerate(pieces)]
    return pc.binary_join_element_wise(*filled, pa.scalar(""))
