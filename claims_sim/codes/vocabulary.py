"""The words that code labels are made of: a closed vocabulary that text from outside is held against.

It is made of the labels of ICD-10 and ICD-9-CM, their other spellings (British and American, singular and plural) and
abbreviations of the field. It holds no names of persons but those in which the classifications name diseases
(Parkinson, Hodgkin): `eponyms` lists these, for whoever wants to be stricter.
"""

import re
import unicodedata
from collections.abc import Set
from functools import cache
from typing import Final

from claims_sim.codes import icd9cm, icd10

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

# What is written otherwise on the other side of the Atlantic. To American, ae and oe simply lose a letter; to British,
# each case must be named, for an e is rarely an ae.
_TO_AMERICAN: Final = tuple(
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"ae|oe", "e"),
        (r"(?<=^lab|tum|col)our|(?<=havi)our", "or"),
        (r"is(?=(?:e|es|ed|ing|ation|ations)$)", "iz"),
        (r"ys(?=(?:e|es|ed|er|ing)$)", "yz"),
        (r"(cent|fib|lit)re", r"\1er"),
        (r"sulph", "sulf"),
    )
)
_TO_BRITISH: Final = tuple(
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"(?<![a-z])hem(?!i(?!a))|(?<=[a-z])hem(?=orrh|at)", "haem"),
        (r"(?<=[nkrlcd])emi(?=a|c)", "aemi"),
        (r"edem", "oedem"),
        (r"(?<![a-z])esoph", "oesoph"),
        (r"(?<=gastro)esoph", "oesoph"),
        (r"(?<![a-z])estr", "oestr"),
        (r"rrhe(?=a)", "rrhoe"),
        (r"cesar", "caesar"),
        (r"anesth", "anaesth"),
        (r"gynec", "gynaec"),
        (r"(?<![a-z])fet(?=us|al)", "foet"),
        (r"(?<=^lab|tum|col)or(?=$|s$|ed$)|(?<=havi)or", "our"),
        (r"iz(?=(?:e|es|ed|ing|ation|ations)$)", "is"),
        (r"yz(?=(?:e|es|ed|er|ing)$)", "ys"),
        (r"(cent|fib)er(?=s?$)", r"\1re"),
    )
)

