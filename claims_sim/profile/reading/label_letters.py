"""Labels that some houses write in capitals, or in small letters, and others as usual: read as one."""

from typing import Final

import numpy as np
import pyarrow as pa

COMMON: Final = 50  # cells: a label of so many shows in how many ways it is written
NEARLY_ALL: Final = 0.9
"""Of the cells whose labels COMMON cells have, so many have one that is written in several ways: then it is not the label that tells."""


def read_as_one(labels: pa.DictionaryArray) -> pa.DictionaryArray:
    """Labels in capitals or in small letters as most write them otherwise, where nearly all are written in several ways.

    Where none writes them otherwise, those of more cells stand.
    """
    texts = labels.dictionary.to_pylist()
    lower, upper = [text.lower() for text in texts], [text.upper() for text in texts]
    _, label = np.unique(np.array(lower, object), return_inverse=True)
    cells = np.bincount(labels.indices.drop_null().to_numpy(), minlength=len(texts))
    has_letters = np.array([small != capital for small, capital in zip(lower, upper, strict=True)], np.bool_)
    common = has_letters & (np.bincount(label, cells)[label] >= COMMON)
    several = common & (np.bincount(label)[label] > 1)
    if cells[several].sum() <= NEARLY_ALL * cells[common].sum():
        return labels
    marked = np.array([text in both for text, *both in zip(texts, lower, upper, strict=True)], np.bool_)
    order = np.lexsort((-cells, marked))
    usual = order[np.unique(label[order], return_index=True)[1]]
    place = np.where(marked, usual[label], np.arange(len(texts)))
    return pa.DictionaryArray.from_arrays(pa.array(place, pa.int32()).take(labels.indices), labels.dictionary)
