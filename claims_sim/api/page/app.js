// The live page: what runs, what arrives, what stands out, and a switch for more of it.
import { h, render } from "./vendor/preact.js";
import { useCallback, useEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { Columns, Rows } from "./charts.js";
import { Detail, Reason } from "./detail.js";
import { Injection } from "./injection.js";
import { clock, count, decimal, elapsed, percent, rupiah, title } from "./format.js";
import { Refused, ask, follow, setKey } from "./server.js";
import { LANGUAGES, checkName, sayer } from "./texts.js";

const html = htm.bind(h);
const SHOWN = 60, ALERTS = 8, CHECKS = 5, HIGH = 0.5, RATE_OVER_S = 300;
const NO_FILTER = { service_type: "", severity: "", province: "", diagnosis: "", min_risk: "" };

function usePolled(path, every, ready) {
  const [found, setFound] = useState({ value: null, error: null });
  const again = useRef(() => {});
  useEffect(() => {
    if (!ready) return undefined;
    let timer, ended = false;
    const look = async () => {
      clearTimeout(timer);
      try { const value = await ask(path); if (!ended) setFound({ value, error: null }); }
      catch (error) { if (!ended) setFound((last) => ({ ...last, error })); }
      if (!ended) timer = setTimeout(look, document.hidden ? every * 5 : every);
    };
    again.current = look;
    look();
    return () => { ended = true; clearTimeout(timer); };
  }, [path, every, ready]);
  return [found.value, found.error, useCallback(() => again.current(), [])];
}

function useStored(name, start) {
  const [value, setValue] = useState(() => { try { return localStorage.getItem(name) ?? start; } catch { return start; } });
  return [value, (next) => { setValue(next); try { localStorage.setItem(name, next); } catch { /* for this visit only */ } }];
}

function useNow(every) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => { const timer = setInterval(() => setNow(Date.now()), every); return () => clearInterval(timer); }, [every]);
  return now;
}

const given = (filters) => Object.entries(filters).filter(([, value]) => value !== "");
const queryOf = (filters, more) => new URLSearchParams([...given(filters).map(([name, value]) => [name, name === "diagnosis" ? `${value.replaceAll(".", "").toUpperCase()}*` : value]), ...Object.entries(more)]).toString();

function holds({ claim, score }, filters) {
  return (!filters.service_type || claim.service_type === filters.service_type)
    && (!filters.severity || claim.severity_group === filters.severity)
    && (!filters.province || claim.facility?.province === filters.province)
    && (!filters.diagnosis || (claim.diagnosis?.primary_code ?? "").startsWith(filters.diagnosis.replaceAll(".", "").toUpperCase()))
    && (!filters.min_risk || (score?.risk_score ?? -1) >= Number(filters.min_risk));
}

