// The page of the playground: what the server tells of its games is drawn, and what one does is asked of it.
import { html, render, useEffect, useRef, useState } from "../html.js";
import { Controls } from "./controls.js";
import { chartsOf, decodeAll, drawChart, drawGame, forgetColours, setDimension } from "./draw.js";
import { FORMULAS, LAYERS, TEXTS, numbersOf } from "./texts.js";

const PHASE_MS = 1250;
const page = {
  schema: null, state: null, games: [], place: 0, length: 1, which: 0, error: "", note: "", dialog: "", line: "", isSlow: false, isGone: false,
  shown: { D: true, best: true, arrows: true, real: true, fake: true, heat: true, grid: true },
};
let socket = null, isDrawn = true, phases = [], timer = null, count = 0, answered = null;
const asked = new Map();
page.timings = []; // milliseconds from what one does to the picture that answers it

function ask(message) {
  if (socket.readyState !== WebSocket.OPEN) return;
  asked.set((count += 1), performance.now());
  socket.send(JSON.stringify({ ...message, id: count }));
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/api/play`);
  socket.onopen = () => ask({ do: "open", fragment: location.hash });
  socket.onmessage = (event) => take(JSON.parse(event.data));
  socket.onclose = () => { page.isGone = true; update(); };
}

function take(told) {
  ({ schema: takeSchema, begin: takeBegin, state: takeState, frame: takeFrame, phases: takePhases, error: takeError, replay: takeReplay, none: () => {} })[told.is](told);
}

function takeSchema(told) { page.schema = told; }

function takeBegin(told) {
  stopSlow();
  page.games = told.games.map((game) => ({ ...game, backdrop: decodeAll(game.arrays), frame: null, columns: {} }));
  page.which = Math.min(page.which, page.games.length - 1);
}

function takeState(told) {
  page.state = told;
  page.games.forEach((game, i) => { game.settings = told.settings[i]; });
  document.documentElement.lang = told.language;
  setDimension(told.settings[0].dimension);
  history.replaceState(null, "", told.fragment ? `#${told.fragment}` : location.pathname);
  paint(); // together with the picture that follows it
}

function takeFrame(told) {
  told.games.forEach((one, i) => {
    const game = page.games[i];
    game.frame = { numbers: one.numbers, arrays: decodeAll(one.arrays) };
    if (one.columns) game.columns = one.columns;
    else for (const name of new Set([...Object.keys(game.columns), ...Object.keys(one.numbers)])) {
      const column = (game.columns[name] ||= Array(one.place).fill(null));
      if (column.length === one.place) column.push(one.numbers[name] ?? null);
    }
    page.place = one.place;
    page.length = one.length;
  });
  answered = told.answers ?? answered;
  paint();
}

function takePhases(told) {
  takeFrame(told);
  phases = told.phases[0].map((one, i) => ({ line: one.line, games: told.phases.map((game) => game[Math.min(i, game.length - 1)]) }));
  nextPhase();
}

function nextPhase() {
  clearTimeout(timer);
  const phase = phases.shift();
  if (!phase) { if (page.isSlow) ask({ do: "slow" }); else page.line = ""; paint(); return; }
  page.line = phase.line;
  phase.games.forEach((one, i) => { page.games[i].frame = { numbers: one.numbers, arrays: decodeAll(one.arrays) }; });
  paint();
  timer = setTimeout(nextPhase, PHASE_MS);
}

function takeError(told) { stopSlow(); page.error = told.text; update(); }

function takeReplay(told) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([told.html], { type: "text/html" }));
  link.download = "advnets-replay.html";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// Draws on the next frame of the screen, and tells the server that it has been drawn.
function paint() {
  if (!isDrawn) return;
  isDrawn = false;
  requestAnimationFrame(() => {
    isDrawn = true;
    update();
    page.frames = (page.frames || 0) + 1;
    if (answered !== null) {
      const began = asked.get(answered);
      for (const id of asked.keys()) if (id <= answered) asked.delete(id);
      answered = null;
      requestAnimationFrame(() => { page.timings = [...page.timings.slice(-999), performance.now() - began]; });
    }
    if (page.state?.playing && socket.readyState === WebSocket.OPEN) socket.send('{"do":"seen"}');
  });
}

function stopSlow() { page.isSlow = false; page.line = ""; phases = []; clearTimeout(timer); }

