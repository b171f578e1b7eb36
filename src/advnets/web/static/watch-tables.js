// Measures with their errors, settings and differences, and what the doctor found.

import { html, useEffect, useMemo, useState } from "./html.js";
import { askDifferences } from "./watch-data.js";
import { number } from "./watch-words.js";

export function Measures({ runs, feed }) {
  const reports = runs.map((run) => feed.open.get(run.key)?.about?.report || {});
  const names = [...new Set(reports.flatMap((report) => (report.measures || []).map((one) => one.name)))];
  if (!names.length) return html`<section class="card"><h3>Measures</h3><p class="muted">Nothing was measured yet. <code>advnets evaluate RUN</code> measures a run, and its report is shown here.</p></section>`;
  return html`<section class="card"><h3>Measures</h3>
    ${runs.map((run, place) => html`<${Sentences} run=${run} report=${reports[place]} isNamed=${runs.length > 1} />`)}
    <p class="muted small">The bar is the 95 % interval, and the upright line what real images get. ${runs.map((run, place) => (reports[place].step !== undefined ? `${run.name}: step ${number(reports[place].step, 6)}. ` : `${run.name}: no report. `))}</p>
    <div class="scroll"><table class="measures"><thead><tr><th>measure</th>${runs.length > 1 ? html`<th>run</th>` : ""}<th class="number">value</th><th>interval</th><th>verdict</th></tr></thead>
    <tbody>${names.flatMap((name) => rowsOf(name, runs, reports))}</tbody></table></div></section>`;
}

function rowsOf(name, runs, reports) {
  const found = runs.map((run, place) => [run, place, (reports[place].measures || []).find((one) => one.name === name)]).filter(([, , one]) => one);
  const values = found.map(([, , one]) => one).filter((one) => typeof one.value === "number");
  const ends = values.flatMap((one) => [one.value - (one.half_width || 0), one.value + (one.half_width || 0), ...(typeof one.floor === "number" ? [one.floor] : [])]);
  const low = Math.min(...ends), high = Math.max(...ends);
  return found.map(([run, place, one], row) => html`<tr key=${`${name} ${run.key}`}>${row === 0 ? html`<td rowspan=${found.length}>${name}</td>` : ""}
    ${runs.length > 1 ? html`<td class="clip" data-colour=${place + 1}><span class="swatch"></span> ${run.name}</td>` : ""}
    <td class="number" title=${one.text}>${number(one.value)}${typeof one.half_width === "number" ? html` <span class="muted">± ${number(one.half_width, 2)}</span>` : ""}</td>
    <td data-colour=${place + 1}><${Interval} one=${one} low=${low} high=${high} /></td><td class="small">${one.verdict}</td></tr>`);
}

// What a report begins with: fidelity, variety and copies.
function Sentences({ run, report, isNamed }) {
  if (!report.sentences) return "";
  return html`<div class="note small sentences">${isNamed ? html`<strong>${run.name}</strong>` : ""}
    ${[...report.sentences, ...report.warnings].map((one) => html`<p>${one}</p>`)}</div>`;
}

function Interval({ one, low, high }) {
  if (typeof one.value !== "number" || !(high > low)) return "";
  const at = (value) => 8 + (184 * (value - low)) / (high - low), half = one.half_width || 0;
  return html`<svg class="interval" viewBox="0 0 200 22" role="img" aria-label=${one.text}>
    <line class="axis" x1="4" x2="196" y1="11" y2="11" />
    ${typeof one.floor === "number" ? html`<line class="floor" x1=${at(one.floor)} x2=${at(one.floor)} y1="2" y2="20" />` : ""}
    <line class="error" x1=${at(one.value - half)} x2=${at(one.value + half)} y1="11" y2="11" /><circle cx=${at(one.value)} cy="11" r="4.5" /></svg>`;
}

export function Settings({ runs, feed, state, change }) {
  const [told, setTold] = useState({ rows: [], problem: "" });
  const keys = runs.filter((run) => run.state !== "share file").map((run) => run.key), isMany = keys.length > 1;
  useEffect(() => {
    if (isMany) askDifferences(keys).then((found) => setTold({ ...found, problem: "" }), (error) => setTold({ rows: [], problem: error.message }));
  }, [keys.join()]);
  const isAll = state.all === "1" || !isMany, word = (state.find || "").toLowerCase();
  const flat = keys.map((key) => feed.open.get(key)?.about?.settings || {});
  const rows = useMemo(() => {
    const names = [...new Set(flat.flatMap((lines) => Object.keys(lines)))];
    return isAll ? names.map((field) => ({ field, values: flat.map((lines) => lines[field] ?? "not there") })) : told.rows;
  }, [isAll, told, JSON.stringify(flat)]);
  const shown = rows.filter((row) => !word || row.field.toLowerCase().includes(word) || row.values.some((value) => value.toLowerCase().includes(word)));
  const about = isMany ? null : feed.open.get(keys[0])?.about;
  return html`<section class="card"><div class="row"><h3 class="grow">${isAll ? "Settings" : "What differs"}</h3>
      <label><span class="hidden-text">find</span><input type="text" id="find" placeholder="find a setting" value=${state.find || ""} onInput=${(event) => change({ find: event.target.value })} /></label>
      ${isMany ? html`<label><input type="checkbox" id="all" checked=${isAll} onChange=${(event) => change({ all: event.target.checked ? "1" : "" })} /> all settings</label>` : ""}</div>
    ${told.problem && isMany ? html`<p class="note bad small">${told.problem}</p>` : ""}
    ${shown.length ? html`<div class="scroll"><table class="settings"><thead><tr><th>field</th>${runs.filter((run) => keys.includes(run.key)).map((run) => html`<th>${isMany ? run.name : "value"}</th>`)}</tr></thead>
      <tbody>${shown.map((row) => html`<tr key=${row.field}><td><code>${row.field.replace(/^(recipe|settings)\./, "")}</code></td>${row.values.map((value) => html`<td>${value}</td>`)}</tr>`)}</tbody></table></div>`
      : html`<p class="muted">${word ? "No setting has this word." : isMany ? "These runs are set alike." : "No settings can be read."}</p>`}
    ${about && about.notes.length ? html`<h3>Notes of the start</h3><ul class="small">${about.notes.map((note) => html`<li>${note}</li>`)}</ul>` : ""}
    ${about && Object.keys(about.environment).length ? html`<details><summary>Environment</summary><table class="settings"><tbody>${Object.entries(about.environment).map(([name, value]) => html`<tr><td><code>${name}</code></td><td>${String(value)}</td></tr>`)}</tbody></table></details>` : ""}
  </section>`;
}

