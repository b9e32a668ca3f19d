// How numbers, money and times read.
const LOCALES = { en: "en-GB", id: "id-ID" };
export const count = (value, language) => Number(value).toLocaleString(LOCALES[language]);
export const percent = (value, digits = 0) => `${(100 * value).toFixed(digits)} %`;
export const rupiah = (value, language) => `Rp ${Math.round(value).toLocaleString(LOCALES[language])}`;
export const clock = (instant, language) => new Date(instant).toLocaleTimeString(LOCALES[language], { hour12: false });
// The facility's wall clock: shown as it is written, whatever the viewer's time zone.
export const wallClock = (text) => (text ?? "").replace("T", " ").replace(/(:\d\d):\d\dZ?$/, "$1");
export const title = (text) => (text ?? "").toLowerCase().replace(/(^|[\s(-])\p{L}/gu, (found) => found.toUpperCase()).replace(/^Dki /, "DKI ").replace(/^Di /, "DI ");

export function elapsed(seconds, say) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} ${say("seconds")}`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} ${say("minutesShort")}`;
  return `${Math.round(seconds / 3600)} ${say("hours")}`;
}
