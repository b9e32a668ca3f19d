"""`claims-sim doctor`: look at everything the simulator needs, change nothing, and say how to mend what is wrong."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from claims_sim import pipeline
from claims_sim.channels.opening import jsonl_folder
from claims_sim.errors import ClaimsSimError, SettingsError
from claims_sim.launch.up import free_port
from claims_sim.llm.commands import model_status
from claims_sim.llm.endpoint import Endpoint, endpoint_of
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.opening import listed_models
from claims_sim.llm.prices import parse_prices, price_of
from claims_sim.llm.weights import find_weights
from claims_sim.pipeline.model import model_state
from claims_sim.profile.counts.telling import about
from claims_sim.profile.document import Profile
from claims_sim.profile.reading.source import is_single_table, read_source
from claims_sim.profile.reading.source_columns import what_follows
from claims_sim.scoring.protocol import DEFAULT_SPEC
from claims_sim.settings import Settings
from claims_sim.store import control, counts
from claims_sim.store.stream import stored_position

Verdict = Literal["ok", "note", "wrong"]
_LOW_DISK: Final = 1_000_000_000
_ELSEWHERE: Final = "CLAIMS_SIM_STATE_DIR to a folder of yours"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `wrong` keeps the simulator from working; a `note` does not."""

    what: str
    verdict: Verdict
    found: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which a newcomer would need them."""
    examiners: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("state folder", _state),
        ("isolation", _isolation),
        ("source", _source),
        ("profile", _profile),
        ("approval", _approval),
        ("simulation database", _database),
        ("channel", _channel),
        ("author", _author),
        ("scorer", _scorer),
        ("port", _port),
        ("producer", _producer),
    )
    findings: list[Finding] = []
    for what, examiner in examiners:
        try:
            findings += examiner(settings)
        except ClaimsSimError as error:
            findings.append(Finding(what, "wrong", str(error)))
    return findings


def _state(settings: Settings) -> Iterator[Finding]:
    folder = settings.state_dir
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        yield Finding(
            "state folder", "wrong", f"{folder} cannot be written; make {there} writable, or set {_ELSEWHERE}"
        )
        return
    verdict: Verdict = "ok" if free > _LOW_DISK else "note"
    yield Finding(
        "state folder", verdict, f"{folder}, {free / 1e9:.1f} GB free" + ("" if verdict == "ok" else ": that is little")
    )


def _isolation(settings: Settings) -> Iterator[Finding]:
    pipeline.check_isolation(settings)
    yield Finding("isolation", "ok", "source and simulation are different files")


def _source(settings: Settings) -> Iterator[Finding]:
    if settings.source is None and not settings.source_path.exists():
        yield Finding(
            "source",
            "note",
            "none is set; `claims-sim up` makes invented demo data. Yours: CLAIMS_SIM_SOURCE=file.duckdb",
        )
        return
    spec = pipeline.source_spec(settings)
    source = read_source(spec, settings.privacy_k).only_possible(settings.privacy_k)
    where = f"{spec.path}" if is_single_table(spec.path) else f"{spec.path}, {spec.table}"
    yield Finding("source", "ok", f"{where}: {about(source.rows)} claims")
    yield from (Finding("source values", "note", sentence) for sentence in source.oddities)
    if source.absent:
        yield from _absent_columns(source.absent)


def _absent_columns(absent: Sequence[str]) -> Iterator[Finding]:
    follows = what_follows(absent)
    lacking = [name for name in absent if name not in follows]
    told = [f"absent, defaults stand in: {', '.join(lacking)}"] if lacking else []
    told += [f"{name} is {how}" for name, how in follows.items()]
    yield Finding("source columns", "note" if lacking else "ok", "; ".join(told))


def _profile(settings: Settings) -> Iterator[Finding]:
    if not settings.profile_path.exists():
        yield Finding("profile", "note", "none yet; the first start makes it")
        return
    profile = Profile.load(settings.profile_path)
    yield Finding(
        "profile",
        "ok",
        f"of {profile.created_at:%Y-%m-%d %H:%M} UTC, {about(profile.rows)} claims, k = {profile.k} {profile.unit}",
    )


def _approval(settings: Settings) -> Iterator[Finding]:
    state = pipeline.approval_state(settings)
    if state.in_force is None and state.waiting is None:
        return
    verdict: Verdict = "ok" if state.approval else "wrong" if settings.require_approval else "note"
    yield Finding("approval", "note" if state.waiting and state.approval else verdict, state.describe())


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_path.exists():
        yield Finding("simulation database", "note", "none yet; the first batch makes it")
        return
    flow = counts.count_flow(pipeline.database(settings))
    yield Finding(
        "simulation database", "ok", f"{settings.database_path}: {flow.ingested:,} claims, {flow.scored:,} scored"
    )
    quarantined = flow.batches.get("quarantined", 0)
    if quarantined:
        yield Finding(
            "quarantine", "note", f"{quarantined} batches failed review at the relay and were never sent; see the runs"
        )
    if flow.dead_letters:
        yield Finding(
            "dead letters",
            "note",
            f"{flow.dead_letters} messages were no acceptable claims; see `claims-sim dead-letters list`",
        )


def _channel(settings: Settings) -> Iterator[Finding]:
    folder = jsonl_folder(settings.channel_url)
    if folder is not None and not folder.exists():  # opening it would make it
        above = next(path for path in folder.absolute().parents if path.exists())
        if os.access(above, os.W_OK):
            yield Finding("channel", "note", f"{folder}: none yet; the first batch makes it")
        else:
            yield Finding("channel", "wrong", f"{folder} cannot be made: {above} cannot be written")
        return
    opened = pipeline.channel(settings)
    try:
        described, behind = opened.describe(), 0
        if settings.database_path.exists():
            behind = opened.lag(stored_position(pipeline.database(settings), opened))
        yield Finding("channel", "ok", f"{described}; {behind} bytes not yet ingested")
    finally:
        opened.close()


def _author(settings: Settings) -> Iterator[Finding]:
    if settings.author == "statistical":
        yield Finding("author", "ok", "statistical: no model is needed")
        return
    endpoint = endpoint_of(settings)
    if endpoint is not None:
        yield Finding("author", *_reached(settings, endpoint))
    else:
        found = find_weights(settings.state_dir, settings.llm_gguf, remember=False)
        server = model_status(settings).get("server", "not running")
        yield Finding("author", "ok", f"local model {found.path.name}; server {server}")
    yield from _model(settings)


def _model(settings: Settings) -> Iterator[Finding]:
    state = model_state(settings)
    hindered: Verdict = "wrong" if settings.force_llm else "note"
    known = (
        state.abilities.describe() if state.abilities else "not asked yet what it can do; `claims-sim llm probe` asks"
    )
    yield Finding("model's answers", "ok" if state.abilities else "note", known)
    try:
        pipeline.check_prompts(settings)
        yield Finding("model's prompts", "ok", state.form)
    except SettingsError as error:
        yield Finding("model's prompts", "wrong", str(error))
    if state.left_alone:
        yield Finding("model's breaker", hindered, state.left_alone)
    unpriced = state.limits.has_cost and price_of(parse_prices(settings.llm_prices), settings.llm_model) is None
    if unpriced and settings.llm_base_url and settings.llm_model:
        text = f"money is limited, but {settings.llm_model} has no price: add it to CLAIMS_SIM_LLM_PRICES"
        yield Finding("model's budget", "wrong", text)
    else:
        yield Finding("model's budget", hindered if state.spent_up else "ok", state.spent_up or state.spending)


def _reached(settings: Settings, endpoint: Endpoint) -> tuple[Verdict, str]:
    """What the server says to a question that costs nothing: which models it has."""
    parts, model = urlsplit(endpoint.base_url), settings.llm_model
    where = f"model server {parts.hostname}{f':{parts.port}' if parts.port else ''}"
    try:
        listed = listed_models(settings, endpoint)
    except LLMError as error:
        if error.kind in (Failure.INVALID, Failure.REFUSED) and error.status not in (401, 403):
            return "ok", f"{where} answers; it does not say which models it has"
        hindered: Verdict = "wrong" if settings.force_llm else "note"
        return hindered, f"{error} The statistical author would write."
    if model and model not in listed:
        return "note", f"{where} answers, and does not list '{model}' but {', '.join(listed[:5]) or 'no model'}"
    return "ok", f"{where} answers, with {model or ', '.join(listed[:1]) or 'no model'}"


def _scorer(settings: Settings) -> Iterator[Finding]:
    """A scorer of the user's own is opened, asked once, and let go; ours comes with the profile."""
    if settings.scorer in ("", DEFAULT_SPEC):
        yield Finding("scorer", "ok", "the built-in one")
        return
    tried = {check.name: check for check in pipeline.try_scorer(settings, settings.scorer)}
    failed = [f"{name}: {check.detail}" for name, check in tried.items() if check.verdict == "failed"]
    if failed:
        yield Finding("scorer", "wrong", f"{failed[0]} `claims-sim scorer check {settings.scorer}` says more.")
        return
    yield Finding("scorer", "ok", tried["opens"].detail)
    yield from (Finding("scorer", "note", f"{n}: {c.detail}") for n, c in tried.items() if c.verdict == "note")


def _port(settings: Settings) -> Iterator[Finding]:
    port = free_port(settings.port, settings.host)
    ours = (control.get_status(settings.state_dir, "up") or {}).get("url", "")
    if port != settings.port and ours.endswith(f":{settings.port}"):
        yield Finding("port", "ok", f"{settings.port}, which `claims-sim up` holds")
        return
    busy = f"{settings.port} is busy, {port} would be taken"
    yield Finding("port", "ok", str(port)) if port == settings.port else Finding("port", "note", busy)


def _producer(settings: Settings) -> Iterator[Finding]:
    holder = control.holder(settings.state_dir) if settings.state_dir.exists() else None
    yield Finding("producer", "ok", holder.describe() if holder else "none at the moment")
