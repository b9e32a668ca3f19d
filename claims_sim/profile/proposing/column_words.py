"""What the words and abbreviations of column names mean in claims tables: Indonesian, English and a few other ones."""

from typing import Final

# A word or abbreviation of a column name, and what it may mean.
MEANINGS: Final[dict[str, str]] = {
    "date": "kuupaev tarih tarihi zamani zaman datumszeit dtm ym "
    "begindatum einddatum tgl tanggal date dt waktu time datetime timestamp ts jam data fecha datum",
    "admit": "algus giris "
    "ricovero przyjecia przyjecie "
    "provizyon behandlungsbeginn begindatum masuk admit admission admitted admsn admtng mrs datang tiba start "
    "mulai from dari adm inter internacao internamento ingreso ingresso entrada aufnahme",
    "discharge": "lopp dimissione wypisu wypis "
    "cikis taburcu austritt behandlungsende einddatum keluar pulang discharge discharged dschrg krs selesai end stop thru "
    "through until sampai release dsc saida alta egreso entlassung sortie",
    "los": "voodipaevad voodipaev osobodni pflegetage los alos verweildauer verpleegdagen ligdagen",
    "nights": "nights noches nuitees nachten naechte noites",
    "into": "in entry arrival arrived checkin",
    "out": "out exit checkout departure left",
    "length": "duree lama length durasi duration",
    "days": "gg giornate gun gunu hari days day dias tage jours",
    "stay": "degenza pobytu hospitalizacji yatis sejour rawat inap dirawat perawatan stay perm permanencia estancia",
    "province": "maakond emirate ccaa comunidad "
    "wojewodztwo il kanton canton wohnkanton changwat "
    "departement provinsi propinsi prov prop province uf estado provincia provincie bundesland sido entidad "
    "departamento",
    "region": "regione region wilayah county state",
    "area": "area",
    "district": "ilce kabupaten kab kota kabkota district regency city location lokasi dati2 munic municipio kreis county",
    "facility": "asutus asutuse fac prv keph "
    "istituto struttura szpital szpitala placowka swiadczeniodawca tesis hastane leistungserbringer institution inst "
    "prestador unidad fktp practice instelling finess etab etablissement hci accreditation "
    "institutionskennzeichen rs rumahsakit "
    "hospital ykiho faskes fasilitas fasyankes facility provider prvdr clinic klinik "
    "organization organisation org ppk fkrtl fktl cnes hosp hcode estabelecimento krankenhaus",
    "id": "nr nummer numero nbr ik agb id no nomor key number num identifier",
    "npi": "npi",
    "physician": "physician physn clinician doctor dokter arzt",
    "processor": "processor processed process processing",
    "group": "group grp grouper gruppe",
    "hash": "ozet hash enc encrypted pseudo pseudonym",
    "code": "kood kodu kode kd code cd cod codigo",
    "class": "sinif sinifi tier versorgungsstufe kelas kls class",
    "owner": "wlasnosc sahiplik sahipligi mulkiyet rechtsform secteur "
    "traeger traegerschaft administracion dependencia kepemilikan pemilik milik owner ownership owned",
    "owned": "sector",
    "type": "liik soort rodzaj tipi tur turu cat categ categorie category tipe type jenis jns jen kind tipo",
    "service": "oddzial behandelsetting ravityyp zakres swiadczenia "
    "tedavi leistungsbereich atencion servicio layanan pelayanan pel pelsep service setting care jnspel jnspelsep",
    "stratification": "stratification",
    "severity": "grav complicanze gravita "
    "triyaj severite pccl soi severity sev keparahan parah severitylevel sl gravidade gravedad schwere",
    "level": "niveau nivel level tingkat group kelompok livello",
    "rank": "poziom niveau nivel level livello tingkat",
    "dx": "rozp diagnoos diagnosi rozpoznanie tani tanilar tanisi pdx mrdx diagnose "
    "condition conditions diagnosa diagnosis diagnoses diag dgns dx penyakit reason diagnostico cid cie "
    "hauptdiagnose",
    "icd": "icd icd10 icd10cm icd11",
    "primary": "pohi glowne principale ana prncpal princpl princ pdx mrdx primer utama primary main principal 1 princ hauptdiagnose",
    "secondary": "kaasuv "
    "secondarie secondaria wspol wspolistniejace ek sekunder secondary sek sec tambahan penyerta lain other othr additional 2 3 "
    "4 5 6 7 8 9 10 secun secundario neben nebendiagnose",
    "not_first": "secondarie secondaria wspol wspolistniejace "
    "ek sdx nebendiagnosen sekunder secondary sek sec tambahan penyerta secun secundario neben nebendiagnose",
    "label": "oms omschrijving nimetus title "
    "descrizione descr opis nazwa adi nama nm name label deskripsi description desc ket keterangan text bezeichnung",
    "procedure": "nappi tosp intervento procedura islem hauptprozedur rvs package "
    "opertn interv intervention "
    "activity zorgproduct ops pr prosedur tindakan bedah procedure prcdr proc px cpt hcpcs operasi proced procedimento "
    "procedimiento eingriff",
    "icd9": "icd9 icd9cm",
    "amount": "summa importo wartosc kwota tutar tutari mt biaya nilai amount amt tarif "
    "tariff cost costs rp rupiah harga total idr val valor importe imp monto costo betrag "
    "montant bedrag",
    "price": "prijs verkoopprijs tarif tariff",
    "whole": "total tot jumlah summe",
    "claimed": "invoice raviarve arve verkoopprijs "
    "fatturato richiesto rozliczenia "
    "fatura gedeclareerd declaratie facturado cobrado rechnung rechnungs tagih tagihan ditagih diajukan pengajuan klaim claim "
    "claimed clm billed bill "
    "charge charges charged chg chgs gross apres apresentado",
    "paid": "payout payouts riconosciuto liquidato pagato zaplacona zaplacono rozliczona odenen verguetet vergutet erstattet sgk vergoed "
    "pagado reconocido vetted reimb reimbursed reimbursement zahl zahlung bayar dibayar terbayar verif verifikasi "
    "terverifikasi disetujui setuju diterima terima paid pay pd payment pmt approved settled covered coverage received accepted "
    "aprov aprovado",
    "insurer": "insurer insup amo benefit payer payor penjamin",
    "net": "net nett netto neto bersih liquido",
    "gap": "kesinti shortfall excess uncovered omaosalus "
    "odenmeyen kostenbeteiligung selbstbehalt lblty deduccion deducible copago glosa differenz unpaid deduct deduction deductions "
    "selisih gap difference diff beda variance share copay copayment coinsurance deductible liability iur self slf oop pocket "
    "sendiri zuzahlung eigen eigenanteil",
    "person": "isik isiku cip "
    "assistito paziente pacjent pacjenta swiadczeniobiorca sigortali mbr enrollee enrolee insuree subscriber hesid mbun "
    "derechohabiente afiliado asegurado bsn pmjay verzekerde versicherten versichertennummer pasien peserta patient pasienid "
    "member person bene beneficiary "
    "kartu noka nokapst nik rut cpf curp hn pat pid jid mrn pin nhis participant insured pstv paciente beneficiario usuario "
    "patienten versicherter",
    "own": "wohnkanton wohngemeinde ikamet pasien peserta "
    "pat patient patienten paciente member bene beneficiary beneficiario insured verzekerde versicherten "
    "home residence residencia domicilio woonplaats wohnort domisili",
    "record": "rm rekam medrec rekmed",
    "weight": "kostengewicht bobot weight wt",
    "count": "liczba sayisi jumlah jml count banyak cnt n anz anzahl",
    "comorbid": "komorbid komorbiditas comorbid comorbidity comorbidities penyerta",
    "visit": "takip episodio subtraject subtrajectnummer kunjungan visit sep encounter episode",
    "message": "tran transaction autoriz autorizacao authorization authorisation",
    "companions": "kaasuvad sdx nebendiagnosen",
    "birth": "lahir birth dob nasc nascimento nacimiento naissance geburtsdatum gebdat geboortedatum",
    "sex": "sugu kelamin sex sexo sexe gender geschlecht geslacht",
    "room": "room ward kamar ruang",
    "relative": "rltv relative relatif drg rw adjrw bewertungsrelation",
    "postal": "zip zipcode postcode postal postleitzahl kodepos",
    "annual": "annual annually yearly anual tahunan",
    "delay": "delay lag",
    "benefit": "benefit",
    "portion": "portion",
    "discipline": "discipline specialty speciality",
    "first": "first",
    "last": "last",
    "to": "to",
    "changed": "updated modified changed created loaded inserted",
}  # fmt: skip


