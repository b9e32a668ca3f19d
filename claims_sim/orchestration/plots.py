"""Small pictures for materialization metadata, as Markdown with the image inside. Draws what it is given; computes nothing."""

import base64
import io
from collections.abc import Sequence
from typing import Final

_BLUE: Final = "#3b5bdb"


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
