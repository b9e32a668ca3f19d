import numpy as np
import pytest

from claims_sim.codes import icd9cm, icd10
from claims_sim.codes.hospitals import register
from claims_sim.codes.places import PROVINCES
from claims_sim.demo.catalogue import load_catalogue
from claims_sim.demo.facts import ASSUMPTIONS, FACTS, PUBLISHED_TARIFFS, WARD_FACTORS
from claims_sim.demo.hospitals import build_hospitals
from claims_sim.demo.tariff import GRID, build_tariffs, severity_factors

CAESAREANS = {"740", "741", "742", "744", "7499"}


def test_the_catalogue_is_broad_and_takes_its_labels_from_the_code_systems():
    catalogue = load_catalogue()
    assert len(set(catalogue.codes)) == len(catalogue.codes) >= 150
    assert len(set(catalogue.procedure_codes)) == len(catalogue.procedure_codes) >= 60
    assert list(catalogue.labels) == [icd10.label(code) for code in catalogue.codes]
    assert list(catalogue.procedure_labels) == [icd9cm.label(code) for code in catalogue.procedure_codes]
    assert all(icd10.is_known(code) for code in catalogue.companion_codes)


def test_obstetric_procedures_are_offered_to_obstetric_diagnoses_only():
    catalogue = load_catalogue()
    obstetric = [icd9cm.chapter(code) == "72-75" for code in catalogue.procedure_codes]
    offered = (catalogue.offered[:, :, 1:][:, :, obstetric] > 0).any(axis=(0, 2))
    assert {catalogue.codes[place][0] for place in np.flatnonzero(offered)} <= {"O", "Z"}
    caesarean = [code in CAESAREANS for code in catalogue.procedure_codes]
    cut = (catalogue.offered[:, :, 1:][:, :, caesarean] > 0).any(axis=(0, 2))
    assert {catalogue.codes[place][0] for place in np.flatnonzero(cut)} == {"O"}


def test_offered_procedures_are_probabilities():
    offered = load_catalogue().offered
    assert offered.min() >= -1e-12
    assert np.allclose(offered.sum(axis=2), 1)


def test_every_companion_pool_still_has_enough_codes_when_the_primary_is_left_out():
    catalogue = load_catalogue()
    assert (catalogue.pool_weights > 0).sum(axis=1).min() >= 9


def test_hospitals_and_beds_are_as_many_as_the_register_counts():
    hospitals = build_hospitals(seed=3)
    assert len(hospitals.ids) == sum(int(row["hospitals"]) for row in register()) == 3151
    assert hospitals.weights.sum(axis=1) == pytest.approx([1, 1])
    beds = sum(int(row["beds"]) for row in register())
    java = sum(int(row["beds"]) for row in register() if row["province"] == "Jawa Timur")
    east_java = hospitals.province == hospitals.provinces.index("JAWA TIMUR")
    assert hospitals.weights[0][east_java].sum() == pytest.approx(java / beds)
    assert set(hospitals.provinces) == set(PROVINCES)


def test_published_tariff_rows_are_reproduced_to_the_nearest_hundred():
    catalogue = load_catalogue()
    tariffs = build_tariffs(catalogue)
    for group, row in PUBLISHED_TARIFFS.items():
        case = catalogue.groups.names.index(group)
        for severity, amount in enumerate(row):
            for ward, factor in enumerate(WARD_FACTORS):
                tariff = tariffs.inpatient[case, severity, 2, 2, ward, 0]
                assert tariff == pytest.approx(amount * factor, abs=GRID / 2)


def test_severity_factors_lie_in_the_published_range_around_the_published_mean():
    factors = severity_factors(load_catalogue())
    assert factors[:, 1].mean() == pytest.approx(1.43, abs=0.03)
    assert factors[:, 2].mean() == pytest.approx(1.85, abs=0.06)
    assert (factors[:, 1] > 1.24).all()
    assert (factors[:, 1] < 1.65).all()
    assert (factors[:, 2] > 1.32).all()
    assert (factors[:, 2] < 2.14).all()
    assert (factors[:, 1] < factors[:, 2]).all()


def test_every_tariff_is_on_the_grid_and_a_visit_costs_less_than_a_stay():
    catalogue = load_catalogue()
    tariffs = build_tariffs(catalogue)
    assert (tariffs.inpatient % GRID == 0).all()
    assert (tariffs.outpatient % GRID == 0).all()
    groups = len(catalogue.groups.names)
    assert (
        tariffs.outpatient[:groups].max(axis=(1, 2, 3)) < tariffs.inpatient[:groups].max(axis=(1, 2, 3, 4, 5))
    ).all()


def test_every_fact_names_its_source_and_every_assumption_its_reason():
    keys = [entry.key for entry in (*FACTS, *ASSUMPTIONS)]
    assert len(set(keys)) == len(keys)
    assert all(fact.figure and fact.source for fact in FACTS)
    assert all(entry.figure and entry.reason for entry in ASSUMPTIONS)
