"""`claims-sim profile`: make a profile (production zone, read-only), look at it, approve it, compare two."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

if TYPE_CHECKING:
    from claims_sim.profile.crossing import Crossing, ValueList
    from claims_sim.profile.document import Profile
    from claims_sim.settings import Settings

_SHOWN = 40
app = typer.Typer(invoke_without_command=True)


@app.callback()
def profile(
    context: typer.Context,
    source: Annotated[
        Path | None, typer.Option(help="DuckDB, Parquet or CSV file; default: CLAIMS_SIM_SOURCE.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Table or view in the source; may be left out where there is only one.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file that maps a foreign table's columns and values.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the profile here; default: put it in force in the state folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Profile a real claims table: aggregates only, small cells suppressed. Commands: show it, approve it, compare two.

    Without a source of yours, a demo source of invented claims is made and profiled.

    Example: claims-sim profile --source claims.duckdb --table claims_normalized --out profile.json
    """
    if context.invoked_subcommand:
        return
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now
    from claims_sim.profile.counts.telling import about
    from claims_sim.profile.reading.source_columns import absent_in_words

    settings = read_settings(source=source, source_table=table, mapping=mapping)
    if out:
        pipeline.check_output(settings, out)
    pipeline.ensure_source(settings, lambda text: typer.echo(text, err=True))
    refresh = pipeline.profile_source(settings, utc_now())
    if out:
        refresh.profile.save(out)
    else:
        pipeline.keep_profile(settings, refresh.profile)
    found = refresh.profile
    state = {} if out else {"approval": pipeline.approval_state(settings).describe()}
    if out and (otherwise := pipeline.made_otherwise(settings, found.profile_hash, released=False)):
        state["caution"] = f"an earlier one of this source was made {otherwise}: give away one of them only"
    elif refused := pipeline.why_not_beside(settings, found.profile_hash):
        state["waits"] = refused
    print_result(
        {
            "profile": str(out or settings.profile_path),
            "hash": found.profile_hash,
            "new": "yes" if refresh.is_new else f"no: {refresh.held_back or 'the source has not changed'}",
            "claims": about(found.rows),
            "smallest cell": f"{found.smallest_cell()} {found.unit} (k = {found.k})",
            "period": " to ".join(found.period),
            "absent columns": absent_in_words(found.absent),
            "oddities": list(found.oddities),
            **({"moved": refresh.movement.sentence()} if refresh.movement else {}),
            **state,
            **({"next": _after_profile(settings, out)} if out and settings.source else {}),
        },
        as_json,
    )


def _after_profile(settings: "Settings", out: Path) -> str:
    """How claims are made from the table that was looked at."""
    spec = {"SOURCE": settings.source, "SOURCE_TABLE": settings.source_table, "MAPPING": settings.mapping}
    asked = {
        name: value
        for name, value in spec.items()
        if value and value != type(settings).model_fields[name.lower()].default
    }
    variables = " ".join(f"CLAIMS_SIM_{name}={shlex.quote(str(value))}" for name, value in asked.items())
    return f"look at it (claims-sim profile show {shlex.quote(str(out))}), then: {variables} claims-sim up"


