"""Find draws that hold what was asked for. Knows conditions and counters; the draws themselves are the sampler's.

A draw depends on (key, counter) alone. So a claim under conditions is the first of its row's own counters whose plain
draw holds them: exact, in the profile's proportions, and the same whatever else is drawn beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.errors import RequestError
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.wanted import NO_PROCEDURE, TEXT_FIELDS, ClaimFilter, Mix, matches
from claims_sim.randomness import stream_key, uniforms

Rows = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Trial = Callable[[Rows, Ints], Ints]
"""From counters and the position of each one's row to the positions (ascending) among them that hold."""

ANY: Final = -2
CODES: Final = ("dx_primary_code", "procedure_code")
_SHORTEST_NAME: Final = 4  # letters of a name that codes may be asked for by
_ATTEMPTS_BITS: Final = 22
_DRAWS_AT_ONCE: Final = 1 << 17
_DRAWS_WITHOUT_A_HIT: Final = 2_000_000
_MOST_DRAWS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Conditions:
    """A filter and a mix as one profile understands them.

    `allowed[name]` says of each code of a variable whether it is wanted, of the missing code (-1) in its last place;
    `shares[name]` gives the share of each code that the mix names.
    """

    where: ClaimFilter
    mix: Mix
    allowed: dict[str, npt.NDArray[np.bool_]]
    shares: dict[str, dict[int, float]]

    def __bool__(self) -> bool:
        """Whether anything is asked for that draws must be searched for."""
        return bool(self.allowed or self.shares or self.asks_open)

    @property
    def asks_open(self) -> bool:
        """Whether anything is asked of what an author decides inside a brief, or of the amounts."""
        return bool(self.where.procedure_code or self.where.los or self.where.amount_claimed)

    @classmethod
    def of(cls, profile: Profile, where: ClaimFilter, mix: Mix) -> "Conditions":
        """Resolve names and values, upper and lower case alike.

        Raises RequestError, one line, when the profile knows nothing of the kind.
        """
        allowed: dict[str, npt.NDArray[np.bool_]] = {}
        resolved: dict[str, Any] = {}
        for name in TEXT_FIELDS:
            wanted = getattr(where, name)
            if not wanted:
                continue
            texts = _texts(profile, name)
            known = (one for value in wanted for one in _known(profile, name, value, texts))
            resolved[name] = tuple(dict.fromkeys(known))
            # `*` stands for all codes, and no procedure is none of them.
            held = (*profile.vocabularies.get(name, ()), None) if name == "procedure_code" else texts
            mask = matches(pa.array(held, pa.string()), resolved[name])
            if name in profile.tables:
                allowed[name] = mask
        shares: dict[str, dict[int, float]] = {}
        for name in mix.fields:
            if name not in profile.tables:
                raise RequestError(f"The mix cannot change {name}: the profile has no shares of it.")
            texts = _texts(profile, name)
            shares[name] = {texts.index(_only(profile, name, v, texts)): share for v, share in mix.of(name).items()}
        return cls(replace(where, **resolved), mix, allowed, shares)

    def targets(self, key: int, rows: Rows, order: npt.NDArray[np.float64] | None = None) -> dict[str, Ints]:
        """What the mix assigns to each row: a code, or ANY of those that it does not name.

        `order` are numbers in [0, 1) that take the place of independent ones, so that small batches keep the shares.
        """
        out = {}
        for name, shares in self.shares.items():
            u = uniforms(key ^ stream_key("mix", name), rows) if order is None else order
            edges = np.cumsum(list(shares.values()))
            at = np.searchsorted(np.minimum(edges, 1.0), u, side="right")
            out[name] = np.array([*shares, ANY], np.int64)[at]
        return out

    def keeps(
        self, name: str, codes: npt.NDArray[np.int32], targets: dict[str, Ints], owner: Ints
    ) -> npt.NDArray[np.bool_]:
        """Which codes of a variable are wanted; `owner` gives the position of each one's row in `targets`."""
        keep = self.allowed[name][codes] if name in self.allowed else np.ones(len(codes), np.bool_)
        if name in targets:
            assigned = targets[name][owner]
            named = np.isin(codes, list(self.shares[name]))
            keep = keep & np.where(assigned == ANY, ~named, codes == assigned)
        return keep


def _texts(profile: Profile, name: str) -> list[str]:
    """What each code of a variable reads in a claim, and last what a missing one does."""
    default = NO_PROCEDURE if name == "procedure_code" else profile.defaults.get(name, "unknown")
    return [default if value is None else value for value in (*profile.vocabularies.get(name, ()), None)]


