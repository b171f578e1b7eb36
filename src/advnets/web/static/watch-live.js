// What changes while runs train: their progress, their curves, and their pictures on one time slider.

import { html, useEffect, useMemo, useState } from "./html.js";
import { Chart, smooth } from "./watch-chart.js";
import { duration, number, seriesName, STATES } from "./watch-words.js";

const HIDDEN = new Set(["step", "seconds", "images_per_second", "stage", "validation/seconds"]);
const HELD_OUT = "Measured on held-out data", DOCTOR = "What the doctor measures", REST = "Penalties and the rest";

// Which chart a number of the journal belongs to.
export function groupOf(name) {
  if (name.startsWith("validation/")) return HELD_OUT;
  if (name.startsWith("doctor/")) return DOCTOR;
  if (/objective$/.test(name)) return "Losses";
  if (/^D\(/.test(name)) return "Scores of the discriminator";
  if (/grad|norm/i.test(name)) return "Gradient norms";
  return REST;
}

const ORDER = ["Losses", "Scores of the discriminator", "Gradient norms", HELD_OUT, DOCTOR, REST];

export function Badge({ state }) {
  const [kind, word] = STATES[state] || ["warn", state];
  return html`<span class=${`badge ${kind}`}><span class="dot"></span>${word}</span>`;
}

export function Progress({ run, feed, colour }) {
  const share = typeof run.share === "number" ? run.share : null, open = feed.open.get(run.key);
  const problems = [...new Set([...(run.problems || []), ...((open && open.about && open.about.problems) || []), ...(open && open.problem ? [open.problem] : [])])];
  const isOver = ["finished", "stopped", "failed", "killed"].includes(run.state);
  return html`<section class="card progress" data-colour=${colour}>
    <div class="row"><span class="swatch"></span><h2 class="grow clip" title=${run.name}>${run.name}</h2><${Badge} state=${run.state} /></div>
    ${run.state === "share file" ? html`<p class="muted small">A share file holds a generator alone: see Latents.</p>` : html`
    <div class="bar" role="progressbar" aria-label="share of the budget" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(100 * (share || 0))}><span style=${{ width: `${100 * (share || 0)}%` }}></span></div>
    <dl class="facts number">
      <div><dt>step</dt><dd>${number(run.step, 6)}</dd></div><div><dt>images/s</dt><dd>${number(run.images_per_second)}</dd></div>
      <div><dt>trained</dt><dd>${duration(run.seconds)}</dd></div><div><dt>left</dt><dd>${isOver ? "–" : duration(run.seconds_left)}</dd></div>
    </dl>
    <p class="muted small">${[run.recipe, run.data && `on ${run.data}`, run.seed !== "" && `seed ${run.seed}`].filter(Boolean).join(" · ")}</p>`}
    ${run.words ? html`<p class="note small">${run.words}</p>` : ""}
    ${problems.length ? html`<details class="note bad small"><summary>${problems.length === 1 ? "A file cannot be read" : `${problems.length} files cannot be read`}</summary><ul>${problems.map((one) => html`<li>${one}</li>`)}</ul></details>` : ""}
    ${open && open.curves.broken ? html`<p class="note bad small">${open.curves.broken === 1 ? "One line of the journal is" : `${open.curves.broken} lines of the journal are`} damaged, and left out.</p>` : ""}
  </section>`;
}

function groups(runs, feed, share, axis) {
  const found = new Map();
  runs.forEach((run, place) => {
    const curves = feed.open.get(run.key)?.curves;
    if (!curves || !curves.steps.length) return;
    const xs = curves.columns.get(axis === "seconds" ? "seconds" : "step") || curves.steps;
    const within = new Map();
    for (const [name, values] of curves.columns) {
      if (HIDDEN.has(name)) continue;
      const group = groupOf(name), number = within.get(group) || 0;
      within.set(group, number + 1);
      const alone = runs.length === 1;
      const own = name.startsWith("generator/") || name === "D(G(z))" ? 2 : 1;
      const colour = alone ? ([HELD_OUT, DOCTOR, REST].includes(group) ? (number % 6) + 1 : own) : (place % 6) + 1;
      if (!found.has(group)) found.set(group, []);
      found.get(group).push({ label: alone ? seriesName(name) : `${seriesName(name)} · ${run.name}`, xs, ys: smooth(values, share), colour, dash: alone ? 0 : number % 4 });
    }
  });
  return ORDER.filter((group) => found.has(group)).map((group) => [group, found.get(group)]);
}

