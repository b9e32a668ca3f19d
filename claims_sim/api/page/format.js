// How numbers, money and times read.
const LOCALES = { en: "en-GB", id: "id-ID" };
export const count = (value, language) => Number(value).toLocaleString(LOCALES[language]);
export const decimal = (value, language, digits) => Number(value).toLocaleString(LOCALES[language], { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const percent = (value, language, digits = 0) => `${decimal(100 * value, language, digits)} %`;
export const rupiah = (value, language) => `Rp\u00a0${Math.round(value).toLocaleString(LOCALES[language])}`;
export const clock = (instant, language) => new Date(instant).toLocaleTimeString(LOCALES[language], { hour12: false });
// The facility's wall clock: shown as it is written, whatever the viewer's time zone.
export const wallClock = (text) => (text ?? "").replace("T", " ").replace(/(:\d\d):\d\dZ?$/, "$1");
export const title = (text) => (text ?? "").toLowerCase().replace(/(^|[\s(-])\p{L}/gu, (found) => found.toUpperCase()).replace(/^Dki /, "DKI ").replace(/^Di /, "DI ");

// Ranges come from the server as "230 k–240 k", "under 230 k", "5.5 m or more": said in the viewer's language.
export function ranged(text, say, language) {
  const units = { k: say("thousand"), m: say("million"), bn: say("billion") };
  return text.replace(/^under /, `${say("under")} `).replace(/ or more$/, ` ${say("orMore")}`).replace(/ (k|m|bn)(?=$|[–+ ])/g, (_, unit) => ` ${units[unit]}`)
    .replace(/\d+\.\d+/g, (found) => Number(found).toLocaleString(LOCALES[language]));
}

export function elapsed(seconds, say) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} ${say("seconds")}`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} ${say("minutesShort")}`;
  return `${Math.round(seconds / 3600)} ${say("hours")}`;
}