def _known(profile: Profile, name: str, value: str, texts: list[str]) -> tuple[str, ...]:
    """What the profile calls a value: itself, a beginning of codes, a code with dots or without, the one text with that word, or codes by
    name.
    """  # noqa: D205
    folded = value.casefold()
    begins, nothing = folded.removesuffix("*"), {NO_PROCEDURE} if name == "procedure_code" else set()
    parted = bool(begins) and name in CODES and any("." in text for text in texts)
    for text in dict.fromkeys(texts):
        if text.casefold() == folded:
            return (text,)
        if folded.endswith("*") and text.casefold().startswith(begins) and not parted and text not in nothing:
            return (f"{text[: len(begins)]}*",)
    called = (
        _codes_called(profile, name, folded, [text for text in texts if text not in nothing]) if name in CODES else ()
    )
    if called:
        return called
    worded = [text for text in dict.fromkeys(texts) if folded in text.casefold().split()]
    if worded and name not in CODES:
        if len(worded) > 1:
            raise RequestError(f"{name} {value!r} stands for several: {', '.join(worded[:12])}.")
        return (worded[0],)
    if name not in profile.tables:
        raise RequestError(f"The profile knows no {name}: every claim has {texts[-1]!r} there.")
    there = sorted(set(texts[:-1]))
    shown = ", ".join(there[:12]) + (f", … ({len(there)} in all)" if len(there) > 12 else "")
    raise RequestError(f"The profile has nothing with {name} {value!r}; it has: {shown}.")


def _codes_called(profile: Profile, name: str, folded: str, texts: list[str]) -> tuple[str, ...]:
    """The codes that are the one asked for, or begin so, but for their dots; else those with the name asked for."""
    asked, more = folded.removesuffix("*").replace(".", ""), folded.endswith("*")
    codes = {text: text.casefold().replace(".", "") for text in texts}
    dotted = tuple(
        text for text, code in codes.items() if asked and (code == asked or (more and code.startswith(asked)))
    )
    if dotted or len(folded) < _SHORTEST_NAME:
        return dotted
    names = profile.procedure_names if name == "procedure_code" else profile.dx_names
    return tuple(code for code in codes if _plain(folded) in _plain(names.get(code, "")))


def _only(profile: Profile, name: str, value: str, texts: list[str]) -> str:
    known = _known(profile, name, value, texts)
    if len(known) > 1 or known[0] not in texts:
        raise RequestError(f"{name} {value!r} in the mix stands for several: name one of {', '.join(known[:12])}.")
    return known[0]


def _plain(name: str) -> str:
    """Spelled alike: ICD-10 is British (haemorrhage), ICD-9-CM American (hemorrhage)."""
    return name.casefold().replace("ae", "e").replace("oe", "e")


def find_counters(rows: Rows, trial: Trial, explain: Callable[[], str]) -> Rows:
    """For each row the first of its own counters that `trial` lets pass.

    Raises RequestError when there is none in two million draws, or when they are so rare that it would take for ever;
    `explain` then says what was asked for, and how common each part is.
    """
    found = np.zeros(len(rows), np.int64)
    todo, attempt, draws, hits, dry = np.arange(len(rows)), np.zeros(len(rows), np.int64), 0, 0, 0
    while len(todo):
        chunk = todo[:_DRAWS_AT_ONCE]
        each = int(np.clip(1.5 * draws / max(hits, 0.5) if draws else 2, 1, max(_DRAWS_AT_ONCE // len(chunk), 1)))
        owner = np.repeat(chunk, each)
        number = np.repeat(attempt[chunk], each) + np.tile(np.arange(each), len(chunk))
        counters = (np.asarray(rows)[owner].astype(np.int64) << _ATTEMPTS_BITS) + number
        passed = trial(counters, owner)
        winners, first = np.unique(owner[passed], return_index=True)
        found[winners] = counters[passed[first]]
        attempt[chunk] += each
        draws, hits, dry = draws + len(counters), hits + len(passed), 0 if len(passed) else dry + len(counters)
        todo = np.setdiff1d(todo, winners, assume_unique=True)
        if len(todo) and max(draws, dry) >= _DRAWS_WITHOUT_A_HIT:
            _give_up_where_hopeless(len(todo), draws, hits, dry, explain)
    return found


def _give_up_where_hopeless(left: int, draws: int, hits: int, dry: int, explain: Callable[[], str]) -> None:
    if not hits or dry >= _DRAWS_WITHOUT_A_HIT:
        raise RequestError(f"The profile has nothing like that: no claim in {max(dry, draws):,} draws. {explain()}")
    if left * draws / hits > _MOST_DRAWS:
        raise RequestError(
            f"Only about one claim in {draws // hits:,} of the profile is like that: ask for fewer claims, or for less. {explain()}"
        )
