"""An evaluation as one HTML page that needs no network, prints on A4 and speaks English and Indonesian. Measures nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from claims_sim.scoring.evaluation import words
from claims_sim.scoring.evaluation.compare import Comparison
from claims_sim.scoring.evaluation.evaluate import REVIEWS_PER_AUDITOR, Evaluation

Language = Literal["en", "id"]
_STEPS: Final = ((1e12, "trillion", "triliun"), (1e9, "billion", "miliar"), (1e6, "million", "juta"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of the claims themselves: scores of the last fidelity report (may be none), and the profile's k."""

    fidelity: Sequence[Mapping[str, Any]]
    k: int
    unit: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a page of one scorer shows. `title` and `about` are texts of `words.TEXTS`.

    `is_calibrated`: its scores promise a share of clean claims above them, as those of the built-in scorer do.
    """

    found: Evaluation
    scorer: str
    profile: str
    made_at: str
    title: str = "title"
    about: str = "exam"
    release: Comparison | None = None
    release_matters: bool = False
    stream: Evaluation | None = None
    no_stream: str = ""
    facts: Facts | None = None
    shows_flagged: bool = False
    is_calibrated: bool = False


def render_page(page: Page, language: Language = "en") -> str:
    """The page of one scorer; `language` is the one that is shown first."""
    values = {name: getattr(page, name) for name in Page.__dataclass_fields__ if name not in {"title", "about"}}
    return render("scoring.html.j2", language, words.TEXTS[page.title], about=words.TEXTS[page.about], **values)


def render(template: str, language: Language, title: words.Words, **values: Any) -> str:  # noqa: ANN401 - for a template
    """Any page of the folder `pages`."""
    environment = Environment(
        loader=PackageLoader("claims_sim.scoring.evaluation", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        t=_say,
        both=_both,
        name=lambda kind: _both(words.KINDS.get(kind, (kind, kind))),
        why=lambda reason: _both((reason, words.NO_STREAM.get(reason) or reason)),
        pct=_percent,
        num=_number,
        span=_interval,
        rp=_rupiah,
        whole=lambda value: _both((f"{value:,.0f}", f"{value:,.0f}".replace(",", "."))),
        measures=words.MEASURES,
        natures=words.NATURES,
        strengths=words.STRENGTHS,
        columns=words.COLUMNS,
        fidelity=words.FIDELITY,
        reviews_per_auditor=REVIEWS_PER_AUDITOR,
    )
    return environment.get_template(template).render(language=language, title=title, **values)


def _say(name: str, *values: object) -> Markup:
    english, indonesian = words.TEXTS[name]
    if not values:
        return _both((english, indonesian))
    filled = [[_in(value, tongue) for value in values] for tongue in (0, 1)]
    return _both((english.format(*filled[0]), indonesian.format(*filled[1])))


def _in(value: object, tongue: int) -> object:
    """A value inside a text: of another pair of texts, the one of the same language."""
    return value.pair[tongue] if isinstance(value, _Pair) else value


class _Pair(Markup):
    """Both texts as HTML, and still to be told apart."""

    pair: words.Words


def _both(pair: words.Words) -> Markup:
    english, indonesian = (escape(text) for text in pair)
    if english == indonesian:
        made = _Pair(english)
    else:
        made = _Pair(f'<span class="en" lang="en">{english}</span><span class="id" lang="id">{indonesian}</span>')
    made.pair = pair
    return made


def _number(value: float, digits: int, is_signed: bool = False) -> Markup:
    text = f"{value:.{digits}f}".replace("-", "−") if isfinite(value) else "–"
    text = f"+{text}" if is_signed and value > 0 else text
    return _both((text, text.replace(".", ",")))


def _percent(share: float, digits: int = 0) -> Markup:
    text = f"{100 * share:.{digits}f} %" if isfinite(share) else "–"
    return _both((text, text.replace(".", ",")))


def _interval(low: float, high: float, digits: int) -> Markup:
    """From where to where; a minus is no dash, so that differences below 0 can be read."""
    if not (isfinite(low) and isfinite(high)):
        return _both(("–", "–"))
    first, last = (f"{value:.{digits}f}".replace("-", "−") for value in (low, high))
    return _both((f"{first} to {last}", f"{first} hingga {last}".replace(".", ",")))


def _rupiah(amount: float) -> Markup:
    for size, english, indonesian in _STEPS:
        if amount >= size:
            number = f"{amount / size:.1f}" if amount < 100 * size else f"{amount / size:.0f}"
            return _both((f"Rp {number} {english}", f"Rp {number.replace('.', ',')} {indonesian}"))
    return _both((f"Rp {amount:,.0f}", f"Rp {amount:,.0f}".replace(",", ".")))