export function Live({ runs, feed, state, change, isDark, version }) {
  const share = Number(state.smooth) || 0, axis = state.x === "seconds" ? "seconds" : "step";
  const charts = useMemo(() => groups(runs, feed, share, axis), [version, share, axis, runs.map((run) => run.key).join()]);
  return html`<div class="live">
    <div class="charts">
      <div class="card controls row" role="group" aria-label="curves">
        <label class="grow">Smooth <input type="range" id="smooth" min="0" max="0.98" step="0.02" value=${share} onInput=${(event) => change({ smooth: event.target.value === "0" ? "" : event.target.value })} /></label>
        <label>Over <select id="axis" value=${axis} onChange=${(event) => change({ x: event.target.value === "step" ? "" : event.target.value })}><option value="step">steps</option><option value="seconds">seconds</option></select></label>
        <label><input type="checkbox" id="log" checked=${state.log === "1"} onChange=${(event) => change({ log: event.target.checked ? "1" : "" })} /> log scale</label>
      </div>
      ${charts.map(([title, series]) => html`<${Chart} key=${title} title=${title} series=${series} isLog=${state.log === "1" && !title.startsWith("Scores")} isDark=${isDark} unit=${axis} syncKey="time" />`)}
      ${charts.length ? "" : html`<p class="card muted">No line of a journal yet. The first one comes after some seconds of training.</p>`}
    </div>
    <${Pictures} runs=${runs} feed=${feed} state=${state} change=${change} />
  </div>`;
}

// The newest picture of a run that is not later than a step.
export const pictureAt = (steps, at) => steps.filter((step) => step <= at).at(-1) ?? steps[0];

function Pictures({ runs, feed, state, change }) {
  const lists = runs.map((run) => feed.open.get(run.key)?.about?.previews || []);
  const steps = [...new Set(lists.flat())].sort((a, b) => a - b), last = steps.length - 1;
  const chosen = state.at === "" || state.at === undefined ? last : Math.max(0, steps.findIndex((step, place) => step >= Number(state.at) || place === last));
  const [isPlaying, setPlaying] = useState(false);
  const go = (place) => change({ at: place >= last ? "" : String(steps[place]) });

  useEffect(() => {
    if (!isPlaying || last < 1) return undefined;
    const timer = setTimeout(() => { if (chosen >= last) setPlaying(false); else go(chosen + 1); }, 350);
    return () => clearTimeout(timer);
  }, [isPlaying, chosen, last]);

  useEffect(() => { // so that the slider does not wait
    runs.forEach((run, place) => lists[place].slice(-60).forEach((step) => { new Image().src = `/api/preview/${run.key}/${step}`; }));
  }, [lists.map((list) => list.length).join()]);

  if (last < 0) return html`<section class="card pictures"><h3>Pictures</h3><p class="muted">No picture yet. The first one is drawn after 5 seconds of training.</p></section>`;
  const at = steps[chosen];
  return html`<section class="card pictures"><div class="row"><h3 class="grow">Pictures</h3><output class="number muted small" for="time">step ${number(at, 6)}${state.at ? "" : ", the newest"}</output></div>
    <div class="row time">
      <button id="play" aria-label=${isPlaying ? "pause" : "play"} onClick=${() => { if (!isPlaying && chosen >= last) go(0); setPlaying(!isPlaying); }}>${isPlaying ? "❚❚" : "▶"}</button>
      <input type="range" id="time" class="grow" aria-label="time: step of the pictures" aria-valuetext=${`step ${at}`} min="0" max=${last} value=${chosen} onInput=${(event) => { setPlaying(false); go(Number(event.target.value)); }} />
      <button id="newest" onClick=${() => { setPlaying(false); change({ at: "" }); }}>Newest</button>
    </div>
    <div class="gallery">${runs.map((run, place) => {
      const step = lists[place].length ? pictureAt(lists[place], at) : null;
      return html`<figure key=${run.key}>${step === null ? html`<p class="muted small">no picture</p>` : html`<img src=${`/api/preview/${run.key}/${step}`} alt=${`samples of ${run.name} at step ${step}`} data-step=${step} />`}
        <figcaption class="small muted clip">${runs.length > 1 ? `${run.name} · ` : ""}${step === null ? "" : `step ${number(step, 6)}`}</figcaption></figure>`;
    })}</div>
    <p class="muted small">The same noises at every step.</p></section>`;
}