const deeds = {
  play: () => { stopSlow(); ask({ do: "go", on: !page.state.playing }); },
  move: (player) => { stopSlow(); ask({ do: "move", player }); },
  slow: () => { if (page.isSlow) { stopSlow(); update(); } else { page.isSlow = true; ask({ do: "slow" }); update(); } },
  restart: () => { stopSlow(); ask({ do: "restart" }); },
  compare: () => ask({ do: "compare", on: page.games.length === 1 }),
  rewind: (place) => { stopSlow(); rewindSoon(Math.min(Math.max(place, 0), page.length - 1)); },
  change: (changes) => { page.error = ""; ask({ do: "set", which: page.which, changes }); },
  lesson: (fragment) => { stopSlow(); ask({ do: "open", fragment: page.state.language === "en" ? fragment : `${fragment}&lang=${page.state.language}` }); },
};

let wanted = null, isWaiting = false;
function rewindSoon(place) {
  wanted = page.place = place;
  if (isWaiting) return;
  isWaiting = true;
  ask({ do: "rewind", place });
  wanted = null;
  setTimeout(() => { isWaiting = false; if (wanted !== null) rewindSoon(wanted); }, 40);
}

const KEYS = { " ": () => deeds.play(), d: () => deeds.move("discriminator"), g: () => deeds.move("generator"), s: () => deeds.move("both"), m: () => deeds.slow(),
  r: () => deeds.restart(), c: () => deeds.compare(), ArrowLeft: () => deeds.rewind(page.place - 1), ArrowRight: () => deeds.rewind(page.place + 1), "?": () => openDialog("help") };
addEventListener("keydown", (event) => {
  if (!page.state || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const tag = event.target.tagName;
  if (["INPUT", "SELECT", "TEXTAREA"].includes(tag) && !(event.target.type === "range" && event.key === " ")) return;
  if (tag === "BUTTON" && event.key === " " || tag === "SUMMARY" && event.key === " ") return;
  const deed = KEYS[event.key];
  if (deed) { event.preventDefault(); deed(); }
});
// A button that was clicked with a pointer gives the keyboard back, so that space plays and pauses.
addEventListener("click", (event) => { if (event.detail > 0) event.target.closest?.("button, summary")?.blur(); });
addEventListener("resize", () => paint());
addEventListener("hashchange", () => ask({ do: "open", fragment: location.hash }));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { forgetColours(); paint(); });

function openDialog(name) { page.dialog = name; update(); }
function setTheme() {
  const root = document.documentElement, isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  forgetColours();
  update();
}

function copyText(text, note) {
  navigator.clipboard?.writeText(text).catch(() => {});
  page.note = `${TEXTS[page.state.language][note]} ${text}`;
  update();
  setTimeout(() => { page.note = ""; update(); }, 6000);
}

function update() { if (page.schema && page.state && page.games.every((game) => game.frame)) render(html`<${Page} />`, document.getElementById("page")); else if (page.isGone || page.error) render(html`<p class="note">${page.error || TEXTS[document.documentElement.lang]?.offline || TEXTS.en.offline}</p>`, document.getElementById("page")); }

function Page() {
  const { schema, state, games } = page, words = TEXTS[state.language];
  const lesson = schema.lessons.find((one) => one.name === state.lesson);
  return html`<${Top} words=${words} />
    <nav class="lessons" aria-label=${words.lessons}><b>${words.lessons}</b>
      ${schema.lessons.map((one) => html`<button class="chip" key=${one.name} name=${`lesson-${one.name}`} aria-pressed=${one.name === state.lesson} onClick=${() => deeds.lesson(one.fragment)}>${one.title[state.language]}</button>`)}
    </nav>
    ${lesson && html`<section class="look" aria-live="polite"><div><strong>${words.look}</strong><p>${lesson.look[state.language]}</p>
      <button name="close-lesson" onClick=${() => ask({ do: "dress", lesson: "" })} aria-label=${words.own}>✕</button></div></section>`}
    <main class="columns">
      <aside class="side left"><section class="card controls" aria-label=${words.hide}>
        ${games.length > 1 && html`<div class="tabs" role="tablist">${[0, 1].map((i) => html`<button role="tab" key=${i} name=${`tab-${i}`} aria-selected=${page.which === i} onClick=${() => { page.which = i; update(); }}>${words.game} ${"AB"[i]}</button>`)}</div>`}
        <${Controls} key=${page.which} schema=${schema} settings=${state.settings[page.which]} hidden=${state.hidden} words=${words} change=${deeds.change} />
      </section></aside>
      <${Stage} words=${words} />
      <aside class="side right"><${Listing} words=${words} /><${Charts} words=${words} /></aside>
    </main>
    ${page.error && html`<div class="note" role="alert"><span class="grow">${page.error}</span><button name="close-error" onClick=${() => { page.error = ""; update(); }}>✕</button></div>`}
    ${page.note && html`<div class="note good" role="status">${page.note}</div>`}
    ${page.isGone && html`<div class="note" role="alert">${words.offline}</div>`}
    <${Dialog} words=${words} />`;
}