# Alternatives for each column: what its name must mean, the commonest first.
PATTERNS: Final[dict[str, tuple[str, ...]]] = {
    "claim_id": ("claimed id", "visit id", "visit", "id!", "message id", "message!"),
    "admit_dt": (
        "admit date",
        "admit",
        "first service date",
        "visit date",
        "service date",
        "date!",
        "claimed date",
        "into date!",
    ),
    "discharge_dt": ("discharge date", "discharge", "last service date", "to date!", "out date!"),
    "los": ("los", "length stay", "days stay", "length", "days count", "nights!"),
    "province_name": ("province", "region", "area"),
    "district_name": ("district", "area"),
    "facility_id": ("facility id", "facility code", "facility hash", "facility!", "facility npi"),
    "facility_class": ("facility class", "class", "facility rank"),
    "facility_ownership": ("owner", "facility owner", "facility owned"),
    "facility_type": ("facility type", "facility discipline", "discipline!"),
    "service_type": (
        "service type",
        "service",
        "service level",
        "type stay",
        "visit class",
        "visit type",
        "admit type",
        "claimed type",
        "benefit type",
        "benefit!",
    ),
    "severity_group": ("severity", "severity level", "stratification!"),
    "dx_primary_code": ("dx primary code", "dx primary", "dx code", "dx", "icd code", "icd", "icd primary"),
    "dx_primary_label": ("dx label", "dx primary label", "icd label", "dx!", "dx primary!"),
    "dx_secondary_codes": ("dx secondary code", "dx secondary", "icd secondary", "companions"),
    "comorbidity_count": (
        "comorbid count",
        "dx secondary count",
        "comorbid",
        "icd secondary count",
        "companions count",
        "dx count",
        "not_first count!",
    ),
    "procedure_code": ("procedure primary", "procedure code", "procedure", "icd9 code", "icd9", "price code"),
    "procedure_label": ("procedure label", "icd9 label"),
    "amount_claimed": ("amount claimed", "claimed", "amount whole", "amount"),
    "amount_paid": ("amount paid", "paid", "net paid", "amount insurer", "price whole"),
    "amount_gap": ("gap", "amount gap", "own paid", "own portion"),
    "patient_id_hash": ("person id", "person hash", "person", "record id", "person label"),
    "claim_weight": ("weight",),
}