@app.command("show")
def show(
    which: Annotated[
        str | None, typer.Argument(metavar="[FILE|HASH]", help="Default: the newest profile in the state folder.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="List every value, however many a column has.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what crosses with a profile: its tables, their smallest counts, what was merged, and every value.

    Example: claims-sim profile show --all
    """
    from claims_sim.profile.crossing import describe_crossing

    crossing = describe_crossing(_named(which))
    if as_json:
        print(json.dumps(crossing.as_dict(), indent=1))
        return
    _print_tables(crossing)
    for values in crossing.lists:
        _print_values(values, len(values.values) if every else _SHOWN)
    print("\nNothing else is in it: no claim, no person, no facility, no free text.")
    print(f'If this may leave the source: claims-sim profile approve {crossing.profile_hash[:12]} --by "your name"')


@app.command("approve")
def approve(
    profile_hash: Annotated[
        str, typer.Argument(metavar="HASH", help="As `profile show` prints it; its beginning is enough.")
    ],
    by: Annotated[str, typer.Option(help="Who approves.")],
    note: Annotated[str, typer.Option(help="Why, or under which conditions.")] = "",
    beside_earlier: Annotated[
        bool,
        typer.Option(help="Also beside an earlier profile of the source that was made otherwise."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Record that a profile may be used, by whom and when; one that waited for it is put in force.

    An approval is of exactly this content: when the source has changed, the new profile needs one of its own.
    CLAIMS_SIM_REQUIRE_APPROVAL=true lets claims be made from approved profiles only. A profile made otherwise (another k or
    mapping, or claims read or hashed otherwise, as after an upgrade) than an earlier one of the same source waits in any case, until
    --beside-earlier says that both may be known.

    Example: claims-sim profile approve 3f2a9c01d4e7 --by "A. Rahman, data protection"
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    settings = read_settings()
    approval = pipeline.approve_profile(settings, profile_hash, by, note, utc_now(), beside_earlier=beside_earlier)
    print_result(
        {
            "approved": approval.profile_hash,
            "by": approval.approved_by,
            "at": f"{approval.approved_at:%Y-%m-%d %H:%M} UTC",
            **({"beside": "an earlier one of the source, made otherwise"} if approval.beside_earlier else {}),
        },
        as_json,
    )


@app.command("diff")
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A profile's file, or the beginning of a kept one's hash.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another.")],
    as_json: JsonOption = False,
) -> None:
    """Show what moved from one profile to another: rows, and how far each column's distribution went.

    Example: claims-sim profile diff january.json february.json
    """
    from claims_sim import pipeline
    from claims_sim.profile.movement import compare_profiles

    settings = read_settings()
    movement = compare_profiles(pipeline.named_profile(settings, old), pipeline.named_profile(settings, new))
    if as_json:
        print(json.dumps(movement.as_dict(), indent=1, default=str))
        return
    print(f"{movement.sentence()}.")
    print(f"period      {' to '.join(movement.period_then)}, now {' to '.join(movement.period_now)}")
    for names, what in ((movement.only_then, "gone"), (movement.only_now, "new")):
        if names:
            print(f"{what:<11} {', '.join(names)}")
    print(f"\n{'column':<22} {'moved':>6} {'rounding':>8}  furthest (share then, now)")
    for field in movement.fields:
        furthest = "; ".join(f"{m.value} {m.then:.1%}, {m.now:.1%}" for m in field.movers[:3])
        print(f"{field.name:<22} {field.distance:>6.3f} {field.rounding:>8.3f}  {furthest}")


def _named(which: str | None) -> "Profile":
    from claims_sim import pipeline
    from claims_sim.errors import ProfileError

    settings = read_settings()
    found = pipeline.named_profile(settings, which) if which else pipeline.latest_profile(settings)
    if found is None:
        raise ProfileError(f"There is no profile in {settings.state_dir} yet: make one with `claims-sim profile`.")
    return found


def _print_tables(crossing: "Crossing") -> None:
    from claims_sim.profile.counts.telling import about

    print(f"profile {crossing.profile_hash}")
    print(f"made at {crossing.made_at} from {about(crossing.claims)} claims; {crossing.counted}")
    wide = max(len("counts of"), *(len(table.name) for table in crossing.tables))
    print(
        f"\n{'counts of':<{wide}} {'values':>6} {'cells':>7} {'merged':>7} {'smallest':>8} {'in merged':>9} {'general':>8}  given"
    )
    for table in crossing.tables:
        print(
            f"{table.name:<{wide}} {table.values:>6,} {table.cells:>7,} {table.remainders:>7,} {table.smallest:>8,} "
            f"{table.merged:>9.1%} {table.general:>8.1%}  {', '.join(table.given) or 'nothing'}"
        )
    print(
        "cells: counts of single values. merged: counts of what was too small, together; in merged: the claims in these.\n"
        "smallest: the least count of the table, in claims. general: claims counted with fewer variables given, as finer\n"
        "cells were too small."
    )
    ranges = "; ".join(f"{name}: {count}" for name, count in crossing.ranges)
    print(f"\nRanges of numbers, each with enough claims: {ranges}")
    print(f"Money: {'; '.join(f'{count:,} {what}' for what, count in crossing.money)}")
    print(f"Sentences about the source: {'; '.join(crossing.sentences) or 'none'}")


def _print_values(listed: "ValueList", most: int) -> None:
    print(f"\n{listed.column}: {len(listed.values):,} values. From {listed.origin}.")
    for value, name in list(zip(listed.values, listed.names, strict=True))[:most]:
        print(f"  {value}" + (f"  {name}" if name else ""))
    if len(listed.values) > most:
        print(f"  … and {len(listed.values) - most:,} more: --all lists them")
