"""A proposed mapping as the TOML file that its user edits. Writes text; looks at no source."""

import json
from collections.abc import Iterator
from typing import Final

from claims_sim.profile.counts.telling import about
from claims_sim.profile.proposing.placing import Placed
from claims_sim.profile.proposing.proposal import Proposal
from claims_sim.profile.proposing.value_maps import ValueMap
from claims_sim.profile.reading.source_columns import CLAIM_ID, what_follows, what_stands_in

_MOST_POSSIBLE: Final = 2
_HEAD: Final = """\
# Proposed by `claims-sim map` for {where} ({rows} claims).
# Read every line, correct it, and then: claims-sim profile {options} --mapping THIS_FILE --out profile.json
# The number behind a line says how sure it is (0 to 1). Lines that begin with # do nothing until you take that away.
# Only values that enough persons share are shown.
"""


def to_toml(proposal: Proposal) -> str:
    """The mapping file; `load_mapping` reads it as it stands."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    yield _HEAD.format(where=proposal.where, options=proposal.options, rows=about(proposal.rows))
    for needed in proposal.still_needed:
        yield f"# STILL NEEDED: {needed}"
    yield "[columns]"
    for placed in proposal.placed:
        yield from _placed_lines(placed)
    yield from _absent_lines(proposal)
    yield ""
    kept = [value_map for value_map in proposal.values if value_map.unknown][:1]
    for value_map in proposal.values:
        yield from _value_lines(value_map, shows_how=value_map in kept)
    if proposal.left_over:
        yield "# Columns that no place was found for; they are not read:"
        for name, kind in proposal.left_over:
            yield f"#   {_quoted(name)} ({kind})"


def _absent_lines(proposal: Proposal) -> Iterator[str]:
    """What is there instead of each column that was not found, and which columns it may be after all."""
    has_id = any(placed.ours == CLAIM_ID for placed in proposal.placed)
    absent = proposal.not_found if has_id else (CLAIM_ID, *proposal.not_found)
    follows, stands_in = what_follows(absent), what_stands_in(absent)
    for name in absent:
        maybe = [other for other in proposal.possible if other.ours == name][:_MOST_POSSIBLE]
        found = "nothing sure" if maybe else "nothing found"
        if name in follows:
            yield f"# {name}: {follows[name]}"
        elif name in stands_in:
            yield f"# {name}: {found}; {stands_in[name]}"
        else:
            yield f"# {name}: {found}; it is needed, see above"
        for other in maybe:
            yield f"{f'# {name} = {_quoted(other.theirs)}':<44} # {other.confidence:.2f}  {other.why}"


def _placed_lines(placed: Placed) -> Iterator[str]:
    yield f"{f'{placed.ours} = {_theirs(placed)}':<44} # {placed.confidence:.2f}  {placed.why}"
    if placed.note:
        yield f"#   {placed.note}"


def _theirs(placed: Placed) -> str:
    names = ", ".join(_quoted(name) for name in (placed.theirs, *placed.also))
    return f"[{names}]" if placed.also else names


def _value_lines(found: ValueMap, *, shows_how: bool) -> Iterator[str]:
    yield f"[values.{found.ours}]"
    for theirs, ours in found.pairs.items():
        reason = found.reasons.get(theirs, "the same in other words")
        yield f"{f'{_quoted(theirs)} = {_quoted(ours)}':<44} # {reason}"
    for theirs, ours in found.alike.items():
        yield f"{f'# {_quoted(theirs)} = {_quoted(ours)}':<44} # {_quoted(ours)} too; without the # they count as one"
    if found.unknown:
        shown = ", ".join(_quoted(value) for value in found.unknown[:30])
        more = f" and {len(found.unknown) - 30} more" if len(found.unknown) > 30 else ""
        yield f"# kept as they are: {shown}{more}"
    if shows_how:
        example = f"# {_quoted(found.unknown[0])} = {_quoted('...')}"
        yield f"{example:<44} # so a value gets another name"
    if found.not_shown:
        yield f"# {found.not_shown}"
    yield ""


def _quoted(text: str) -> str:
    # A JSON string is a TOML string too, but for one character that TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
