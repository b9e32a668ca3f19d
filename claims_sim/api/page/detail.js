// One claim in full: payload, score with its reasons, and how it was made.
import { h } from "./vendor/preact.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { decimal, rupiah, title, wallClock } from "./format.js";
import { ask } from "./server.js";
import { flagName } from "./texts.js";

const html = htm.bind(h);

function told(name, value, say, language) {
  if (typeof value === "boolean") return say(value ? "truly" : "untrue");
  if (Array.isArray(value)) return value.join(", ");
  return name === "profile_hash" ? value.slice(0, 12) : name === "seconds" ? decimal(value, language, 2) : String(value);
}

/** Why a claim was flagged; where the page's language is not the reason's, what was found stands before it. */
export function Reason({ score, at, language }) {
  const found = flagName(score.flags?.[at], language);
  return html`<span class="quiet">${found && html`<b>${found}</b>: `}${score.reasons?.[at] ?? ""}</span>`;
}

export function Detail({ say, language, opened, onClose }) {
  const dialog = useRef(null), [full, setFull] = useState(opened), [failure, setFailure] = useState("");
  useEffect(() => {
    dialog.current.showModal();
    ask(`claims/${encodeURIComponent(opened.claim.claim_id)}`).then(setFull, (error) => setFailure(error.message));
  }, []);
  const { claim, score, provenance } = full;
  const facility = claim.facility ?? {}, diagnosis = claim.diagnosis ?? {}, procedure = claim.procedure;
  const code = (value, label) => html`<code>${value}</code> ${label}`;
  const facts = [
    [say("admitted"), wallClock(claim.admit_dt)], [say("discharged"), wallClock(claim.discharge_dt)],
    [say("service"), `${claim.service_type}, ${claim.severity_group}`],
    [say("diagnosis"), code(diagnosis.primary_code, diagnosis.primary_label)],
    [say("companions"), (diagnosis.secondary_codes ?? []).join(", ") || "–"],
    [say("procedure"), procedure ? code(procedure.code, procedure.label) : "–"],
    [say("facility"), [title(facility.province), facility.class, facility.ownership].filter(Boolean).join(", ")],
    [say("claimed"), rupiah(claim.amount_claimed, language)], [say("paid"), rupiah(claim.amount_paid, language)], [say("gap"), rupiah(claim.amount_gap, language)],
  ];
  return html`<dialog ref=${dialog} class="detail" aria-labelledby="detail-title" onClose=${onClose} onClick=${(e) => e.target === dialog.current && dialog.current.close()}>
    <div class="head"><h2 id="detail-title">${say("details")} <code>${claim.claim_id}</code></h2><button onClick=${() => dialog.current.close()}>${say("close")}</button></div>
    ${failure && html`<p class="banner">${failure}</p>`}
    <div class="halves">
      <div><dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div>
      <div>
        <h3>${say("score")}</h3>
        ${!score ? html`<p class="quiet">${say("notScored")}</p>` : html`
          <p class="big">${decimal(score.risk_score, language, 2)} <span class="quiet">${say("rules")} ${decimal(score.rule_score, language, 2)} · ${say("model")} ${decimal(score.ml_score_normalized, language, 2)}</span></p>
          <ul class="reasons">${score.reasons.map((_, at) => html`<li><${Reason} score=${score} at=${at} language=${language} /></li>`)}</ul>
          ${!score.reasons.length && html`<p class="quiet">${say("noReason")}</p>`}`}
        <h3>${say("made")}</h3>
        ${provenance === undefined ? html`<p class="quiet">…</p>` : provenance === null ? html`<p class="quiet">${say("foreign")}</p>` : html`
          <dl class="facts small"><dt>${say("author")}</dt><dd>${[provenance.author, provenance.model].filter(Boolean).join(" · ")}</dd>
            <dt>${say("batch")}</dt><dd><code>${full.batch_id}</code></dd>
            ${Object.entries(provenance).filter(([name, value]) => !["author", "model", "brief"].includes(name) && value !== null && String(value) !== "").map(([name, value]) => html`<dt>${say(name === "seconds" ? "duration" : name)}</dt><dd title=${String(value)}>${told(name, value, say, language)}</dd>`)}</dl>
          ${provenance.brief && html`<details><summary>${say("brief")}</summary><pre>${JSON.stringify(provenance.brief, null, 1)}</pre></details>`}`}
      </div>
    </div>
    <details><summary>${say("payload")} (JSON)</summary><pre>${JSON.stringify(claim, null, 1)}</pre></details>
  </dialog>`;
}
