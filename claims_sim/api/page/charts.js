// Two charts for one question: does the live stream follow the profile? Each row or column shows both shares.
import { h } from "./vendor/preact.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { percent, ranged } from "./format.js";

const html = htm.bind(h);
const ROW_PX = 22;

function useSize() {
  const element = useRef(null), [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setSize({ width: entry.contentRect.width, height: entry.contentRect.height }));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, size];
}

const both = (value, row, say, language) => `${value}: ${say("live")} ${percent(row.live, language, 1)}, ${say("expected")} ${percent(row.expected, language, 1)}`;
const described = (name, rows, say, language, label) => `${name}. ${rows.map((row) => both(label(row), row, say, language)).join("; ")}.`;

/** Columns for ranges in their order: a filled column is live, the line across it is expected. */
export function Columns({ name, rows, say, language }) {
  const [element, { width, height }] = useSize();
  const bottom = 22, top = 14, most = Math.max(0.01, ...rows.flatMap((row) => [row.live, row.expected]));
  const step = width / rows.length, y = (share) => top + (height - top - bottom) * (1 - share / most);
  const every = Math.ceil(rows.length * 46 / Math.max(width, 1)), label = (row) => ranged(row.value, say, language);
  return html`<figure class="chart">
    <figcaption>${name}</figcaption>
    <div class="plot" ref=${element}>${width > 0 && html`<svg width=${width} height=${height} role="img" aria-label=${described(name, rows, say, language, label)}>
      <line class="axis" x1="0" x2=${width} y1=${height - bottom} y2=${height - bottom} />
      ${rows.map((row, i) => html`<g key=${row.value}>
        <title>${both(label(row), row, say, language)}</title>
        <rect class="hit" x=${i * step} y="0" width=${step} height=${height - bottom} />
        <rect class="bar" x=${i * step + step * 0.14} width=${step * 0.72} y=${y(row.live)} height=${height - bottom - y(row.live)} />
        <line class="mark" x1=${i * step + step * 0.06} x2=${i * step + step * 0.94} y1=${y(row.expected)} y2=${y(row.expected)} />
        ${i % every === 0 && html`<text class="tick" x=${i * step + step / 2} y=${height - 7}>${ranged(short(row.value), say, language).replaceAll(" ", "")}</text>`}
      </g>`)}
      <text class="most" x="0" y="10">${percent(most, language)}</text>
    </svg>`}</div>
  </figure>`;
}

// A range's lower end says enough under a narrow column; the whole range is in the tooltip.
const short = (range) => range.replace(/^under /, "<").replace(/ or more$/, "+").replace(/–.*$/, "");

/** Rows for names, the most frequent first: a bar is live, the mark on it is expected. Names that the height has no room for are in "other". */
export function Rows({ name, rows, say, language, label = (row) => row.value }) {
  const [element, { height }] = useSize();
  const named = rows.filter((row) => row.value !== "other"), rest = rows.find((row) => row.value === "other");
  const most = Math.max(0.01, ...named.flatMap((row) => [row.live, row.expected]));
  const room = Math.max(1, Math.floor(height / ROW_PX) - 1), shown = named.slice(0, room), others = [...named.slice(room), ...(rest ? [rest] : [])];
  const sum = (share) => others.reduce((total, row) => total + row[share], 0);
  return html`<figure class="chart long">
    <figcaption>${name}</figcaption>
    <div class="rows" ref=${element} role="img" aria-label=${described(name, rows, say, language, label)}>
      ${shown.map((row) => html`<div class="row" key=${row.value} title=${both(label(row), row, say, language)}>
        <span class="name">${label(row)}</span>
        <span class="track"><span class="fill" style=${{ width: `${(100 * row.live) / most}%` }}></span><span class="mark" style=${{ left: `${(100 * row.expected) / most}%` }}></span></span>
        <span class="number">${percent(row.live, language, 1)}</span>
      </div>`)}
      ${others.length > 0 && html`<div class="row rest"><span class="name">${say("other")}</span><span class="quiet">${say("expected")} ${percent(sum("expected"), language, 1)}</span><span class="number">${percent(sum("live"), language, 1)}</span></div>`}
    </div>
  </figure>`;
}
