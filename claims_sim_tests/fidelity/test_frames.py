"""Claims as columns that can be compared."""

import pyarrow as pa

from claims_sim.fidelity.frames import codes_of, make_comparable


def test_labels_are_one_whichever_letters_a_house_writes_them_in():
    """Other columns' values are what they are, in capitals or not."""
    real = pa.table(
        {"dx_primary_label": ["Malaria", "HIV", None, "Malaria"], "facility_type": ["RS", "Rs", "RS", "Rs"]}
    )
    ours = pa.table(
        {"dx_primary_label": ["MALARIA", "malaria", "HIV", None], "facility_type": ["RS", "Rs", "RS", "Rs"]}
    )
    compared = make_comparable(real, ours, pa.table({"dx_primary_label": ["Hiv", "Flu", "Hiv", "Flu"]}))
    label = list(compared.real["dx_primary_label"].cat.categories)
    assert label == ["Malaria", "HIV", "Flu"]
    assert codes_of(compared.real, "dx_primary_label").tolist() == [0, 1, -1, 0]
    assert codes_of(compared.synthetic, "dx_primary_label").tolist() == [0, 0, 1, -1]
    assert compared.holdout is not None
    assert codes_of(compared.holdout, "dx_primary_label").tolist() == [1, 2, 1, 2]


def test_no_other_column_is_read_so():
    tables = (pa.table({"facility_type": ["RS", "Rs", "RS"]}), pa.table({"facility_type": ["RS", "Rs", "Rs"]}))
    compared = make_comparable(*tables)
    assert [codes_of(frame, "facility_type").tolist() for frame in (compared.real, compared.synthetic)] == [
        [0, 1, 0],
        [0, 1, 1],
    ]
