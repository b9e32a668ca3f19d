"""Are there claims enough of any diagnosis for a profile? One clear line where there are not."""

from typing import Final

import numpy as np

from claims_sim.errors import SourceError
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.counts.telling import about, share_of
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.encoding.facilities import text_codes
from claims_sim.profile.reading.source import SourceTable
from claims_sim.profile.texts.own_codes import are_written_as_codes

_MANY_CLAIMS, _NEARLY_NONE = 1000, 0.05
OF_ONE_FACILITY: Final = (
    "No count of a diagnosis may be told: nearly all claims are of one facility. Give the claims of several, or, where that "
    "facility is your own, leave the key of facilities out of the mapping file."
)


def has_codes_of_each_claim(encoded: Encoded, source: SourceTable) -> bool:
    """Is the diagnosis of many claims written as codes are, and nearly every claim's another, so that it tells nothing of any other?"""
    if any(code is not None for code in encoded.vocabularies.get("dx_primary_code", ())) or encoded.rows < _MANY_CLAIMS:
        return False
    column = source.columns["dx_primary_code"].combine_chunks()
    values = column.dictionary.drop_null().to_pylist()
    shared = _claims_of_shared_codes(encoded.population.without_facilities(), source)
    return shared < _NEARLY_NONE * encoded.rows and are_written_as_codes(values)


def require_enough(encoded: Encoded, source: SourceTable) -> None:
    """Raises `SourceError` where no diagnosis code may be told, with what it is that is lacking."""
    population = encoded.population
    if not any(code is not None for code in encoded.vocabularies.get("dx_primary_code", ())):
        shared, by_persons = (
            _claims_of_shared_codes(told, source) for told in (population, population.without_facilities())
        )
        if shared > encoded.rows / 2:
            raise SourceError(
                f"No diagnosis code may be released, though {share_of(shared, encoded.rows).lower()} of the claims have one that "
                f"{population.k} {population.unit} share: they are written neither as codes of ICD-10, ICD-11 or ICD-9-CM nor as a list "
                "of other codes. Name the right column in a mapping file, or give its values codes under [values.dx_primary_code]."
            )
        if by_persons > encoded.rows / 2:
            raise SourceError(OF_ONE_FACILITY)
        raise SourceError(
            f"No diagnosis code of {about(encoded.rows)} claims is shared by {population.k} {population.unit}: "
            "there are too few claims, or the column holds no codes; nothing can be profiled."
        )


def _claims_of_shared_codes(population: Population, source: SourceTable) -> int:
    """Of how many claims enough others have the same text for a diagnosis, whatever it is."""
    column = source.columns["dx_primary_code"]
    if column.null_count == len(column):
        return 0
    codes = text_codes(column).astype(np.int64) + 1
    count = int(codes.max()) + 1
    is_shared = population.releasable(codes, count)
    is_shared[0] = False
    return int(is_shared[codes].sum())
