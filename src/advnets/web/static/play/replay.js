// A replay: frames that lie in the page itself, drawn one after the other. It asks nobody for anything.
import { chartsOf, decodeAll, drawChart, drawGame, setDimension } from "./draw.js";
import { LAYERS, numbersOf, TEXTS } from "./texts.js";

const recorded = JSON.parse(document.getElementById("recorded").textContent), words = TEXTS[recorded.language];
const shown = { D: true, best: true, arrows: true, real: true, fake: true, heat: true, grid: true };
const games = recorded.games.map((game) => {
  const names = [...new Set(game.frames.flatMap((frame) => Object.keys(frame.numbers)))];
  const columns = Object.fromEntries(names.map((name) => [name, game.frames.map((frame) => frame.numbers[name] ?? null)]));
  return { settings: game.settings, reach: game.reach, backdrop: decodeAll(game.arrays), columns, frames: game.frames, frame: null };
});
const count = games[0].frames.length;
setDimension(games[0].settings.dimension);
let place = 0, isPlaying = true, began = null;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) name.startsWith("on") ? made.addEventListener(name.slice(2), value) : made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const canvases = games.map((game) => element("canvas", { class: game.settings.dimension === 1 ? "line" : "plane", role: "img" }));
const tables = games.map(() => element("div", { class: "numbers" }));
const slider = element("input", { type: "range", name: "scrub", min: 0, max: count - 1, value: 0, "aria-label": words.now, oninput: () => { isPlaying = false; show(Number(slider.value)); } });
const step = element("span", { class: "number" });
const button = element("button", { class: "primary go", name: "play", onclick: () => toggle() });
const charts = element("section", { class: "card charts" });

const layers = LAYERS[games[0].settings.dimension].filter(([name]) => name !== "best" || games.some((game) => game.frames.some((frame) => frame.arrays.best)));
const legend = element("div", { class: "legend" }, ...layers.map(([, swatch, label]) => element("span", { class: "row" }, element("span", { class: swatch }), words[label])));
const heads = games.map((game, i) => {
  const { objective, algorithm, k, seed } = game.settings;
  const told = `${words.options[objective]} · ${words.options[algorithm]}${algorithm === "algorithm1" ? `, k = ${k}` : ""} · ${words.controls.seed} ${seed}`;
  return element("h2", {}, games.length > 1 ? `${words.game} ${"AB"[i]}` : words.game, element("small", {}, told));
});

const title = recorded.lesson ? recorded.lesson.title[recorded.language] : "advnets";
document.getElementById("page").append(
  element("header", { class: "top" }, element("h1", { class: "brand" }, title), element("div", { class: "transport" }, button)),
  ...(recorded.lesson ? [element("section", { class: "look" }, element("div", {}, element("strong", {}, words.look), element("p", {}, recorded.lesson.look[recorded.language])))] : []),
  element("main", { class: "columns" },
    element("section", { class: "card stage" }, legend, element("div", { class: games.length > 1 ? "games two" : "games" }, ...games.map((game, i) => element("div", { class: "game" }, heads[i], canvases[i], tables[i]))),
      element("div", { class: "scrub" }, element("span"), slider, step),
      element("p", { class: "muted small" }, element("code", {}, `advnets play --state '${recorded.fragment}'`))),
    element("aside", { class: "side right" }, charts)));

function keysOf(chart) {
  const names = [...new Map(chart.series.map((one) => [one.name, one.colour]))];
  const keys = names.length > 1 ? names.map(([name, colour]) => element("i", {}, element("span", { class: `dot-line ink-${colour}` }), name)) : [];
  return games.length > 1 ? [...keys, element("i", {}, "A ── B ╌╌")] : keys;
}

const plots = chartsOf(games.map((game) => ({ ...game }))).map((chart) => {
  const canvas = element("canvas", { role: "img" });
  charts.append(element("div", { class: "chart" }, element("h3", {}, words[`chart_${chart.key}`], ...keysOf(chart)), canvas));
  return { chart, canvas };
});

function show(next) {
  place = next;
  games.forEach((game, i) => {
    const frame = game.frames[Math.min(place, game.frames.length - 1)];
    game.frame = { numbers: frame.numbers, arrays: decodeAll(frame.arrays) };
  });
  games.forEach((game, i) => {
    drawGame(canvases[i], game, shown, games);
    tables[i].replaceChildren(...numbersOf(words, game.frame.numbers).map(([label, text]) => element("div", {}, element("span", {}, label), element("b", {}, text))));
  });
  const at = games[0].frame.numbers.step;
  for (const { chart, canvas } of plots) drawChart(canvas, { ...chart, mark: at });
  slider.value = place;
  step.textContent = `${words.now} ${at.toLocaleString("en")}`;
  button.textContent = isPlaying ? `❚❚ ${words.pause}` : `▶ ${words.play}`;
}

function toggle() {
  isPlaying = !isPlaying;
  if (isPlaying && place === count - 1) place = 0;
  show(place);
}

function tick(time) {
  began ??= time;
  if (isPlaying && time - began > 60) {
    began = time;
    if (place === count - 1) isPlaying = false;
    show(Math.min(place + 1, count - 1));
  }
  requestAnimationFrame(tick);
}

addEventListener("keydown", (event) => {
  if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); toggle(); }
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && event.target !== slider) { isPlaying = false; show(Math.min(Math.max(place + by, 0), count - 1)); }
});
addEventListener("resize", () => show(place));
show(0);
requestAnimationFrame(tick);