/** The newest claims that hold the filters, all alerts, and the instants of arrival; loaded once, then followed. */
function useClaims(filters, paused, session) {
  const [claims, setClaims] = useState(null), [alerts, setAlerts] = useState(null), [arrivals, setArrivals] = useState([]);
  const [state, setState] = useState("connecting"), [held, setHeld] = useState(0), [failure, setFailure] = useState(null);
  const wanted = useRef(filters), waiting = useRef([]), isPaused = useRef(paused);
  wanted.current = filters;
  isPaused.current = paused;
  const merge = (some) => setClaims((known) => {
    const seen = new Set((known ?? []).map((claim) => claim.seq));
    return [...some.filter((claim) => !seen.has(claim.seq)), ...(known ?? [])].sort((a, b) => b.seq - a.seq).slice(0, SHOWN);
  });
  // A page of the server takes the list's place, but for claims that came while it was on its way.
  const replace = (page) => {
    const first = page[0]?.seq ?? 0;
    setClaims((known) => [...(known ?? []).filter((claim) => claim.seq > first && holds(claim, wanted.current)), ...page].slice(0, SHOWN));
  };
  useEffect(() => { if (!paused && waiting.current.length) { merge(waiting.current); waiting.current = []; setHeld(0); } }, [paused]);

  useEffect(() => {
    let stop = () => {}, ended = false, timer;
    const begin = async () => {
      try {
        const [page, risky] = await Promise.all([ask(`claims?limit=${SHOWN}`), ask(`high-risk?limit=${ALERTS}&order=newest&min_risk=${HIGH}`)]);
        if (ended) return;
        setFailure(null);
        setAlerts(risky.claims);
        setArrivals(page.claims.map((claim) => Date.parse(claim.ingested_at)));
        if (!given(wanted.current).length) replace(page.claims);
        stop = follow(page.claims[0]?.seq ?? 0, {
          onState: (next) => { setState(next); },
          onClaims: (some) => {
            const fresh = some.map((claim) => ({ ...claim, isNew: true })).reverse();
            setArrivals((known) => [...fresh.map(() => Date.now()), ...known].slice(0, 2_000));
            setAlerts((known) => [...fresh.filter((claim) => (claim.score?.risk_score ?? 0) >= HIGH), ...(known ?? [])].slice(0, ALERTS));
            const matching = fresh.filter((claim) => holds(claim, wanted.current));
            if (!matching.length) return;
            if (isPaused.current) { waiting.current = [...matching, ...waiting.current].slice(0, SHOWN); setHeld((n) => n + matching.length); }
            else merge(matching);
          },
        });
      } catch (error) {
        if (ended) return;
        if (error.status === 401) { setState("key"); return; }
        setState("lost");
        setFailure(error instanceof Refused ? error.message : null);
        timer = setTimeout(begin, 3_000);
      }
    };
    begin();
    return () => { ended = true; clearTimeout(timer); stop(); };
  }, [session]);

  const text = queryOf(filters, { limit: SHOWN }), loaded = useRef(queryOf(NO_FILTER, { limit: SHOWN }));
  useEffect(() => {
    if (text === loaded.current) return undefined; // without filters the first page is there already
    let ended = false;
    const timer = setTimeout(async () => {
      try { const page = await ask(`claims?${text}`); if (!ended) { loaded.current = text; replace(page.claims); waiting.current = []; setHeld(0); } } catch { /* the connection's state tells */ }
    }, 250);
    return () => { ended = true; clearTimeout(timer); };
  }, [text, session]);
  return { claims, alerts, arrivals, state, held, failure };
}