function Top({ words }) {
  const { state } = page, key = (name) => html`<span class="keycap" aria-hidden="true">${name}</span>`;
  return html`<header class="top"><h1 class="brand"><img src="/static/icon.svg" alt="" />advnets play</h1>
    <div class="transport" role="toolbar" aria-label=${words.play}>
      <button class="icon" name="restart" title=${`${words.restart} (r)`} aria-label=${words.restart} onClick=${deeds.restart}>↺</button>
      <button class="primary go" name="play" aria-pressed=${state.playing} onClick=${deeds.play}>${state.playing ? `❚❚ ${words.pause}` : `▶ ${words.play}`}</button>
      <button name="step-d" onClick=${() => deeds.move("discriminator")}>${words.step_d}${key("d")}</button>
      <button name="step-g" onClick=${() => deeds.move("generator")}>${words.step_g}${key("g")}</button>
      <button name="step" onClick=${() => deeds.move("both")}>${words.step}${key("s")}</button>
      <button name="slow" aria-pressed=${page.isSlow} onClick=${deeds.slow}>${words.slow}${key("m")}</button>
      <label><span class="hidden-text">${words.speed}</span><select name="speed" value=${state.speed} onChange=${(event) => ask({ do: "dress", speed: Number(event.target.value) })}>
        ${page.schema.speeds.map((one) => html`<option key=${one} value=${one} selected=${one === state.speed}>${one ? `${one} ${words.per_second}` : words.fastest}</option>`)}</select></label>
    </div><span class="spacer"></span>
    <div class="transport">
      <button name="compare" aria-pressed=${page.games.length > 1} onClick=${deeds.compare}>${words.compare}</button>
      <button name="link" onClick=${() => copyText(`${location.origin}/#${page.state.fragment}`, "copied")}>${words.link}</button>
      <button name="give" onClick=${() => copyText(`advnets play --state '${page.state.fragment}'`, "given")}>${words.give}</button>
      <button name="replay" onClick=${() => ask({ do: "replay" })}>${words.replay}</button>
      <button name="hide" class="icon" title=${words.hide} aria-label=${words.hide} onClick=${() => openDialog("hide")}>☰</button>
      <button name="language" onClick=${() => ask({ do: "dress", language: state.language === "en" ? "ko" : "en" })}>${words.language}</button>
      <button name="theme" class="icon" title=${words.theme} aria-label=${words.theme} onClick=${setTheme}>◐</button>
      <button name="help" class="icon" title=${words.help} aria-label=${words.help} onClick=${() => openDialog("help")}>?</button>
    </div></header>`;
}

function Stage({ words }) {
  const { games } = page, dimension = games[0].settings.dimension, { numbers } = games[0].frame;
  const switches = LAYERS[dimension].filter(([name]) => name !== "best" || games.some((game) => game.frame.arrays.best));
  return html`<section class="card stage">
    <div class="legend">${switches.map(([name, swatch, label]) => html`<button key=${name} name=${`layer-${name}`} aria-pressed=${page.shown[name]}
      onClick=${() => { page.shown[name] = !page.shown[name]; update(); }}><span class=${swatch}></span>${words[label]}</button>`)}</div>
    <div class=${games.length > 1 ? "games two" : "games"}>${games.map((game, i) => html`<${Game} key=${`${i}-${game.settings.dimension}`} game=${game} words=${words} name=${games.length > 1 ? "AB"[i] : ""} />`)}</div>
    <div class="scrub">
      <button class="icon" name="back" aria-label=${words.back} onClick=${() => deeds.rewind(page.place - 1)}>‹</button>
      <input type="range" name="scrub" aria-label=${words.now} min="0" max=${Math.max(page.length - 1, 1)} value=${page.place} onInput=${(event) => deeds.rewind(Number(event.target.value))} />
      <span class="row"><button class="icon" name="forth" aria-label=${words.forth} onClick=${() => deeds.rewind(page.place + 1)}>›</button>
      <span class="number" data-step=${numbers.step}>${words.now} ${numbers.step.toLocaleString("en")}</span></span>
    </div></section>`;
}

function Game({ game, words, name }) {
  const canvas = useRef(null), isLine = game.settings.dimension === 1, { objective, algorithm, k } = game.settings;
  // An effect comes after the picture: another game may have begun by then, which has none yet.
  useEffect(() => { if (page.games.every((one) => one.frame)) drawGame(canvas.current, game, page.shown, page.games); });
  return html`<div class="game">
    ${name && html`<h2>${words.game} ${name}<small>${words.options[objective]} · ${words.options[algorithm]}${algorithm === "algorithm1" ? `, k = ${k}` : ""}</small></h2>`}
    <canvas ref=${canvas} class=${isLine ? "line" : "plane"} role="img" aria-label=${`JSD ${game.frame.numbers.jsd?.toFixed(3)}`}></canvas>
    <div class="numbers">${numbersOf(words, game.frame.numbers).map(([label, text]) => html`<div key=${label}><span title=${label}>${label}</span><b>${text}</b></div>`)}</div></div>`;
}

function Listing({ words }) {
  const settings = page.games[page.which].settings, lines = page.schema.listings[settings.algorithm], [up, down] = FORMULAS[settings.objective], isKorean = page.state.language === "ko";
  const formula = (line) => (line === "d_update" ? [up] : line === "g_update" ? [down] : line.endsWith("_update") ? [`D: ${up}`, `G: ${down}`] : []);
  return html`<section class="card listing"><h2><span>${words.options[settings.algorithm]}</span></h2><ol>
    ${lines.map(([line, depth, english, korean]) => html`<li key=${line} data-line=${line} class=${`depth${depth} ${line === page.line ? "now" : ""} ${line[0]} ${line.includes("_") && !line.startsWith("end") ? "" : "control"}`}
      aria-current=${line === page.line}>${(isKorean ? korean : english).replace("k steps", `k = ${settings.k} steps`).replace("k번 되", `k번(k = ${settings.k}) 되`)}${formula(line).map((text) => html`<span class="formula" key=${text}>${text}</span>`)}</li>`)}
  </ol></section>`;
}

function Charts({ words }) {
  const charts = chartsOf(page.games), mark = page.games[0].frame.numbers.step;
  return html`<section class="card charts">${charts.map((chart) => html`<${Chart} key=${chart.key} chart=${chart} mark=${mark} title=${words[`chart_${chart.key}`]} />`)}</section>`;
}

function Chart({ chart, mark, title }) {
  const canvas = useRef(null), names = [...new Map(chart.series.map((one) => [one.name, one.colour]))];
  useEffect(() => drawChart(canvas.current, { ...chart, mark }));
  return html`<div class="chart"><h3>${title}${names.length > 1 && names.map(([name, colour]) => html`<i key=${name}><span class=${`dot-line ink-${colour}`}></span>${name}</i>`)}
    ${page.games.length > 1 && html`<i>A ── B ╌╌</i>`}</h3><canvas ref=${canvas} role="img" aria-label=${title}></canvas></div>`;
}

function Dialog({ words }) {
  const dialog = useRef(null);
  useEffect(() => { const shown = dialog.current; if (page.dialog && !shown.open) shown.showModal(); if (!page.dialog && shown.open) shown.close(); });
  return html`<dialog ref=${dialog} onClose=${() => { page.dialog = ""; update(); }}>
    ${page.dialog === "help" && html`<h2>${words.help}</h2><p>${words.about}</p><h3>⌨</h3><dl>${Object.entries(words.keys).map(([key, about]) => html`<dt key=${key}><span class="keycap">${key}</span></dt><dd>${about}</dd>`)}</dl>`}
    ${page.dialog === "hide" && html`<h2>${words.hide}</h2><p class="muted small">${words.hide_about}</p><div class="hides">${page.schema.controls.map((one) => html`<label key=${one.name}>
      <input type="checkbox" name=${`show-${one.name}`} checked=${!page.state.hidden.includes(one.name)} onChange=${() => toggleHidden(one.name)} />${words.controls[one.name]}</label>`)}</div>`}
    <button class="close" onClick=${() => dialog.current.close()}>${words.close}</button></dialog>`;
}

function toggleHidden(name) {
  const { hidden } = page.state;
  ask({ do: "dress", hidden: hidden.includes(name) ? hidden.filter((one) => one !== name) : [...hidden, name] });
}

window.advnetsPage = page;
connect();