_ABBREVIATIONS: Final = """
aids anc aki ami ards asd avm bcg bph bppv cabg cad chd chf ckd cml cns copd cvd cva cvc cap cpr csf ct dhf
dic dm dss dvt ecg eeg egd ekg emg enc ercp esrd eswl ent ga gbs gea gerd gi hap hbv hcv hiv hnp hpv hsv htn icd icu iol
ihd ispa ist iud iufd iugr iv lbw lscs mdr mri msk mva nec nicu nos nsaid nstemi nvd ob obgyn ogd ome orif pci pda phc
pid ppok prom ptca pud ra rds rhd rt sah sc sdh sle stemi sti svd svt tb tbc tia tof turp tuip uap uri urti
usg uti vap vsd vte vt vf wpw xr xray
"""
# Of primary care in Indonesia, where written in capitals alone: what is looked for (inspeksi visual asam asetat), told and done.
IN_CAPITALS: Final = frozenset({"HIV", "IVA", "KIE", "MOP", "MOW"})
# What Indonesia's list of tariffs (Permenkes 3/2023) calls what is done, as far as no name of who did it follows.
_INDONESIAN_CARE: Final = """
ambulans darah evakuasi imunisasi jahitan kimia kontrasepsi krioterapi lensa pemasangan profil protesa skrining suntik transfusi tumpatan
"""
# Parts of bodies, things and acts of care, in six languages, that are nobody's name and that no name follows.
_CARE_WORDS: Final = """
abses balutan bedah bius cabut foto gigi gips infus insisi jahit khitan kuku luka nifas obat pijat pispot rontgen sunat tambal tindik
çekim çekimi diş ameliyat ameliyatı kanal sayım sayımı pansuman röntgen enjeksiyon
blutbild blutentnahme impfung naht verband wunde zahn zahnstein
cirugía cirugia curación curacion domiciliaria extracción extraccion química quimica radiografía radiografia sangre sutura
cirurgia curativo drenagem enxerto exerese exodontia laqueadura parto radiografia retirada sangue tubaria tubária
khám mổ răng máu xét nghiệm tiêm
анализ внутривенное внутримышечное внутривенных внутримышечных вакцинация крови кровь лекарственных мазка мочи наложение
перевязка процедуры регистрация рентгенография томография узи ультразвуковое физкультура экг эндоскопия
"""
# What is done in languages whose labels write it with a capital, as far as no name of who did it follows either.
_CARE_ELSEWHERE: Final = "behandlung beratung untersuchung badanie leczenie muayene tedavi smear"
_VOWEL: Final = re.compile("[aeiouy']")
_FEWEST_LEFT: Final = 4  # letters
_SIGN_OF_CARE: Final = re.compile(
    r"\w?[術术療疗診诊検检撮剤剂腫肿痛肺胃腸肠腎肾血尿膚肤歯齒胸腹脳脑膵胰脾膝咽喉癌瘤症病疹疡瘍障针針灸胎浴饲飼剖氟片染]"
)
# Illnesses, complaints, parts of bodies and what is done in Indonesian, as short diagnoses are written: none that is a name (Asma, Dini,
# Rahim, Bening are).
_INDONESIAN_WORDS: Final = """
abortus abses akibat akut alergi ansietas apendisitis appendisitis artritis asing atas bahu bakteri balita batuk bawah bayi bedah benda
bengkak berat berdarah berlubang biopsi bronkitis bronkopneumonia cacar campak cedera cemas cephalgia cuci darah dbd demam dengan depresi
dermatitis diare disertai dislipidemia dislokasi dispepsia eklamsia empedu endoskopi epilepsi faringitis febris fisioterapi flu fraktur
gagal ganas gangguan gangren gastritis gatal getah gigi gigitan ginjal glaukoma haid hamil hemodialisa hemodialisis hemoragik hemoroid
hepatitis hidung hiperkolesterolemia hipertensi hiperurisemia hipotensi imunisasi inap infark infeksi infus insomnia iskemik jahit jalan
jamur jantung jari jinak kaki kanan kandung kanker karang karena karies karsinoma katarak kateter keguguran kehamilan kejang kelahiran
kelenjar kembung kemih kemoterapi kepala keputihan keracunan keseleo kesemutan ketuban kiri kolelitiasis kolesterol kolitis komplikasi
konjungtivitis konstipasi konsultasi kontrol kram kronik kronis kudis kuku kulit laboratorium lain lainnya lambung lansia laringitis lecet
leher lemah lemas letak leukemia lidah limfoma luka lumpuh lutut maag melahirkan melitus memar mencret mialgia migrain migren miopia mual
multipel mulut muntah nafas napas neonatus neoplasma neuropati nifas nyeri obat observasi operasi osteoartritis osteoporosis otak otot
pada panas paru pasca patah payudara pecah pelepasan pemasangan pembedahan pembersihan pemeriksaan penambalan pencabutan pencernaan
pendarahan penyakit perdarahan periksa pernafasan pernapasan persalinan perut pilek pinggang pinggul pingsan plasenta pneumonia
preeklamsia prematur primer prostat pulpa punggung pusing radioterapi rawat rematik resep ringan riwayat rontgen ruam sakit saluran saraf
sedang sefalgia sekunder sembelit sendi sengatan sesak sesar sinusitis sirosis skabies skizofrenia spesifik spontan stadium sungsang
suntik suntikan suspek syaraf talasemia tangan tanpa telinga tenggorokan terapi tersumbat thalasemia thypoid tidak tifoid tipe tipes
tiroid tonsilitis transfusi trauma tuberkulosis tulang tumor ulkus urtikaria usus vaksinasi virus wasir
"""
_PLAIN_WORDS: Final = """
acute bilateral chronic closed complicated complication complications control delivery disease disorder follow
history left mild moderate multiple open other outpatient inpatient primary procedure procedures recurrent right
pediatric paediatric orthopedic orthopaedic routine screening secondary severe single simple specified state
suspected therapy treatment type unilateral unit unspecified up visit with without ray rays scan
consciousness encounter examination finding index miscarriage overweight prediabetes preeclampsia problem regime situation
sore swelling symptom trimester
admission ambulance ambulatory annual appointment assessment checkup clinic consultation counseling counselling dental dentist
detoxification discharge emergency evaluation general gynecology health home hospice hospital hygiene immunization imaging
initial intensive laboratory management medication neonatal nursing obstetric obstetrics office pathology pharmacy physical
physician physiotherapy postnatal postoperative prenatal preoperative prescription prevention preventive radiology reconciliation
referral rehabilitation review room sample service services specialist specialized subsequent surgery surgical test testing
triage urgent vaccination ward wellness
accommodation boarding lodging shared standard superior session sessions capsule capsules tablet tablets troponin
appendicectomy bed day days denture diem discectomy echocardiogram fee grafting hemorrhoidectomy haemorrhoidectomy hydrocelectomy
ambulatoria ambulatorio chirurgie cirugia cirugía consulta consultas consultation domiciliaria domiciliario estancia exames
hospitalizacion hospitalización imagen imagenes imágenes imagerie internação laboratoire laboratorio laboratorium laboratório
medicamento medicamentos odontologia odontología procedimento procedimiento procedimientos quirurgico quirúrgico soins terapia
urgencia urgencias
item myomectomy package per session sessions toilet under
allergology anaesthesiology anesthesiology cardiology cardiothoracic critical dependency dermatology endocrinology
gastroenterology geriatrics gynaecology haematology hematology immunology infectiology maternity midwifery nephrology neurology
neurosurgery obstetrics oncology ophthalmology optical orthopaedics orthopedics otolaryngology paediatrics pediatrics psychiatry
psychology pulmonology rheumatology specialised specialties specialty speciality traumatology urology vascular venereology
"""


