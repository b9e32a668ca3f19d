// Talking to the API: documents, and claims as they arrive. A key, where one is needed, lives in the tab's storage.
const KEY = "claims_sim.key";
export const setKey = (key) => sessionStorage.setItem(KEY, key);
const headers = () => (sessionStorage.getItem(KEY) ? { "x-api-key": sessionStorage.getItem(KEY) } : {});

export class Refused extends Error {
  constructor(status, detail) { super(detail); this.status = status; }
}

export async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { ...headers(), ...options.headers }, signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, problem.detail ?? answer.statusText);
  }
  return answer.json();
}

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** Follow the claims after number `after`. Reconnects by itself and resumes where it was; returns a function that ends it. */
export function follow(after, { onClaims, onState }) {
  let last = after, ended = false, pause = 500, controller;
  const run = async () => {
    while (!ended) {
      controller = new AbortController();
      // A server that is gone without a word sends no heartbeat either.
      let alarm = setTimeout(() => controller.abort(), 40_000);
      const alive = () => { clearTimeout(alarm); alarm = setTimeout(() => controller.abort(), 40_000); };
      try {
        const answer = await fetch("claims/stream", { headers: { ...headers(), "last-event-id": String(last) }, signal: controller.signal });
        if (!answer.ok) throw new Refused(answer.status, answer.statusText);
        onState("connected");
        pause = 500;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = "";
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          alive();
          const events = (rest + value).split("\n\n");
          rest = events.pop();
          const claims = events.map(claimOf).filter(Boolean);
          if (claims.length) { last = claims.at(-1).seq; onClaims(claims); }
        }
      } catch (error) {
        if (ended) return;
        if (error.status === 401) { onState("key"); return; }
      } finally { clearTimeout(alarm); }
      if (ended) return;
      onState("lost");
      await new Promise((resume) => setTimeout(resume, pause));
      pause = Math.min(pause * 2, 5_000);
    }
  };
  run();
  return () => { ended = true; controller?.abort(); };
}

function claimOf(event) {
  const data = event.split("\n").find((line) => line.startsWith("data: "));
  return data ? JSON.parse(data.slice(6)) : null;
}
