"""The code systems' names of the codes that a profile tells."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from claims_sim.profile.counts.counting import Codes
from claims_sim.profile.document_parts import FURTHER_PROCEDURE
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.encoding.facilities import text_codes
from claims_sim.profile.reading.source import SourceTable


def names_of_diagnoses(encoded: Encoded, source: SourceTable) -> dict[str, str]:
    """ICD-10's names of the codes of primary and further diagnoses."""
    return _names(encoded, source, "dx_primary_label", ("dx_primary_code", "dx_secondary_codes"), _icd10_label)


def names_of_procedures(encoded: Encoded, source: SourceTable) -> dict[str, str]:
    """ICD-9-CM's names of the codes of procedures."""
    return _names(encoded, source, "procedure_label", ("procedure_code", FURTHER_PROCEDURE), _icd9cm_label)


def _icd10_label(code: str) -> str | None:
    from claims_sim.codes import icd10  # noqa: PLC0415 - the code system is loaded when a profile is fitted, never by a tick

    # Labels have no underscores, should a range (U00_U99) have no name.
    return icd10.label(code) or icd10.label_of_range(code) or (code.replace("_", "-") if "_" in code else None)


def _icd9cm_label(code: str) -> str | None:
    from claims_sim.codes import icd9cm  # noqa: PLC0415 - as above

    return icd9cm.label(code)


def _names(
    encoded: Encoded, source: SourceTable, written: str, columns: tuple[str, ...], label: Callable[[str], str | None]
) -> dict[str, str]:
    """The code system's names of the codes that `columns` may have, the first of which is named by the column `written`.

    Where that column has these very names, a rare code is given none that too few claims are written with to tell of it. Numbers are
    given names where most that are borne have some: by chance those of another list have, too.
    """
    names = [
        {code: name for code in encoded.vocabularies.get(column, ()) if code is not None and (name := label(code))}
        for column in columns
    ]
    told, of_first = set(encoded.vocabularies.get(written, ())), names[0]
    vocabulary = encoded.vocabularies.get(columns[0], ())
    codes = encoded.codes.get(columns[0], np.zeros(0, np.int32))
    if len(codes):
        # Rarer codes count as theirs, too: written with a code are those that have it themselves.
        codes = np.where(_as_written(source, columns[0], vocabulary) == codes, codes, np.int32(-1))
    rows = np.flatnonzero(codes >= 0)
    borne = encoded.population.weights(codes[rows].astype(np.int64), len(vocabulary), rows)
    numbered = np.array([code is not None and code.isdecimal() for code in vocabulary], np.bool_)
    of_system = np.array([code in of_first for code in vocabulary], np.bool_)
    if borne[numbered & of_system].sum() < borne[numbered].sum() / 2:
        names[0] = of_first = {code: name for code, name in of_first.items() if not code.isdecimal()}
    as_named = np.array([code in of_first and of_first[code] in told for code in vocabulary], np.bool_)
    if borne[as_named].sum() > borne.sum() / 2:
        # Of a common code whose name is not told nearly all claims are written otherwise.
        population = replace(encoded.population, k=2 * encoded.population.k)
        common = population.releasable(codes[rows].astype(np.int64), len(vocabulary), rows)
        names[0] = {
            code: of_first[code]
            for i, code in enumerate(vocabulary)
            if code in of_first and (common[i] or of_first[code] in told)
        }
    others = {code: name for further in names[1:] for code, name in further.items() if code not in of_first}
    return dict(sorted((names[0] | others).items()))


def _as_written(source: SourceTable, column: str, vocabulary: Sequence[str | None]) -> Codes:
    """The code of what each claim has in a column, as far as that is one of the `vocabulary`; -1 otherwise."""
    code_of = {value: code for code, value in enumerate(vocabulary) if value is not None}
    texts = source.columns[column].combine_chunks().dictionary.to_pylist()
    return np.array([*(code_of.get(text, -1) for text in texts), -1], np.int32)[text_codes(source.columns[column])]
