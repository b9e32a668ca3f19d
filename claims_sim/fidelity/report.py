"""The comparison as one HTML page that needs no network: scores, plots, numbers. Lays out; measures nothing."""

from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined

from claims_sim.fidelity.compare import Fidelity, Pair

_SHOWN_PAIRS: Final = 15
_VERDICTS: Final = {
    "meets": "meets its goal",
    "unsure": "off by less than chance explains",
    "misses": "misses its goal",
}


def render_report(fidelity: Fidelity, *, real: str, synthetic: str, made_at: str) -> str:
    """The page; `real` and `synthetic` name what was compared, `made_at` says when."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("claims_sim.fidelity").joinpath("report.html.j2").read_text("utf-8"))
    names = list(dict.fromkeys(name for pair in fidelity.pairs for name in (pair.first, pair.second)))
    return template.render(
        fidelity=fidelity,
        real=real,
        synthetic=synthetic,
        made_at=made_at,
        verdicts=_VERDICTS,
        columns=sorted(fidelity.columns, key=lambda column: column.floor - column.distance),
        widest=max((max(column.distance, column.floor) for column in fidelity.columns), default=0) or 1,
        names=names,
        cells=_heat(fidelity.pairs, names),
        worst_pairs=sorted(fidelity.pairs, key=lambda pair: -pair.excess)[:_SHOWN_PAIRS],
        slices=sorted(fidelity.slices, key=lambda part: part.floor - part.distance),
    )


def _heat(pairs: tuple[Pair, ...], names: list[str]) -> list[tuple[int, int, float, str]]:
    """Row, column, strength from 0 to 1 (1: an excess of 0.1 and more) and a title for each pair."""
    place = {name: i for i, name in enumerate(names)}
    return [
        (
            place[pair.second],
            place[pair.first],
            min(max(pair.excess, 0.0) / 0.1, 1.0),
            f"{pair.first} × {pair.second}: {pair.excess:+.3f}",
        )
        for pair in pairs
    ]
