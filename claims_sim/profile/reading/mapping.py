"""The mapping file: a table with other column names or other values, told in TOML. Reads and checks; applies nothing."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from claims_sim.errors import SourceError
from claims_sim.profile.reading.source_columns import CANONICAL, CLAIM_ID, ColumnMapping

__all__ = ["ColumnMapping", "load_mapping"]


@dataclass(frozen=True, slots=True)
class _Sections:
    columns: Mapping[str, object] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)


def load_mapping(path: Path) -> ColumnMapping:
    """Read `[columns] los = "stay_days"`, `dx_secondary_codes = ["dx2", "dx3"]` and `[values.facility_ownership] "3" = "Pemkab"`.

    Several columns are one list, or one key of owners (`patient_id_hash = ["birth_date", "sex"]`).

    Raises SourceError when the file is missing, no TOML, or names a column that no claim has.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"The mapping file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"The mapping file {path} is no TOML: {str(error).splitlines()[0]}.") from None
    strange = set(document) - {"columns", "values"}
    if strange:
        raise SourceError(
            f"The mapping file {path} has a section [{min(strange)}]; only [columns] and [values.COLUMN] are known."
        )
    for section in ("columns", "values"):
        if not isinstance(document.get(section, {}), dict):
            raise SourceError(f"The mapping file {path} gives {section} a single value; it is a section: [{section}].")
    sections = _Sections(columns=document.get("columns", {}), values=document.get("values", {}))
    names = _names(path, sections)
    return ColumnMapping(
        columns={name: theirs[0] for name, theirs in names.items()},
        also={name: theirs[1:] for name, theirs in names.items() if theirs[1:]},
        values=_values(path, sections),
    )


def _names(path: Path, sections: _Sections) -> dict[str, tuple[str, ...]]:
    """Their columns of each of ours: one, or several, of one code each for a list and of a part each for a key of owners."""
    names: dict[str, tuple[str, ...]] = {}
    for name, theirs in sections.columns.items():
        _check_name(path, name, "has a line {name} under [columns]")
        several = theirs if isinstance(theirs, list) and CANONICAL.get(name) in ("list", "hash") else [theirs]
        columns = tuple(column for column in several if isinstance(column, str))
        if not columns or len(columns) < len(several):
            raise SourceError(
                f"The mapping file {path} gives [columns] {name} something that is no column name in quotes."
            )
        names[name] = columns
    return names


def _values(path: Path, sections: _Sections) -> dict[str, dict[str, str]]:
    values: dict[str, dict[str, str]] = {}
    for name, pairs in sections.values.items():
        _check_name(path, name, "has a section [values.{name}]")
        if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
            raise SourceError(f'The mapping file {path} needs lines such as "3" = "Pemkab" under [values.{name}].')
        values[name] = dict(pairs)
    return values


def _check_name(path: Path, name: str, told: str) -> None:
    if name not in CANONICAL and name != CLAIM_ID:
        raise SourceError(
            f"The mapping file {path} {told.format(name=name)}, but {name!r} is no column of claims; they are: "
            f"{', '.join((CLAIM_ID, *CANONICAL))}."
        )