function App() {
  const [language, setLanguage] = useStored("claims_sim.language", (navigator.language ?? "").startsWith("id") ? "id" : "en");
  const [theme, setTheme] = useStored("claims_sim.theme", "");
  const say = useMemo(() => sayer(language), [language]);
  const [session, setSession] = useState(0), [filters, setFilters] = useState(NO_FILTER), [paused, setPaused] = useState(false);
  const [open, setOpen] = useState(null);
  const live = useClaims(filters, paused, session);
  const needsKey = live.state === "key", ready = !needsKey;
  const [status, , lookAgain] = usePolled("status", 3_000, ready);
  const [summary] = usePolled(`scores/summary?threshold=${HIGH}`, 10_000, ready);
  const [distribution, noDistribution] = usePolled("distribution", 8_000, ready);
  useEffect(() => { document.documentElement.lang = language; }, [language]);
  useEffect(() => { if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme; }, [theme]);
  const common = { say, language };
  // The stream of events stands, but "live" would be untrue while nothing can arrive by it.
  const state = needsKey ? "connecting" : live.state === "connected" && status && !status.ready ? "waiting" : live.state;
  return html`
    <a class="skip" href="#claims">${say("skip")}</a>
    <header class="top">
      <div class="brand"><img src="page/icon.svg" alt="" width="30" height="30" /><div><h1>claims_sim</h1><p class="quiet">${say("tagline")}</p></div></div>
      <span class="pill ${state}" role="status">${say(state)}</span>
      <nav class="links">
        ${status?.status?.dagster?.startsWith?.("http") && html`<a href=${status.status.dagster}>${say("dagster")}</a>`}
        ${status?.has_fidelity && html`<a href="fidelity">${say("fidelity")}</a>`}
        <a href="docs">${say("docs")}</a>
        <label><span class="hidden">${say("language")}</span><select value=${language} onChange=${(e) => setLanguage(e.target.value)}>${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code}>${name}</option>`)}</select></label>
        <label><span class="hidden">${say("theme")}</span><select value=${theme} onChange=${(e) => setTheme(e.target.value)}><option value="">${say("auto")}</option><option value="light">${say("light")}</option><option value="dark">${say("dark")}</option></select></label>
      </nav>
    </header>
    <main>
      <${Banner} ...${common} live=${live} status=${status} />
      ${needsKey && html`<${KeyForm} say=${say} onKey=${(key) => { setKey(key); setSession((n) => n + 1); }} />`}
      <${Tiles} ...${common} status=${status} summary=${summary} arrivals=${live.arrivals} />
      <div class="grid">
        <${Claims} ...${common} ready=${ready} live=${live} filters=${filters} setFilters=${setFilters} paused=${paused} setPaused=${setPaused} groups=${summary?.groups} onOpen=${setOpen} />
        <div class="side">
          <${Alerts} ...${common} ready=${ready} alerts=${live.alerts} onOpen=${setOpen} />
          <${Injection} ...${common} status=${status} onChange=${lookAgain} />
          <${Checks} ...${common} ready=${ready} status=${status} />
        </div>
      </div>
      <${Compare} ...${common} ready=${ready} distribution=${distribution} error=${noDistribution} />
    </main>
    ${open && html`<${Detail} ...${common} opened=${open} onClose=${() => setOpen(null)} />`}`;
}

const Loading = ({ say }) => html`<p class="empty">${say("loading")}</p>`;

function Banner({ say, live, status }) {
  const lost = live.state === "lost";
  const idle = status && status.status.producer?.startsWith("none") && (status.status.dagster === "not running");
  const text = lost ? live.failure ?? say("lostLong") : idle ? say("idle") : status && !status.ready ? say("notReady", { why: status.problems.join("; ") }) : "";
  return html`<div role="alert">${text && html`<p class="banner ${lost ? "bad" : ""}">${text}</p>`}</div>`;
}

function KeyForm({ say, onKey }) {
  const field = useRef(null);
  return html`<form class="card key" onSubmit=${(e) => { e.preventDefault(); onKey(field.current.value); }}>
    <h2>${say("keyTitle")}</h2><p class="quiet">${say("keyNote")}</p>
    <label>${say("keyLabel")} <input type="password" autocomplete="off" required ref=${field} /></label> <button class="main">${say("enter")}</button>
  </form>`;
}

function Tiles({ say, language, status, summary, arrivals }) {
  const now = useNow(1_000), flow = status?.status ?? {};
  const newest = arrivals[0], span = Math.min(RATE_OVER_S, arrivals.length ? (now - arrivals.at(-1)) / 1000 : 0);
  const within = arrivals.filter((at) => now - at <= RATE_OVER_S * 1000).length;
  const rate = span > 5 && within ? (within / span) * 60 : 0;
  const checks = Object.values(status?.checks ?? {}), failed = checks.filter((check) => !check.passed), failing = failed.length;
  const grave = failed.some((check) => check.severity === "ERROR");
  const tile = (name, value, note, mood = "") => html`<div class="tile ${mood}"><dt>${name}</dt><dd><strong>${value}</strong><span class="quiet">${note}</span></dd></div>`;
  return html`<dl class="tiles">
    ${tile(say("stored"), flow.ingested === undefined ? "–" : count(flow.ingested, language), flow.dead_letters ? say("deadLetters", { n: flow.dead_letters }) : flow.unscored ? say("unscored", { n: flow.unscored }) : "")}
    ${tile(say("rate"), rate ? decimal(rate, language, rate < 10 ? 1 : 0) : "0", rate ? say("inLast", { t: elapsed(span, say) }) : "")}
    ${tile(say("since"), newest ? elapsed((now - newest) / 1000, say) : "–", status ? say("every", { t: `${status.interval_s[0]}–${status.interval_s[1]} ${say("seconds")}` }) : "")}
    ${tile(say("alerts"), summary ? count(summary.high_risk, language) : "–", summary?.claims ? say("ofAll", { share: percent(summary.high_risk / summary.claims, language, 1) }) : "", summary?.high_risk ? "warn" : "")}
    ${tile(say("checks"), checks.length ? `${checks.length - failing}/${checks.length}` : "–", checks.length ? (failing ? say("failing", { n: failing }) : say("allPass")) : say("noChecks"), grave ? "bad" : failing ? "warn" : "")}
    ${tile(say("author"), status?.author === "llm" ? "LLM" : status?.author ?? "–", html`<${Spending} say=${say} language=${language} budget=${status?.budget} />`, status?.budget?.hindered ? "warn" : "")}
  </dl>`;
}

function Spending({ say, language, budget }) {
  if (!budget) return null;
  if (budget.hindered) return html`<span title=${budget.hindered}>${budget.hindered}</span>`;
  const limited = (used, limit, text) => html`${text}${limit ? html` <meter min="0" max=${limit} value=${used} high=${0.8 * limit} optimum="0" aria-label=${say("budgetOf", { of: limit })}></meter>` : ""}`;
  const tokens = say("tokensToday", { n: count(budget.tokens, language) });
  return budget.cost_limit
    ? limited(budget.cost, budget.cost_limit, say("costToday", { n: budget.cost.toPrecision(3), of: budget.cost_limit }))
    : limited(budget.tokens, budget.tokens_limit, tokens);
}

function Claims({ say, language, ready, live, filters, setFilters, paused, setPaused, groups, onOpen }) {
  const set = (name) => (e) => setFilters({ ...filters, [name]: e.target.value });
  const choices = (name) => [...new Set((groups?.[name] ?? []).map((group) => group.value).filter(Boolean))].sort();
  const select = (name, group, label) => html`<label>${label}<select value=${filters[name]} onChange=${set(name)}><option value="">${say("any")}</option>${choices(group).map((value) => html`<option value=${value}>${name === "province" ? title(value) : value}</option>`)}</select></label>`;
  const filtered = given(filters).length > 0;
  return html`<section class="card claims" id="claims" aria-labelledby="claims-title" tabindex="-1">
    <div class="head"><h2 id="claims-title">${say("arriving")}</h2>
      <button onClick=${() => setPaused(!paused)} aria-pressed=${paused}>${paused ? say("resume") : say("pause")}${live.held ? ` · ${say("held", { n: live.held })}` : ""}</button></div>
    <div class="filters">
      ${select("service_type", "service_type", say("service"))}
      ${select("severity", "severity", say("severity"))}
      ${select("province", "province", say("place"))}
      <label>${say("code")}<input value=${filters.diagnosis} placeholder=${say("codeHint")} maxlength="8" onInput=${set("diagnosis")} /></label>
      <label>${say("minRisk")}<select value=${filters.min_risk} onChange=${set("min_risk")}><option value="">${say("any")}</option>${["0.2", "0.3", "0.5", "0.7"].map((value) => html`<option value=${value}>${value}</option>`)}</select></label>
      ${filtered && html`<button onClick=${() => setFilters(NO_FILTER)}>${say("clear")}</button>`}
    </div>
    <div class="scroll" tabindex="0"><table>
      <thead><tr><th scope="col">${say("time")}</th><th scope="col" class="wide">${say("service")}</th><th scope="col">${say("diagnosis")}</th><th scope="col" class="wide">${say("place")}</th><th scope="col" class="wide">${say("severity")}</th><th scope="col" class="right">${say("claimed")}</th><th scope="col">${say("risk")}</th></tr></thead>
      <tbody>
        ${(live.claims ?? []).map((record) => html`<tr key=${record.seq} class=${record.isNew ? "new" : ""} onClick=${() => onOpen(record)}>
          <td><button class="plain" onClick=${() => onOpen(record)} aria-label="${say("details")} ${record.claim.claim_id}">${clock(record.ingested_at, language)}</button></td>
          <td class="wide">${record.claim.service_type}</td>
          <td class="long"><code>${record.claim.diagnosis?.primary_code}</code> ${record.claim.diagnosis?.primary_label}<span class="narrow quiet">${[record.claim.service_type, title(record.claim.facility?.province), record.claim.severity_group].filter(Boolean).join(" · ")}</span></td>
          <td class="wide place" title=${title(record.claim.facility?.province)}>${title(record.claim.facility?.province)}</td>
          <td class="wide"><span class="dot ${record.claim.severity_group}"></span>${record.claim.severity_group}</td>
          <td class="right">${rupiah(record.claim.amount_claimed, language)}</td>
          <td><${Risk} score=${record.score} language=${language} /></td></tr>`)}
      </tbody></table>
      ${ready && !live.claims && live.state !== "lost" && html`<${Loading} say=${say} />`}
      ${live.claims && !live.claims.length && html`<p class="empty">${filtered ? say("noMatch") : say("none")}</p>`}
    </div>
  </section>`;
}

export function Risk({ score, language }) {
  if (!score) return html`<span class="quiet">–</span>`;
  const risk = score.risk_score, mood = risk >= HIGH ? "high" : risk >= 0.3 ? "middle" : "low";
  return html`<span class="risk ${mood}"><span class="track"><span style=${{ width: `${100 * risk}%` }}></span></span>${decimal(risk, language, 2)}</span>`;
}

function Alerts({ say, language, ready, alerts, onOpen }) {
  return html`<section class="card alarm" aria-labelledby="alerts-title"><h2 id="alerts-title">${say("alertsTitle")}</h2>
    ${ready && !alerts && html`<${Loading} say=${say} />`}
    ${alerts && !alerts.length && html`<p class="empty">${say("noAlerts")}</p>`}
    <ul class="alerts">${(alerts ?? []).map((record) => html`<li key=${record.seq}><button class="plain" onClick=${() => onOpen(record)}>
      <${Risk} score=${record.score} language=${language} /><span class="what"><b>${record.claim.diagnosis?.primary_code}</b> ${title(record.claim.facility?.province)} · ${rupiah(record.claim.amount_claimed, language)}</span>
      ${record.score && html`<${Reason} score=${record.score} at=${0} language=${language} />`}</button></li>`)}</ul></section>`;
}

function Checks({ say, language, ready, status }) {
  const checks = Object.entries(status?.checks ?? {}).sort(([, a], [, b]) => a.passed - b.passed);
  const first = Math.max(CHECKS, checks.filter(([, check]) => !check.passed).length), rest = checks.slice(first); // none that fails is folded away
  const line = ([name, check]) => html`<li key=${name} class=${check.passed ? "good" : check.severity === "ERROR" ? "bad" : "warn"}>
    <span aria-hidden="true">${check.passed ? "✓" : "!"}</span><span><b>${checkName(name.split("/")[1], language)}</b> <span class="quiet">${check.passed ? name.split("/")[0] : check.description || name.split("/")[0]}</span></span></li>`;
  return html`<section class="card checked" aria-labelledby="checks-title" tabindex="0"><h2 id="checks-title">${say("checks")}</h2>
    ${status && !checks.length && html`<p class="empty">${say("noChecks")}</p>`}
    ${ready && !status && html`<${Loading} say=${say} />`}
    <ul class="checks">${checks.slice(0, first).map(line)}</ul>
    ${rest.length > 0 && html`<details><summary>${say("moreChecks", { n: rest.length })}</summary><ul class="checks">${rest.map(line)}</ul></details>`}</section>`;
}

function Compare({ say, language, ready, distribution, error }) {
  const columns = distribution?.columns ?? {};
  return html`<section class="card compare" aria-labelledby="compare-title">
    <div class="head"><h2 id="compare-title">${say("compare")}</h2>${distribution && html`<p class="quiet">${say("compareNote", { n: count(distribution.claims, language) })}</p>`}</div>
    ${ready && !distribution && !error && html`<${Loading} say=${say} />`}
    ${!distribution && error && html`<p class="empty">${error.status === 503 ? say("noProfile") : error.message}</p>`}
    <div class="charts">
      ${columns.los && html`<${Columns} name=${say("stay")} rows=${columns.los} ...${{ say, language }} />`}
      ${columns.amount_claimed && html`<${Columns} name=${say("amount")} rows=${columns.amount_claimed} ...${{ say, language }} />`}
      ${columns.dx_primary_code && html`<${Rows} name=${say("dx")} rows=${columns.dx_primary_code} ...${{ say, language }} label=${(row) => [row.value, row.label].filter(Boolean).join(" ")} />`}
      ${columns.province_name && html`<${Rows} name=${say("province")} rows=${columns.province_name} ...${{ say, language }} label=${(row) => title(row.value)} />`}
    </div></section>`;
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