# What a name must not mean beside it: a payment's claim, what a patient pays, a procedure's diagnosis, a day of birth.
NEVER: Final[dict[str, frozenset[str]]] = {
    "claim_id": frozenset({"amount", "paid", "gap", "date", "type", "class"}),
    "admit_dt": frozenset({"birth", "dx", "delay", "processor", "changed"}),
    "discharge_dt": frozenset({"delay", "processor", "changed"}),
    "district_name": frozenset({"class"}),
    "amount_claimed": frozenset(
        {"paid", "gap", "code", "id", "date", "days", "count", "class", "type", "annual", "delay"}
    ),
    "amount_paid": frozenset({"gap", "own", "code", "id", "date", "days", "count", "class", "type", "annual", "delay"}),
    "amount_gap": frozenset({"id", "date", "days", "annual", "los", "length", "code", "type", "count", "class"}),
    "facility_class": frozenset({"visit", "stay"}),
    "facility_ownership": frozenset({"insurer", "person", "room"}),
    "severity_group": frozenset({"date", "admit"}),
    "comorbidity_count": frozenset({"procedure", "amount", "claimed", "paid", "level"}),
    "service_type": frozenset({"region", "district", "area"}),
    "dx_primary_code": frozenset({"procedure", "not_first", "amount", "date", "days", "group"}),
    "procedure_code": frozenset({"dx", "date", "days", "amount", "type", "count", "physician"}),
    "procedure_label": frozenset({"dx", "physician", "processor"}),
    "patient_id_hash": frozenset({"amount", "paid", "gap", "birth", "postal", "sex"}),
    "claim_weight": frozenset({"birth", "relative", "admit"}),
}


