// Every text of the page, in English and Indonesian. `{name}` is filled in by `say`.
export const LANGUAGES = { en: "English", id: "Bahasa Indonesia" };

const EN = {
  tagline: "Simulated claims, arriving live. Nobody's data.",
  connected: "live", waiting: "connected, not ready", connecting: "connecting …", loading: "Loading …", lost: "connection lost",
  lostLong: "The server does not answer. This page tries again by itself, and shows what arrived there meanwhile.",
  idle: "Nothing is producing claims at the moment. Start with `make up` or `claims-sim stream`.",
  notReady: "Not ready: {why}",
  stored: "Claims stored", rate: "Claims a minute", since: "Since the last claim", alerts: "High risk",
  checks: "Checks", author: "Author", inLast: "over the last {t}", every: "a batch every {t}", ofAll: "{share} of all scored", allPass: "all pass", tokensToday: "{n} tokens today", costToday: "{n} of {of} spent today", budgetOf: "Spent today, of {of}",
  failing: "{n} not passing", noChecks: "none run yet", moreChecks: "{n} more, all passing", deadLetters: "{n} dead letters", unscored: "{n} wait for a score",
  arriving: "Claims as they arrive", pause: "Pause", resume: "Resume", held: "{n} new", clear: "Clear filters",
  time: "Arrived", service: "Service", diagnosis: "Diagnosis", place: "Province", severity: "Severity", claimed: "Claimed",
  risk: "Risk", any: "any", minRisk: "Risk from", code: "Diagnosis code", codeHint: "O8 or E119",
  none: "No claim yet. The first comes with the next batch.", noMatch: "No claim matches the filters.",
  alertsTitle: "Alerts by risk", noAlerts: "No claim of high risk so far.",
  compare: "Profile and live stream", compareNote: "Bars: the newest {n} claims. Marks: what the profile lets expect.",
  stay: "Length of stay (days)", amount: "Amount claimed (rupiah)", dx: "Primary diagnosis", province: "Province",
  expected: "expected", live: "live", other: "other", under: "under", orMore: "or more", thousand: "k", million: "m", billion: "bn",
  noProfile: "There is no profile yet; it is made with the first run.",
  inject: "Injection", injectNote: "For some minutes more claims, and more anomalies among them.",
  minutes: "Minutes", perSecond: "Claims a second", share: "Anomalies (%)", kind: "Kind", allKinds: "all kinds",
  start: "Start …", stop: "Stop", running: "Running until {time}: {made} claims so far, {rate} a second, {share} anomalies ({kind}).",
  confirmTitle: "Start this injection?",
  confirm: "About {n} claims within {minutes} minutes, {share} of them {kind}. They are stored like all others and stay.",
  yes: "Start", no: "Cancel", close: "Close",
  details: "Claim", score: "Score", why: "Why", made: "How it was made", payload: "Payload", noReason: "Nothing stands out.",
  prompt_version: "Prompt version", profile_hash: "Profile", seed: "Seed", attempts: "Attempts", repaired: "Repaired", errors: "Rules broken first", tokens_in: "Tokens in", tokens_out: "Tokens out", duration: "Seconds", brief: "Brief", truly: "yes", untrue: "no",
  notScored: "Not scored yet.", foreign: "From another producer; nothing is known of how it was made.",
  rules: "Rules", model: "Model", keyTitle: "A key is needed", keyNote: "The server asks for its API key. It stays in this browser tab.",
  keyLabel: "API key", enter: "Enter", wrong: "That did not work: {why}", theme: "Theme", language: "Language",
  auto: "system", light: "light", dark: "dark", docs: "API", dagster: "Dagster", fidelity: "Fidelity report",
  noFidelity: "no fidelity report yet", days: "days", day: "day", paid: "Paid", gap: "Not paid", admitted: "Admitted",
  discharged: "Discharged", facility: "Facility", procedure: "Procedure", companions: "Companions", batch: "Batch",
  seconds: "s", minutesShort: "min", hours: "h", ago: "{t} ago", never: "never", skip: "Skip to the claims",
};

