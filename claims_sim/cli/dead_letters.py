"""Commands about dead letters: messages that arrived and were no acceptable claims."""

import json
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

if TYPE_CHECKING:
    from claims_sim.settings import Settings
    from claims_sim.store.database import SimulationDatabase
    from claims_sim.store.dead_letters import Chosen

app = typer.Typer(
    help="Messages that arrived and were no acceptable claims: list, show, retry, drop.", no_args_is_help=True
)

IdsArgument = Annotated[list[str] | None, typer.Argument(help="Ids, or their first characters.")]
ReasonOption = Annotated[str, typer.Option(help="Only those whose reason holds this text.")]
OlderOption = Annotated[float | None, typer.Option(min=0, help="Only those that came more than so many days ago.")]
AllOption = Annotated[bool, typer.Option("--all", help="All open ones.")]


@app.command("list")
def list_command(
    ids: IdsArgument = None,
    reason: ReasonOption = "",
    older_than: OlderOption = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Also those that were retried or dropped.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show so many, the newest.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, the newest first, without their content.

    Example: claims-sim dead-letters list --reason not_json
    """
    from claims_sim.store import dead_letters

    _, db = _database()
    chosen = _chosen(ids, reason, older_than)
    count, letters = dead_letters.list_letters(db, chosen, limit=limit, resolved=resolved)
    if as_json:
        print(json.dumps({"count": count, "dead_letters": letters}, indent=1, default=str))
        return
    for letter in letters:
        status = "" if letter["status"] == "open" else f"  [{letter['status']}]"
        print(
            f"{letter['dead_letter_id'][:10]}  {letter['received_at']:%Y-%m-%d %H:%M:%S}  {letter['raw_bytes']:>7,} B  "
            f"{_printable(letter['reason'])}  {_printable(letter['claim_id'] or '')}{status}"
        )
    print(f"{count} dead letters" + (f", {len(letters)} shown (--limit)" if count > len(letters) else ""))


@app.command()
def show(
    dead_letter: Annotated[str, typer.Argument(help="Its id, or the first characters of it.")],
    limit: Annotated[int, typer.Option(min=0, help="Show so many bytes of the message.")] = 2_000,
    raw: Annotated[bool, typer.Option("--raw", help="Write the kept bytes as they are, and nothing else.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one dead letter: why, whence and what came. It may hold what a person sent by mistake.

    Example: claims-sim dead-letters show 4f2a91 --raw > message.bin
    """
    from claims_sim.store import dead_letters

    letter = dead_letters.read_letter(_database()[1], dead_letter)
    content: bytes = letter.pop("raw") or b""
    if raw:
        sys.stdout.buffer.write(content)
        return
    text = _printable(content[:limit].decode("utf-8", "backslashreplace"))
    letter |= {"kept_bytes": len(content), "content": text}
    if as_json:
        print(json.dumps(letter, indent=1, default=str))
        return
    shown = {name.replace("_", " "): _printable(str(value)) for name, value in letter.items() if value is not None}
    print_result(shown, as_json=False)
    if len(content) > limit:
        print(f"({limit:,} of {len(content):,} kept bytes; --limit or --raw shows more)")


@app.command()
def retry(
    ids: IdsArgument = None,
    everything: AllOption = False,
    reason: ReasonOption = "",
    older_than: OlderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge dead letters again by the rules of this version; what passes is stored, exactly once.

    Exit code 1 when some are refused again.

    Example: claims-sim dead-letters retry --reason facility_class_grammar
    """
    from claims_sim import pipeline
    from claims_sim.store import dead_letters

    settings, db = _database()
    done = dead_letters.retry_letters(db, _some(ids, everything, reason, older_than))
    pipeline.publish_snapshots(settings)
    result = {
        "stored": done.stored,
        "copies of stored claims": done.duplicates,
        "refused again": done.refused,
        "kept only in part": done.cut,
    }
    print_result(result, as_json)
    raise typer.Exit(1 if done.refused or done.cut else 0)


@app.command()
def drop(
    ids: IdsArgument = None,
    everything: AllOption = False,
    reason: ReasonOption = "",
    older_than: OlderOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Drop dead letters: their content goes, a row that says that they came stays.

    Example: claims-sim dead-letters drop --older-than 30 --dry-run
    """
    from claims_sim import pipeline
    from claims_sim.store import dead_letters

    settings, db = _database()
    chosen = _some(ids, everything, reason, older_than)
    reasons = dead_letters.count_by_reason(db, chosen)
    if dry_run:
        print_result({"would be dropped": sum(reasons.values()), "by reason": _by_reason(reasons, as_json)}, as_json)
        return
    dropped = dead_letters.drop_letters(db, chosen)
    pipeline.publish_snapshots(settings)
    print_result({"dropped": dropped, "by reason": _by_reason(reasons, as_json)}, as_json)


def _database() -> "tuple[Settings, SimulationDatabase]":
    from claims_sim import pipeline
    from claims_sim.errors import StoreError

    settings = read_settings()
    if not settings.database_path.exists():
        raise StoreError(f"There is no simulation database at {settings.database_path} yet: nothing has arrived.")
    return settings, pipeline.database(settings)


def _chosen(ids: list[str] | None, reason: str, older_than: float | None) -> "Chosen":
    from claims_sim.generation.batch import utc_now
    from claims_sim.store.dead_letters import Chosen

    before: datetime | None = utc_now() - timedelta(days=older_than) if older_than is not None else None
    return Chosen(tuple(ids or ()), reason, before)


def _some(ids: list[str] | None, everything: bool, reason: str, older_than: float | None) -> "Chosen":
    """The chosen letters of a command that changes something: which ones must be said."""
    from claims_sim.errors import RequestError

    if not (ids or everything or reason or older_than is not None):
        raise RequestError("Say which dead letters: ids, --reason, --older-than, or --all.")
    return _chosen(ids, reason, older_than)


def _by_reason(reasons: dict[str, int], as_json: bool) -> Any:  # noqa: ANN401 - an object or a line
    if as_json:
        return reasons
    return "; ".join(f"{_printable(reason)}: {count}" for reason, count in reasons.items()) or "none"


def _printable(text: str) -> str:
    """`text` without what could move the cursor or ring the bell: it comes from outside."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
