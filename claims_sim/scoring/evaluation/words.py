"""What pages and tables say, in English and in Indonesian. Texts only."""

from typing import Final

Words = tuple[str, str]

KINDS: Final[dict[str, Words]] = {
    "upcoding": ("Upcoding", "Upcoding (kode dinaikkan)"),
    "phantom_billing": ("Phantom billing", "Klaim fiktif"),
    "phantom_procedure": ("Phantom procedure", "Tindakan fiktif"),
    "cloned_claim": ("Cloned claim", "Klaim hasil salinan (cloning)"),
    "inflated_top_up": ("Inflated top-up", "Top-up digelembungkan"),
    "stay_padding": ("Stay padding", "Lama rawat diperpanjang"),
    "short_stay_high_cost": ("Short stay, full bill", "Rawat singkat, tagihan penuh"),
    "no_medical_value": ("No medical value", "Tanpa nilai medis"),
    "readmission": ("Readmission", "Rawat ulang (readmisi)"),
    "fragmentation": ("Fragmentation", "Klaim dipecah (fragmentasi)"),
    "repeat_billing": ("Repeat billing", "Tagihan berulang"),
    "overlapping_stays": ("Overlapping stays", "Rawat inap tumpang tindih"),
    "self_referral": ("Self-referral", "Rujukan ke RS sendiri"),
    "dialysis": ("Dialysis", "Cuci darah"),
    "chemotherapy": ("Chemotherapy", "Kemoterapi"),
    "one_day_cataract": ("One-day cataract", "Katarak rawat sehari"),
    "honest_return": ("Honest return", "Kunjungan ulang yang wajar"),
    "honest_referral": ("Honest referral", "Rujukan yang wajar"),
}
STRENGTHS: Final[dict[int, Words]] = {1: ("subtle", "samar"), 2: ("plain", "jelas"), 3: ("blatant", "mencolok")}
NATURES: Final[dict[str, Words]] = {
    "informative": ("The scores rank anomalies above other claims.", "Skor menempatkan anomali di atas klaim lain."),
    "random": (
        "The scores are random: they rank anomalies no better than chance.",
        "Skor ini acak: tidak lebih baik daripada kebetulan.",
    ),
    "constant": (
        "The scores are constant: every claim has the same one.",
        "Skor ini tetap: semua klaim bernilai sama.",
    ),
    "reversed": (
        "The scores are reversed: anomalies come out as less suspicious than other claims.",
        "Skor ini terbalik: anomali dinilai kurang mencurigakan daripada klaim lain.",
    ),
    "too few anomalies": (
        "Too few anomalies to say anything about the ranking.",
        "Anomali terlalu sedikit untuk menilai peringkat.",
    ),
}
MEASURES: Final[dict[str, Words]] = {
    "auc": ("Area under the curve (AUC)", "Luas di bawah kurva (AUC)"),
    "average_precision": ("Average precision", "Presisi rata-rata"),
    "precision_at_1": ("Anomalies among the highest 1 %", "Anomali di antara 1 % teratas"),
    "recall_at_1": ("Anomalies found in the highest 1 %", "Anomali yang ditemukan dalam 1 % teratas"),
    "precision_at_2": ("Anomalies among the highest 2 %", "Anomali di antara 2 % teratas"),
    "recall_at_2": ("Anomalies found in the highest 2 %", "Anomali yang ditemukan dalam 2 % teratas"),
}
COLUMNS: Final[dict[str, Words]] = {
    "province_name": ("Province", "Provinsi"),
    "facility_class": ("Class of hospital", "Kelas rumah sakit"),
}
FIDELITY: Final[dict[str, Words]] = {
    "c2st": ("Told from real claims by a classifier (0.5: not at all)", "Dibedakan dari klaim asli oleh mesin (0,5: tidak dapat)"),
    "c2st_audit": ("The same with an auditor's columns", "Sama, dengan kolom seorang auditor"),
    "tstr": ("Teaches a cost model as well as real claims (share)", "Melatih model biaya sebaik klaim asli (porsi)"),
    "rule_violations": ("Claims that break a rule no real claim breaks", "Klaim yang melanggar aturan yang tak dilanggar klaim asli"),
    "exact_copies": ("Copies of real claims", "Salinan klaim asli"),
    "columns": ("Largest gap of a column", "Jarak terbesar satu kolom"),
    "pairs": ("Largest gap of a pair of columns", "Jarak terbesar sepasang kolom"),
    "slices": ("Gap within diagnoses, classes and the dearest claims", "Jarak di dalam diagnosis, kelas dan klaim termahal"),
    "irregularities": ("Irregularities of real claims, gap of their rates", "Kejanggalan klaim asli, selisih tingkatnya"),
    "money_replay": ("Amounts that real claims have, too", "Nominal yang juga ada pada klaim asli"),
    "unique_replay": ("Amount, diagnosis and stay of just one real claim", "Nominal, diagnosis dan lama rawat satu klaim asli"),
    "amount_repeats": ("Amounts that another claim has, too", "Nominal yang sama dengan klaim lain"),
    "dcr_share": ("Nearer to a real claim than usual (0.5: as usual)", "Lebih dekat ke klaim asli dari biasanya (0,5: biasa)"),
}  # fmt: skip
NO_STREAM: Final[dict[str, str]] = {
    "not asked for": "tidak diminta",
    "there is no stream yet": "belum ada aliran",
    "none of its scored claims has a known answer": "tidak ada klaim berskor yang jawabannya diketahui",
    "no claim with a known answer has a code of the profile": "tidak ada klaim berjawaban dengan kode yang ada di profil",
}
"""Why the stream is not judged."""
TEXTS: Final[dict[str, Words]] = {
    "title": ("How well anomalies are found", "Seberapa baik anomali ditemukan"),
    "grade_title": ("Verdicts against the truth", "Putusan dibandingkan dengan kebenaran"),
    "backtest_title": ("Scorers compared on the same claims", "Pembandingan pemberi skor pada klaim yang sama"),
    "scorer": ("Scorer", "Pemberi skor"),
    "profile": ("Profile", "Profil"),
    "made_at": ("Made", "Dibuat"),
    "exam": (
        "Measured on invented claims with known answers, drawn from the profile of the real table; none is a real claim.",
        "Diukur pada klaim buatan dengan jawaban yang diketahui, diambil dari profil tabel asli; tidak satu pun klaim asli.",
    ),
    "graded": (
        "Measured on claims with known answers; claims without a verdict count as not suspicious.",
        "Diukur pada klaim dengan jawaban yang diketahui; klaim tanpa putusan dianggap tidak mencurigakan.",
    ),
    "claims": ("claims", "klaim"),
    "anomalies": ("anomalies", "anomali"),
    "of_anomalies_found": ("of the anomalies found", "anomali ditemukan"),
    "of_reviews_right": ("of reviewed claims are anomalies", "klaim yang ditinjau memang anomali"),
    "rupiah_caught": ("caught a day, of", "terselamatkan per hari, dari"),
    "lost": ("lost", "kerugian"),
    "false_alarms": ("false alarms per auditor-day", "alarm palsu per auditor per hari"),
    "at_reviews": ("at {} reviews a day, where {} claims a day come in", "dengan {} tinjauan per hari, pada {} klaim masuk per hari"),
    "per_auditor": ("{} reviews per auditor a day", "{} tinjauan per auditor per hari"),
    "release_ok": ("No worse than the last release", "Tidak lebih buruk daripada rilis terakhir"),
    "release_worse": ("Worse than the last release", "Lebih buruk daripada rilis terakhir"),
    "release_none": (
        "No earlier release sat such an exam: nothing to compare with yet.",
        "Belum ada rilis terdahulu dengan ujian serupa sebagai pembanding.",
    ),
    "overall": ("Overall", "Keseluruhan"),
    "measure": ("measure", "ukuran"),
    "value": ("value", "nilai"),
    "interval": ("95 % interval", "selang 95 %"),
    "by_chance": ("by chance", "bila kebetulan"),
    "per_kind": ("Recall per kind", "Anomali ditemukan per jenis"),
    "per_kind_note": (
        "How many anomalies of each kind are among the highest 2 % of scores, with the 95 % interval (Wilson).",
        "Berapa anomali tiap jenis berada di antara 2 % skor teratas, dengan selang 95 % (Wilson).",
    ),
    "kind": ("kind", "jenis"),
    "found": ("found", "ditemukan"),
    "of": ("of", "dari"),
    "rupiah_lost": ("rupiah lost", "rupiah hilang"),
    "rupiah_caught_short": ("caught", "terselamatkan"),
    "per_strength": ("By strength", "Menurut kekuatan"),
    "per_strength_note": (
        "The same by how plain the anomaly is. Strengths were fixed before any scorer was measured; subtle ones are meant to be hard.",
        "Sama, menurut seberapa jelas anomalinya. Kekuatan ditetapkan sebelum pemberi skor mana pun diukur; yang samar memang sulit.",
    ),
    "decoys": ("Decoys", "Pengecoh"),
    "decoys_note": (
        "Claims that look odd and are right. Flagged means among the highest 2 %; a fair scorer flags about 2 % or fewer.",
        "Klaim yang tampak aneh tetapi benar. Ditandai berarti di antara 2 % teratas; yang adil menandai sekitar 2 % atau kurang.",
    ),
    "flagged": ("flagged", "ditandai"),
    "stream": ("In the stream", "Dalam aliran"),
    "stream_note": (
        "The newest scored claims of the live stream, as they were scored when they came.",
        "Klaim terbaru yang telah diberi skor dalam aliran, sebagaimana dinilai saat datang.",
    ),
    "no_stream": ("Not measured", "Tidak diukur"),
    "unlabelled": ("without a known answer: not judged", "tanpa jawaban yang diketahui: tidak dinilai"),
    "fidelity": ("Fidelity of the claims", "Kemiripan klaim"),
    "fidelity_none": (
        "Not measured yet: materialize fidelity_report, or run claims-sim fidelity.",
        "Belum diukur: materialisasikan fidelity_report, atau jalankan claims-sim fidelity.",
    ),
    "floor": ("real claims get", "klaim asli"),
    "verdict": ("verdict", "putusan"),
    "meets": ("meets its goal", "memenuhi sasaran"),
    "unsure": ("off by less than chance explains", "meleset, masih dalam batas kebetulan"),
    "misses": ("misses its goal", "meleset dari sasaran"),
    "privacy": ("Privacy", "Privasi"),
    "privacy_k": (
        "Only aggregates of the real table are used; no number stands for fewer than {} {}.",
        "Hanya agregat tabel asli yang dipakai; tidak ada angka yang mewakili kurang dari {} {}.",
    ),
    "persons": ("persons", "orang"),
    "claims_unit": ("claims (the table has no persons)", "klaim (tabel tidak memuat orang)"),
    "privacy_real": (
        "Claims are invented; real claims count as unlabelled and are never taken for right or wrong.",
        "Klaim bersifat buatan; klaim asli tidak berlabel dan tidak pernah dianggap benar atau salah.",
    ),
    "calibration": ("Scores", "Skor"),
    "calibration_note": (
        "Claims and anomalies by score.",
        "Klaim dan anomali menurut skor.",
    ),
    "promise_note": (
        "Scores above 0.25, 0.5 and 0.75 are meant for one clean claim in 10, 100 and 1,000.",
        "Skor di atas 0,25, 0,5 dan 0,75 dimaksudkan untuk satu dari 10, 100 dan 1.000 klaim bersih.",
    ),
    "score": ("score", "skor"),
    "clean_above": ("clean claims above", "klaim bersih di atas"),
    "promised": ("promised", "dijanjikan"),
    "places": ("By place", "Menurut tempat"),
    "places_note": (
        "At 2 % reviewed: anomalies found and missed, and clean claims reviewed for nothing.",
        "Pada 2 % tinjauan: anomali yang ditemukan dan terlewat, serta klaim bersih yang ditinjau sia-sia.",
    ),
    "missed": ("missed", "terlewat"),
    "alarms": ("false alarms", "alarm palsu"),
    "limits": ("How to read this", "Cara membaca"),
    "limits_note": (
        "Anomalies were put into normal claims at an exact rate, each verified; the scorer saw no label. Clean claims follow the "
        "source: if the source holds fraud, so do they, unlabelled, and some false alarms may be right. Some subtle anomalies "
        "cannot be told from right claims by any scorer.",
        "Anomali dimasukkan ke klaim biasa dengan porsi tepat dan masing-masing diverifikasi; pemberi skor tidak melihat label. "
        "Klaim bersih mengikuti sumber: bila sumber memuat kecurangan, klaim ini pun demikian tanpa label, sehingga sebagian alarm "
        "palsu bisa jadi benar. Sebagian anomali samar tidak dapat dibedakan dari klaim benar oleh siapa pun.",
    ),
    "difference": ("difference", "selisih"),
    "differences": ("Paired differences", "Selisih berpasangan"),
    "differences_note": (
        "The first scorer minus the second on the very same claims, mean over the seeds, with a 95 % interval (bootstrap over claims).",
        "Pemberi skor pertama dikurangi kedua pada klaim yang persis sama, rerata semua seed, dengan selang 95 % (bootstrap atas klaim).",
    ),
    "by_seed": ("Seed by seed", "Per seed"),
    "seed": ("seed", "seed"),
    "seeds": ("sets of", "set berisi"),
    "better": ("better", "lebih baik"),
    "no_difference": ("no difference shown", "tidak tampak berbeda"),
    "unanswered": ("claims without a verdict", "klaim tanpa putusan"),
    "as_flagged": ("As flagged by the system", "Sebagaimana ditandai sistem"),
    "as_flagged_note": (
        "What it flagged (score 0.5 and more), whatever the number of reviews.",
        "Yang ditandainya (skor 0,5 ke atas), berapa pun jumlah tinjauan.",
    ),
    "precision": ("of what was flagged is an anomaly", "dari yang ditandai adalah anomali"),
    "recall_of": ("Found at 2 %:", "Ditemukan pada 2 %:"),
    "recall": ("of the anomalies were flagged", "dari anomali ditandai"),
}  # fmt: skip


def measure_name(name: str) -> str:
    """A measure for tables of text: precision_at_1 is the precision at 1 %."""
    return name.replace("_", " ") + (" %" if name.endswith(("_1", "_2")) else "")