# Names that say nothing by themselves: the variables of BPJS's sample data (hospital claims, 2022, and claims of
# primary care beside the capitation, as they are called since 2017), the grouper's export of a hospital's claims
# (E-Klaim), the key of Medicare's, the diagnoses of France's hospital stays, Germany's and the Netherlands' keys of
# hospitals, Brazil's hospital stays (SIH/SUS, files RD), its outpatients' production and authorisations (SIA/SUS, files PA),
# Korea's samples of statements
# (HIRA's and NHIS's table 20),
# the Philippines' claims (by series), China's settlements (the National Healthcare Security Administration's names), Germany's and
# India's cases, the United States' keys of providers and places of service, Thailand's e-Claim, Saudi Arabia's exchange (NPHIES),
# the United States' National Inpatient Sample, England's Hospital Episode Statistics, Canada's Discharge Abstract Database,
# Taiwan's inpatient expenditures by admissions (NHIRD, table DD), an American hospital's admissions (MIMIC-IV), Texas's discharges
# (PUDF), Medicare's carrier claims, OHDSI's common data model (OMOP),
# Colombia's records of services (RIPS), Chile's discharges by case group (GRD), Viet Nam's
# claims (XML1 of decisions 4210 and 130 of the Ministry of Health), the
# medical record's number in words.
# Nothing of ours ("") are a family's number, where patients live, wards, a person's own hospital, a speciality, the class of a
# policy, and the acts of primary care: some have the numbers of ICD-9-CM's procedures, whose names they would take.
KNOWN: Final[dict[str, str]] = {
    "fkl02": "claim_id", "fkl03": "admit_dt", "fkl04": "discharge_dt", "fkl05": "province_name",
    "fkl06": "district_name", "fkl07": "facility_ownership", "fkl08": "facility_type", "fkl09": "facility_class", "fkl10": "service_type",
    "fkl13": "", "fkl18": "dx_primary_code", "fkl18a": "dx_primary_label", "fkl23": "severity_group", "fkl30": "procedure_code",
    "fkl47": "amount_claimed", "fkl48": "amount_paid", "pstv01": "patient_id_hash", "pstv15": "claim_weight",
    "pstv02": "", "pnk02": "claim_id", "pnk03": "admit_dt", "pnk05": "discharge_dt", "pnk06": "province_name",
    "pnk07": "district_name", "pnk08": "facility_ownership", "pnk09": "facility_type", "pnk10": "facility_class",
    "pnk11": "service_type", "pnk14": "dx_primary_code", "pnk15": "dx_primary_label", "pnk16": "",
    "pnk17": "amount_claimed", "pnk18": "amount_paid", "desynpufid": "patient_id_hash", "kodetarif": "facility_ownership",
    "ptd": "service_type", "diaglist": "dx_primary_code", "proclist": "procedure_code", "tarifrs": "amount_claimed",
    "nokartu": "patient_id_hash", "copayment": "amount_gap", "ik": "facility_id", "agb": "facility_id", "dp": "dx_primary_code",
    "das": "dx_secondary_codes", "nosep": "claim_id", "nomorsep": "claim_id", "rekammedis": "patient_id_hash",
    "medicalrecordnumber": "patient_id_hash", "medicalrecordno": "patient_id_hash", "medrecno": "patient_id_hash",
    "apautoriz": "claim_id", "paautoriz": "claim_id", "caresiteid": "facility_id",
    "hastaozet": "patient_id_hash", "hastano": "patient_id_hash", "hastaid": "patient_id_hash", "rechnungnr": "claim_id",
    "rechnungsnr": "claim_id", "natura": "facility_ownership", "regimericovero": "service_type",
    "tpunid": "facility_type", "pacoduni": "facility_id", "patpups": "facility_type",
    "panatjur": "facility_ownership", "padocorig": "service_type", "paufmun": "district_name", "pamunpcn": "", "pacmp": "admit_dt",
    "pacidpri": "dx_primary_code", "pacidsec": "dx_secondary_codes", "paprocid": "procedure_code", "pavalpro": "amount_claimed",
    "pavalapr": "amount_paid", "padifval": "amount_gap", "patpfin": "", "paqtdpro": "", "paqtdapr": "",
    "naih": "claim_id", "dtinter": "admit_dt", "dtsaida": "discharge_dt", "diasperm": "los", "municmov": "district_name",
    "municres": "", "cnes": "facility_id", "natjur": "facility_ownership", "carint": "service_type", "diagprinc": "dx_primary_code",
    "procrea": "procedure_code", "valtot": "amount_claimed",
    "specidsno": "claim_id", "jid": "patient_id_hash", "recufrdd": "admit_dt", "recufrdt": "admit_dt", "recutodd": "discharge_dt",
    "vstddcnt": "los", "ykiho": "facility_id", "ykihoid": "facility_id", "clcd": "facility_class", "fndtpcd": "facility_ownership",
    "fomtpcd": "service_type", "formcd": "service_type", "msickcd": "dx_primary_code", "mainsick": "dx_primary_code",
    "ssickcd": "dx_secondary_codes", "subsick": "dx_secondary_codes", "patsido": "", "keyseq": "claim_id", "vscn": "los", "recn": "",
    "ykihosido": "province_name", "ykihogubuncd": "facility_type", "dmdtramt": "amount_claimed", "edecjbrdnamt": "amount_paid",
    "edecsbrdnamt": "amount_gap", "dmdsbrdnamt": "", "dmdjbrdnamt": "",
    "malk": "claim_id", "mcarekey": "claim_id", "indidscmno": "patient_id_hash", "vshspddcnt": "los", "sicknm": "dx_primary_label",
    "edicd": "procedure_code", "edinm": "procedure_label", "idano": "patient_id_hash", "procode": "facility_id", "spellid": "claim_id",
    "fallid": "claim_id", "numrss": "claim_id", "nbdas": "comorbidity_count",
    "mathe": "patient_id_hash", "mathebhyt": "patient_id_hash", "ngayvao": "admit_dt", "ngayra": "discharge_dt",
    "songaydtri": "los", "macskcb": "facility_id", "matinh": "province_name", "hangbv": "facility_class",
    "maloaikcb": "service_type", "mabenh": "dx_primary_code", "mabenhchinh": "dx_primary_code", "tenbenh": "dx_primary_label",
    "mabenhkhac": "dx_secondary_codes", "mabenhkt": "dx_secondary_codes", "maptttqt": "procedure_code",
    "ttongchi": "amount_claimed", "ttongchibv": "amount_claimed", "tbhtt": "amount_paid", "tbntt": "amount_gap",
    "tbncct": "amount_gap", "makhoa": "", "ngaysinh": "",
    "seriesno": "claim_id", "hcipan": "facility_id", "fallnummer": "claim_id", "fallnr": "claim_id", "aufnahmegrund": "service_type",
    "fallart": "service_type", "hdtext": "dx_primary_label", "anznd": "comorbidity_count", "provnpi": "facility_id",
    "hospown": "facility_ownership", "folio": "claim_id", "clues": "facility_id", "nivelatencion": "facility_class",
    "idsejour": "claim_id", "noanonyme": "patient_id_hash", "ghm": "procedure_code", "mntamo": "amount_paid",
    "statutjuridique": "facility_ownership", "codips": "facility_id", "naturaleza": "facility_ownership", "ambito": "service_type",
    "documentohash": "patient_id_hash", "documentoid": "patient_id_hash",
    "mdtrtid": "claim_id", "psnno": "patient_id_hash", "fixmedinscode": "facility_id", "fixmedinstype": "facility_type",
    "hosplv": "facility_class", "econtype": "facility_ownership", "medtype": "service_type", "admdvs": "district_name",
    "poscd": "service_type",
    "setlbegndate": "admit_dt", "setlendtime": "discharge_dt", "actiptdays": "los", "disecodg": "dx_primary_code",
    "othdise": "dx_secondary_codes", "oprnoprtcode": "procedure_code", "medfeesumamt": "amount_claimed",
    "fundpaysumamt": "amount_paid", "psnpartamt": "amount_gap",
    "hcode": "facility_id", "actlos": "los", "svctype": "service_type", "hmain": "", "hsub": "",
    "providerlicense": "facility_id", "practicecode": "", "policyclass": "", "claimref": "claim_id", "itemcode": "procedure_code",
    "itemdesc": "procedure_label", "svccat": "service_type",
    "sbscode": "procedure_code", "runhash": "patient_id_hash", "keynis": "claim_id", "hospnis": "facility_id", "discwt": "claim_weight",
    "hospdivision": "province_name", "i10pr1": "procedure_code", "hcontrl": "facility_ownership", "hosplocteach": "facility_class",
    "hospbedsize": "facility_type",
    "nabhstatus": "facility_class", "nabhaccreditation": "facility_class",
    "epikey": "claim_id", "admidate": "admit_dt", "disdate": "discharge_dt", "procode3": "facility_id",
    "procode5": "facility_id", "protype": "facility_type", "classpat": "service_type",
    "gortreat": "province_name", "resgorons": "", "tariffinitialamount": "amount_claimed", "tarifftotalpayment": "amount_paid",
    "abstractkey": "claim_id", "instid": "facility_id", "instpeergroup": "facility_type", "principalinterv": "procedure_code",
    "healthregion": "district_name", "ageunits": "", "agevalue": "",
    "medamt": "amount_claimed", "partamt": "amount_gap", "applamt": "amount_paid", "icd9cmcode": "dx_primary_code",
    "icd9cmcode1": "dx_secondary_codes", "icdopcode": "procedure_code",
    "hospconttype": "facility_class", "functype": "facility_type", "feeym": "",
    "hadmid": "claim_id", "subjectid": "patient_id_hash", "dischtime": "discharge_dt", "longtitle": "dx_primary_label",
    "admissiontype": "service_type", "recordid": "claim_id", "thcicid": "facility_id",
    "inscclaimamtreimbursed": "amount_paid", "ipannualreimbursementamt": "", "opannualreimbursementamt": "",
    "ipannualdeductibleamt": "", "opannualdeductibleamt": "",
    "linealowdchrgamt": "amount_claimed", "linenchpmtamt": "amount_paid", "linecoinsrncamt": "", "linebeneptbddctblamt": "",
    "linebeneprmrypyrpdamt": "",
    "codcups": "procedure_code", "cups": "procedure_code", "codconsulta": "procedure_code", "vrservicio": "amount_claimed",
    "naturalezajuridica": "facility_ownership", "nivelcomplejidad": "facility_class", "tiporegistro": "service_type",
    "admitproviderid": "", "idregistro": "claim_id", "cipencriptado": "patient_id_hash", "tipoactividad": "service_type",
    "idegreso": "claim_id",
    "compensated": "amount_paid", "pkgcode": "procedure_code", "pkgname": "procedure_label", "nombredx": "dx_primary_label",
    "nombrecups": "procedure_label",
    "intprinc": "procedure_code", "progsdo": "claim_id", "livellostr": "facility_class", "opr1": "procedure_code",
    "khinterneskennzeichen": "claim_id", "krankenhausart": "facility_type", "anzahlnd": "comorbidity_count", "ops": "procedure_code",
    "htype": "facility_type", "affil": "facility_ownership", "tranid": "claim_id", "tentinh": "province_name",
    "loaihinh": "facility_ownership", "tuyencmkt": "facility_type", "claseprestador": "facility_type", "archivorips": "service_type",
    "billingnpi": "facility_id", "facilitynpi": "facility_id", "billingprovidernpi": "facility_id", "hfid": "facility_id",
    "billingproviderid": "facility_id", "billinginternalproviderid": "facility_id", "taxnum": "facility_id",
    "emiratesid": "patient_id_hash", "emiratesidno": "patient_id_hash", "dsec": "dx_secondary_codes", "cnh": "facility_id",
    "hlevel": "facility_class", "howner": "facility_ownership", "nsdx": "comorbidity_count", "poziompsz": "facility_class",
    "wlasciciel": "facility_ownership", "typswd": "facility_type", "kodswd": "facility_id", "idpac": "patient_id_hash",
    "kodproduktu": "procedure_code", "nazwaproduktu": "procedure_label", "powiat": "district_name", "kwota": "amount_claimed",
    "kwotauznana": "amount_paid", "roznica": "amount_gap", "reimbnhso": "amount_paid", "mbrpart": "amount_gap",
    "nss": "patient_id_hash", "nsshash": "patient_id_hash", "curphash": "patient_id_hash", "folioegreso": "claim_id",
    "cvepresupuestal": "facility_id", "regimenunidad": "facility_ownership", "tipoegreso": "service_type", "ooad": "province_name",
    "cvecie9mc": "procedure_code", "desccie9mc": "procedure_label", "pesogrd": "claim_weight", "noproc": "procedure_label",
    "natureza": "facility_ownership", "naturez": "facility_ownership", "msdrgcd": "severity_group", "drgrelwt": "claim_weight",
    "blgprovnpi": "facility_id", "blgprovstcd": "province_name", "blgprovtypdesc": "facility_type", "clmtypcd": "service_type",
    "conditionoccurrenceid": "claim_id", "conditionstartdate": "admit_dt", "conditionenddate": "discharge_dt",
    "conditionconceptid": "dx_primary_code", "conditionconceptname": "dx_primary_label", "procedureoccurrenceid": "claim_id",
    "procedureconceptid": "procedure_code", "procedureconceptname": "procedure_label", "proceduredate": "admit_dt",
    "visitconceptid": "service_type", "visitconceptname": "service_type", "stopreason": "", "conditiontypeconceptid": "",
    "conditionstatusconceptid": "", "visittypeconceptid": "", "proceduretypeconceptid": "", "visitdetailid": "",
}  # fmt: skip