const ID = {
  tagline: "Klaim simulasi, masuk secara langsung. Bukan data siapa pun.",
  connected: "langsung", waiting: "tersambung, belum siap", connecting: "menyambung …", loading: "Memuat …", lost: "sambungan terputus",
  lostLong: "Server tidak menjawab. Halaman ini mencoba lagi sendiri, lalu menampilkan klaim yang masuk sementara itu.",
  idle: "Saat ini tidak ada yang membuat klaim. Mulai dengan `make up` atau `claims-sim stream`.",
  notReady: "Belum siap: {why}",
  stored: "Klaim tersimpan", rate: "Klaim per menit", since: "Sejak klaim terakhir", alerts: "Risiko tinggi",
  checks: "Pemeriksaan", author: "Penulis", inLast: "selama {t} terakhir", every: "satu batch tiap {t}", ofAll: "{share} dari yang dinilai",
  allPass: "semua lulus", tokensToday: "{n} token hari ini", costToday: "{n} dari {of} terpakai hari ini", budgetOf: "Terpakai hari ini, dari {of}", failing: "{n} tidak lulus", noChecks: "belum ada", moreChecks: "{n} lagi, semua lulus", deadLetters: "{n} pesan tertolak",
  unscored: "{n} menunggu skor",
  arriving: "Klaim yang masuk", pause: "Jeda", resume: "Lanjut", held: "{n} baru", clear: "Hapus saringan",
  time: "Masuk", service: "Layanan", diagnosis: "Diagnosis", place: "Provinsi", severity: "Keparahan", claimed: "Diajukan",
  risk: "Risiko", any: "semua", minRisk: "Risiko mulai", code: "Kode diagnosis", codeHint: "O8 atau E119",
  none: "Belum ada klaim. Yang pertama datang bersama batch berikutnya.", noMatch: "Tidak ada klaim yang cocok.",
  alertsTitle: "Peringatan menurut risiko", noAlerts: "Belum ada klaim berisiko tinggi.",
  compare: "Profil dan aliran langsung", compareNote: "Batang: {n} klaim terbaru. Tanda: yang diharapkan menurut profil.",
  stay: "Lama rawat (hari)", amount: "Biaya diajukan (rupiah)", dx: "Diagnosis utama", province: "Provinsi",
  expected: "diharapkan", live: "langsung", other: "lainnya", under: "di bawah", orMore: "atau lebih", thousand: "rb", million: "jt", billion: "M",
  noProfile: "Belum ada profil; dibuat pada jalan pertama.",
  inject: "Injeksi", injectNote: "Selama beberapa menit lebih banyak klaim, dan lebih banyak anomali di antaranya.",
  minutes: "Menit", perSecond: "Klaim per detik", share: "Anomali (%)", kind: "Jenis", allKinds: "semua jenis",
  start: "Mulai …", stop: "Hentikan", running: "Berjalan sampai {time}: {made} klaim sejauh ini, {rate} per detik, {share} anomali ({kind}).",
  confirmTitle: "Mulai injeksi ini?",
  confirm: "Sekitar {n} klaim dalam {minutes} menit, {share} di antaranya {kind}. Disimpan seperti yang lain dan tidak dihapus.",
  yes: "Mulai", no: "Batal", close: "Tutup",
  details: "Klaim", score: "Skor", why: "Alasan", made: "Cara dibuat", payload: "Muatan", noReason: "Tidak ada yang menonjol.",
  prompt_version: "Versi prompt", profile_hash: "Profil", seed: "Benih acak", attempts: "Percobaan", repaired: "Diperbaiki", errors: "Aturan yang semula dilanggar", tokens_in: "Token masuk", tokens_out: "Token keluar", duration: "Detik", brief: "Arahan", truly: "ya", untrue: "tidak",
  notScored: "Belum dinilai.", foreign: "Dari produsen lain; cara pembuatannya tidak diketahui.",
  rules: "Aturan", model: "Model", keyTitle: "Perlu kunci", keyNote: "Server meminta kunci API. Kunci hanya disimpan di tab ini.",
  keyLabel: "Kunci API", enter: "Masuk", wrong: "Tidak berhasil: {why}", theme: "Tema", language: "Bahasa",
  auto: "sistem", light: "terang", dark: "gelap", docs: "API", dagster: "Dagster", fidelity: "Laporan kemiripan",
  noFidelity: "belum ada laporan kemiripan", days: "hari", day: "hari", paid: "Dibayar", gap: "Tidak dibayar", admitted: "Masuk rawat",
  discharged: "Pulang", facility: "Faskes", procedure: "Prosedur", companions: "Diagnosis penyerta", batch: "Batch",
  seconds: "dtk", minutesShort: "mnt", hours: "j", ago: "{t} lalu", never: "belum pernah", skip: "Langsung ke klaim",
};

// The checks by their names in Dagster, whose words are English.
const CHECKS = {
  id: {
    no_small_cell: "tidak ada sel kecil", no_identifying_column: "tidak ada kolom pengenal", source_is_read_only: "sumber hanya dibaca",
    reviewed_and_phi_free: "ditinjau dan tanpa data pribadi", model_writes: "model menulis", claims_differ: "klaim berbeda-beda",
    ids_unique: "id klaim unik", phi_free: "tanpa data pribadi", reconciles: "jumlah cocok", keeps_up: "tidak tertinggal", fresh: "masih baru",
    drift: "tidak bergeser dari profil", dead_letters_steady: "pesan tertolak tidak bertambah", day_reconciles: "hari cocok",
    every_claim_scored: "semua klaim dinilai", scores_in_range: "skor dalam rentang", scores_are_a_ranking: "skor memeringkat",
    no_worse_than_last_release: "tidak lebih buruk dari rilis terakhir", scores_meet_goals: "skor memenuhi sasaran",
  },
};

// What a rule found, in a few words before its reason, whose words and figures are English.
const FLAGS = {
  id: {
    short_stay_high_cost: "rawat singkat, biaya tinggi", high_cost_full_paid: "biaya tinggi dibayar penuh", cost_above_expected: "biaya di atas perkiraan",
    cost_below_expected: "biaya di bawah perkiraan", dx_unusual_at_class: "diagnosis tidak lazim di kelas ini", severity_mismatch: "keparahan tidak sesuai",
    long_stay_low_severity: "rawat lama, keparahan ringan", duplicate_pattern: "pola duplikat", repeat_visit: "kunjungan berulang",
    overlapping_stays: "rawat tumpang tindih", readmission: "rawat ulang", same_bill_again: "tagihan sama lagi", sent_on_to_own_hospital: "rujukan ke diri sendiri",
    procedure_mismatch: "prosedur tidak sesuai", companion_mismatch: "diagnosis penyerta tidak sesuai", unneeded_admission: "rawat inap tidak perlu",
    paid_share_unusual: "bagian terbayar tidak lazim",
  },
};

export const flagName = (name, language) => FLAGS[language]?.[name] ?? "";
export const checkName = (name, language) => CHECKS[language]?.[name] ?? name.replaceAll("_", " ");

const TEXTS = { en: EN, id: ID };

export function sayer(language) {
  const texts = TEXTS[language] ?? EN;
  return (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}
