// The switch: for some minutes more claims, and more anomalies among them. Asks before it starts.
import { h } from "./vendor/preact.js";
import { useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { clock, count, percent } from "./format.js";
import { ask, post } from "./server.js";

const html = htm.bind(h);

export function Injection({ say, language, status, onChange }) {
  const [wish, setWish] = useState({ minutes: 5, per_s: 2, anomalies: 30, kind: "upcoding" });
  const [failure, setFailure] = useState(""), dialog = useRef(null);
  const running = status?.injection?.running, kinds = status?.anomaly_kinds ?? [];
  const name = (kind) => (kind ? kind.replaceAll("_", " ") : say("allKinds"));
  const act = async (action) => {
    setFailure("");
    try { await action(); } catch (error) { setFailure(error.message); }
    onChange();
  };
  const start = () => { dialog.current.close(); act(() => post("injection", { minutes: wish.minutes, per_s: wish.per_s, anomaly_rate: wish.anomalies / 100, anomaly_mix: wish.kind })); };
  const field = (key, label, limits) => html`<label>${label}<input type="number" required value=${wish[key]} ...${limits} onInput=${(e) => setWish({ ...wish, [key]: e.target.valueAsNumber })} /></label>`;
  const now = status?.injection;
  return html`<section class="card injection" aria-labelledby="inject-title"><h2 id="inject-title">${say("inject")}</h2>
    ${running ? html`<p role="status">${say("running", { time: clock(now.until, language), made: count(now.made, language), rate: now.per_s, share: percent(now.anomaly_rate, language), kind: name(now.anomaly_mix) })}</p>
      <button class="danger" onClick=${() => act(() => ask("injection", { method: "DELETE" }))}>${say("stop")}</button>` : html`
      <p class="quiet">${say("injectNote")}</p>
      <form class="wish" onSubmit=${(e) => { e.preventDefault(); dialog.current.showModal(); }}>
        ${field("minutes", say("minutes"), { min: 1, max: 120, step: 1 })}
        ${field("per_s", say("perSecond"), { min: 0.1, max: 50, step: 0.1 })}
        ${field("anomalies", say("share"), { min: 0, max: 50, step: 1 })}
        <label>${say("kind")}<select value=${wish.kind} onChange=${(e) => setWish({ ...wish, kind: e.target.value })}><option value="">${say("allKinds")}</option>${kinds.map((kind) => html`<option value=${kind}>${name(kind)}</option>`)}</select></label>
        <button class="main">${say("start")}</button>
      </form>`}
    ${failure && html`<p class="banner bad" role="alert">${say("wrong", { why: failure })}</p>`}
    <dialog ref=${dialog} aria-labelledby="confirm-title"><h2 id="confirm-title">${say("confirmTitle")}</h2>
      <p>${say("confirm", { n: count(Math.round(wish.minutes * 60 * wish.per_s), language), minutes: wish.minutes, share: `${wish.anomalies} %`, kind: name(wish.kind) })}</p>
      <div class="choices"><button onClick=${() => dialog.current.close()}>${say("no")}</button><button class="main" onClick=${start}>${say("yes")}</button></div></dialog>
  </section>`;
}