KNOWN_TOO: Final = {
    "mabn": "patient_id_hash", "ttongchibh": "amount_claimed", "caseno": "claim_id", "caseid": "claim_id", "caseseq": "claim_id",
    "fall": "claim_id",
    "edectramt": "amount_claimed", "land": "province_name", "sido": "province_name", "drg": "procedure_code",
    "diagnosisgroupcode": "procedure_code", "pcl": "severity_group", "conceptname": "dx_primary_label",
}  # fmt: skip
"""The same, where the table has none of the others: a hospital's own number of a patient, what may be claimed of all costs, a
case, which may have several claims, what was decided of a statement where what was demanded is not told, a group of cases where
procedures are not.
"""


OTHER_LISTS: Final = frozenset({"pnk10", "carint", "clcd", "fndtpcd", "fomtpcd", "formcd", "maloaikcb"})
"""Columns whose numbers are of another list than those of CODED_VALUES: kinds of primary care are no classes of hospitals."""


WHOLE_WORDS: Final = frozenset(
    {
        "adi", "ana", "apres", "aprov", "canton", "cat", "cod", "gun", "interv", "islem", "kanton", "net", "ozet", "pat", "pay", "rut",
        "sgk", "fac", "prv", "tani", "tran", "tur", "arve", "cip", "grav", "isik", "lag", "liik", "lopp", "oms", "pohi", "summa",
        "first", "last", "group", "nights",
        "entry", "arrival", "arrived", "checkin", "out", "exit", "checkout", "departure", "left",
        "stratification", "portion", "rozp", "wspol", "benefit", "room", "ward", "kamar", "ruang",
    }
)  # fmt: skip
"""Words that many others begin with: transport, payable, network."""