def split_words(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case, as this vocabulary counts them: runs of letters, with apostrophes inside."""
    return tuple(map(_plain, _WORD.findall(text)))


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")


@cache
def _label_words() -> tuple[frozenset[str], frozenset[str]]:
    """All words of the labels, and those of them that are only ever capitalised inside a label."""
    labels = {icd10.label(code) or "" for code in icd10.all_codes()} | {
        icd9cm.label(code) or "" for code in icd9cm.all_codes()
    }
    first: set[str] = set()
    later: set[str] = set()
    for text in labels:
        written = _WORD.findall(text)
        first.update(written[:1])
        later.update(written[1:])
    lower = {_plain(word) for word in first | later if word.islower()}
    capital = {_plain(word) for word in later if word[0].isupper() and word[1:].islower()}
    return frozenset(map(_plain, first | later)), frozenset(capital - lower)


def _spellings(words: Set[str]) -> set[str]:
    """The American and the British spelling of each of `words`, also where they do not differ."""
    spelled: set[str] = set()
    for side in (_TO_AMERICAN, _TO_BRITISH):
        # One substitution in all the words, a line each: most words have nothing to substitute.
        lines = "\n".join(words)
        for pattern, replacement in side:
            lines = pattern.sub(replacement, lines)
        spelled.update(lines.split("\n"))
    return spelled


def _numbers(word: str) -> set[str]:
    """The singular or plural of a word of at least four letters, by the plain rules of English."""
    if len(word) < 4 or "'" in word:
        return set()
    if word.endswith("ies"):
        return {word[:-3] + "y"}
    if word.endswith(("sses", "xes", "ches", "shes")):
        return {word[:-2]}
    if word.endswith("s"):
        if word.endswith("ss"):
            return {word + "es"}
        return set() if word.endswith(("us", "is")) else {word[:-1]}
    if word.endswith("y") and word[-2] not in "aeou":
        return {word[:-1] + "ies"}
    return {word + "es"} if word.endswith(("x", "ch", "sh")) else {word + "s"}


def eponyms() -> frozenset[str]:
    """Words that labels only ever capitalise: eponyms (parkinson), places, organisms, some first words."""
    return _label_words()[1]


# How roots of Greek and Latin are written in other languages: hypertension, hipertensión, Hypertonie, hipertensi.
_AS_ELSEWHERE: Final = (("ph", "f"), ("y", "i"), ("ae", "e"), ("oe", "e"), ("k", "c"), ("qu", "c"), ("h", ""))
_TWICE: Final = re.compile(r"(.)\1")
_MARK: Final = re.compile("[\u0300-\u036f]")
_ROOT: Final = 5  # letters
_BEFORE_S: Final = re.compile("^es(?=[cpqt])")
"""Spanish and Portuguese begin no word with an s and another consonant: espontaneo, estenosis."""


def root(word: str) -> str:
    """How a word begins, whatever language writes it; empty where it is too short to tell anything."""
    plain = _MARK.sub("", unicodedata.normalize("NFD", word.lower()))
    for written, here in _AS_ELSEWHERE:
        plain = plain.replace(written, here)
    plain = _BEFORE_S.sub("s", _TWICE.sub(r"\1", plain))
    return plain[:_ROOT] if len(plain) >= _ROOT else ""


@cache
def roots() -> frozenset[str]:
    """How the words of the labels of diagnoses begin that are no proper nouns."""
    labels = [icd10.label(code) or "" for code in icd10.all_codes()]
    diagnoses = {word for text in labels for word in split_words(text)}
    return frozenset(root(word) for word in diagnoses - _label_words()[1]) - {""}


@cache
def common_roots() -> frozenset[str]:
    """The same of words that labels write in small letters: a first word may be a person's name (Wilson disease)."""
    labels = [icd10.label(code) or "" for code in icd10.all_codes()]
    small = {word for text in labels for word in _WORD.findall(text) if word.islower()}
    return frozenset(
        root(word) for word in (small - _label_words()[1]).union(_INDONESIAN_CARE.split(), _CARE_ELSEWHERE.split())
    ) - {""}


def signs_of_care(text: str) -> set[str]:
    """Each Chinese or Japanese character in a text that stands for an illness, a part of the body or what is done about it, and in
    nobody's name; with the one before it, which tells 切除術 from 移植術.
    """  # noqa: D205
    return set(_SIGN_OF_CARE.findall(text))


@cache
def shortened() -> frozenset[str]:
    """What is left of the code systems' words without their vowels, as short titles write them (vssl): four letters and more."""
    left = (_VOWEL.sub("", word) for word in words_of_classifications() if word.isascii())
    return frozenset(word for word in left if len(word) >= _FEWEST_LEFT)


@cache
def care_words() -> frozenset[str]:
    """Words of care in several languages, in small letters."""
    return frozenset(_CARE_WORDS.split())


@cache
def words() -> frozenset[str]:
    """All lower-case words that a label of a diagnosis or a procedure may be made of."""
    return words_of_classifications() | {*_INDONESIAN_WORDS.split()}


@cache
def words_of_classifications() -> frozenset[str]:
    """Those of them that the code systems' labels have, or such as these might."""
    labels, proper = _label_words()
    common = {word for word in labels if word not in proper}
    spelled = common | _spellings(common)
    # A proper noun keeps its one spelling: its variants would be other people's names.
    numbered = spelled.union(*(_numbers(word) for word in spelled))
    # Possessives are written with and without their ending (Hodgkin's, Hodgkin).
    possessives = {word.removesuffix("'s") for word in labels if word.endswith("'s")}
    possessives |= {f"{word}'s" for word in proper if len(word) > 3 and not word.endswith("s")}
    return frozenset(numbered | labels | possessives | {*_ABBREVIATIONS.split(), *_PLAIN_WORDS.split()})
