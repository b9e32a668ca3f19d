"""Small pictures for materialization metadata, as Markdown with the image inside. Draws what it is given; computes nothing."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE: Final = "#3b5bdb"
_RED: Final = "#e03131"


def bars(title: str, labels: Sequence[str], shares: Sequence[float]) -> str:
    """A horizontal bar chart of shares (0 to 1) in percent."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second that a tick must not pay

    figure = Figure(figsize=(7.2, 0.9 + 0.27 * len(labels)), dpi=110, layout="constrained")
    axes = figure.subplots()
    places = range(len(labels))
    axes.barh(places, [100 * share for share in shares], color=_BLUE, height=0.7)
    axes.set_yticks(places, [label if len(label) <= 46 else label[:45] + "…" for label in labels], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("% of claims", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f"![{title}](data:image/png;base64,{encoded})"


def against_floor(
    title: str,
    labels: Sequence[str],
    values: Sequence[float],
    floors: Sequence[float],
    floor: str = "floor: real claims",
) -> str:
    """Horizontal bars, each with a mark where its floor is."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    figure = Figure(figsize=(7.2, 0.9 + 0.27 * len(labels)), dpi=110, layout="constrained")
    axes = figure.subplots()
    places = list(range(len(labels)))
    axes.barh(places, values, color=_BLUE, height=0.65)
    axes.scatter(floors, places, marker="|", s=110, color="#1b1f24", label=floor, zorder=3)
    axes.set_yticks(places, list(labels), fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=8)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return f"![{title}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"


def movement_bars(rows: Sequence[tuple[str, float, float]]) -> str:
    """Bars of (name, total variation, what rounding explains), the mark being the latter."""
    return against_floor(
        "What moved since the last profile (total variation)",
        [name for name, _, _ in rows],
        [distance for _, distance, _ in rows],
        [rounding for _, _, rounding in rows],
        floor="what rounding explains",
    )


def drift_bars(rows: Sequence[tuple[str, float, float, float, bool]]) -> str:
    """Bars of (name, distance, chance, limit, drifted) as a small SVG: a tick pays next to nothing for it."""
    most = max([0.1, *(max(distance, limit) for _, distance, _, limit, _ in rows)])
    width, left, lines = 620, 150, []
    for i, (name, distance, chance, limit, drifted) in enumerate(rows):
        top = 22 * i + 4
        scale = (width - left - 60) / most
        lines.append(
            f'<text x="{left - 8}" y="{top + 12}" text-anchor="end">{name}</text>'
            f'<rect x="{left}" y="{top}" width="{distance * scale:.0f}" height="15" fill="{_RED if drifted else _BLUE}"/>'
            f'<rect x="{left + chance * scale:.0f}" y="{top - 2}" width="2" height="19" fill="#868e96"/>'
            f'<rect x="{left + limit * scale:.0f}" y="{top - 2}" width="2" height="19" fill="#e8590c"/>'
            f'<text x="{left + max(distance, limit) * scale + 8:.0f}" y="{top + 12}">{distance:.3f}</text>'
        )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{22 * len(rows) + 8}" '
        'font-family="sans-serif" font-size="11" fill="#495057"><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(lines)}</svg>"
    )
    encoded = base64.b64encode(svg.encode()).decode()
    return f"![Total variation by column](data:image/svg+xml;base64,{encoded})"


def recall_bars(title: str, rows: Sequence[tuple[str, float, float, float]]) -> str:
    """Bars of (name, share, low, high), best first, each with its interval."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    rows = sorted(rows, key=lambda row: -row[1])
    figure = Figure(figsize=(7.2, 0.9 + 0.3 * len(rows)), dpi=110, layout="constrained")
    axes = figure.subplots()
    places = list(range(len(rows)))
    shares = [100 * share for _, share, _, _ in rows]
    # An interval that was drawn from few anomalies need not hold the share itself.
    errors = [
        [100 * max(share - low, 0) for _, share, low, _ in rows],
        [100 * max(high - share, 0) for _, share, _, high in rows],
    ]
    axes.barh(places, shares, color=_BLUE, height=0.65, xerr=errors, ecolor="#1b1f24", capsize=3, error_kw={"lw": 1})
    axes.set_yticks(places, [name for name, *_ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of the kind's anomalies; line: 95 % interval", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return _as_image(title, figure)


def score_steps(rows: Sequence[tuple[float, int, int]]) -> str:
    """Claims and anomalies by score, from (lower edge, claims, anomalies) of equal steps, on a logarithmic scale."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    title = "Claims and anomalies by score"
    figure = Figure(figsize=(7.2, 2.6), dpi=110, layout="constrained")
    axes = figure.subplots()
    width = 1 / len(rows)
    for label, color, part, shift in (("clean", _BLUE, 0, 0.0), ("anomalies", _RED, 1, 0.45)):
        heights = [anomalies if part else claims - anomalies for _, claims, anomalies in rows]
        axes.bar([low + (0.25 + shift) * width for low, _, _ in rows], heights, 0.42 * width, color=color, label=label)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_xlabel("risk score", fontsize=8)
    axes.set_ylabel("claims", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return _as_image(title, figure)


def _as_image(title: str, figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return f"![{title}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"
