"""Labels that name codes, for tests, and which of them a profile tells."""

from collections import Counter

import numpy as np

from claims_sim.profile.texts.labels_of_codes import admitted_as_names
from claims_sim_tests.profile.tables import DX

ROWS = 3000
CODES = DX[::60][:25]
SYLLABLES = ("ba", "ri", "tu", "mo", "le")
NAMES = {code: f"Doença {first}{second}tica" for code, (first, second) in zip(
    CODES, [(a, b) for a in SYLLABLES for b in SYLLABLES], strict=True
)}  # fmt: skip


def passing(pairs, k=11):
    """The labels that pass, given the code and the label of each claim, each claim being another person's."""
    counts = Counter(pairs)
    codes, labels = (sorted({pair[place] for pair in pairs}) for place in (0, 1))
    claims = np.array([*counts.values()])
    may = admitted_as_names(
        labels,
        codes,
        np.array([labels.index(label) for _, label in counts]),
        np.array([codes.index(code) for code, _ in counts]),
        claims,
        claims >= k,
    )
    return {label for label, yes in zip(labels, may, strict=True) if yes}


def claims_of(label_of, rows=ROWS):
    return [(CODES[i % len(CODES)], label_of(i)) for i in range(rows)]


def name_of(i):
    return NAMES[CODES[i % len(CODES)]]


VISITS = (
    "Encounter for check up", "Encounter for symptom", "Renal dialysis", "Prenatal examination", "Follow-up of fracture",
    "Emergency room admission", "Urgent care clinic", "Screening surveillance", "Vaccine for influenza", "Dental treatment",
)  # fmt: skip