export const KINDS = { grave: "bad", severe: "bad", error: "bad", critical: "bad", warning: "warn", warn: "warn", finding: "bad", gone: "quiet", note: "quiet" };
const PARTS = [["what", ""], ["evidence", "Evidence"], ["cause", "Likely cause"], ["remedy", "Remedy"]];
const OWN = new Set(["name", "severity", "step", "since", "seconds", "measured", "threshold", "null", ...PARTS.map(([name]) => name)]);

// The number of a finding, what it is compared with, and what it is where nothing is wrong.
function evidenceOf(one) {
  if (typeof one.measured !== "number") return one.evidence;
  return `measured ${number(one.measured)}, threshold ${number(one.threshold)}${one.null ? `; ${one.null}` : ""}.`;
}

const GRAVITY = ["finding", "warning", "note", "gone"];

/** The newest line of each finding, the gravest first; one that is gone keeps what it said. */
export function sortFindings(lines) {
  const last = new Map();
  for (const one of lines) {
    const before = last.get(one.name);
    last.delete(one.name);
    last.set(one.name, one.severity === "gone" ? { ...before, ...one } : one);
  }
  const place = (one) => { const at = GRAVITY.indexOf(one.severity); return at < 0 ? 0 : at; };
  return [...last.values()].reverse().sort((a, b) => place(a) - place(b));
}

export function Findings({ runs, feed }) {
  return html`<div class="findings">${runs.map((run) => {
    const open = feed.open.get(run.key), found = sortFindings(open?.findings || []), judgement = open?.about?.judgement;
    return html`<section key=${run.key}>${runs.length > 1 ? html`<h3>${run.name}</h3>` : ""}
      ${found.some((one) => one.severity !== "gone") ? "" : html`<p class="card silence">${judgement?.words || "No finding. The doctor writes what it sees into the run while it trains."}</p>`}
      ${found.map((one) => html`<${Finding} one=${one} />`)}<${NotJudged} judgement=${judgement} /></section>`;
  })}</div>`;
}

// What silence about a failure does not mean: it is judged later.
function NotJudged({ judgement }) {
  if (!judgement || !judgement.not_judged.length) return "";
  return html`<article class="card not-judged"><h3>Not judged yet</h3>
    <p class="muted small">${judgement.not_judged.length} of ${judgement.failures} failures, at the doctor's last probe, that of step ${number(judgement.step, 6)}.</p>
    <div class="scroll"><table class="settings"><thead><tr><th>failure</th><th>judged</th></tr></thead>
    <tbody>${judgement.not_judged.map((one) => html`<tr key=${one.name}><td><code>${one.name}</code></td><td>${one.until}</td></tr>`)}</tbody></table></div></article>`;
}

function Finding({ one }) {
  const told = { ...one, evidence: evidenceOf(one) }, since = one.since !== undefined && one.since < one.step;
  const rest = Object.entries(one).filter(([name]) => !OWN.has(name));
  return html`<article class="card finding"><div class="row"><h3 class="grow">${one.name || "finding"}</h3>${one.severity ? html`<span class=${`badge ${KINDS[one.severity] || "warn"}`}>${one.severity}</span>` : ""}
      ${one.step !== undefined ? html`<span class="muted small number">${since ? `since step ${number(Number(one.since), 6)}, seen at ` : "step "}${number(Number(one.step), 6)}</span>` : ""}</div>
    ${PARTS.filter(([name]) => told[name] !== undefined && told[name] !== "").map(([name, title]) => html`<p>${title ? html`<strong>${title}: </strong>` : ""}${name === "remedy" ? html`<code>${String(told[name])}</code>` : String(told[name])}</p>`)}
    ${rest.length ? html`<p class="muted small">${rest.map(([name, value]) => `${name} ${typeof value === "number" ? number(value) : value}`).join(" · ")}</p>` : ""}</article>`;
}
