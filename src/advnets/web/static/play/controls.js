// The controls of a game, built of what the server says of each.
import { html, useEffect, useRef, useState } from "../html.js";

const GROUPS = ["data", "algorithm", "discriminator", "generator", "penalties", "noise"];
const OPEN = ["data", "algorithm", "discriminator", "generator"];

export function Controls({ schema, settings, hidden, words, change }) {
  return GROUPS.map((group) => {
    const shown = schema.controls.filter((one) => one.group === group && !hidden.includes(one.name));
    if (!shown.length) return null;
    return html`<details class="group" open=${OPEN.includes(group)} key=${group} data-group=${group}>
      <summary>${["generator", "discriminator"].includes(group) && html`<span class=${`dot ${group}`}></span>`}${words.groups[group]}</summary>
      <div class="fields">
        ${shown.map((one) => html`<${Field} key=${one.name} control=${one} schema=${schema} settings=${settings} words=${words} change=${change} />`)}
        ${group === "data" && settings.data === "drawn" && html`<${Pad} key=${settings.dimension} schema=${schema} settings=${settings} words=${words} change=${change} />`}
      </div>
    </details>`;
  });
}

function Field({ control, schema, settings, words, change }) {
  const { name } = control, value = settings[name], label = words.controls[name] || name;
  const isChanged = value !== control.default ? "changed" : "";
  if (name === "dimension") return html`<div class="field wide"><span>${label}</span><div class="choices" role="group" aria-label=${label}>
    ${[1, 2].map((one) => html`<button key=${one} name=${`dimension-${one}`} aria-pressed=${value === one} onClick=${() => change({ dimension: one })}>${one}</button>`)}</div></div>`;
  if (name === "data") return html`<div class="field wide"><span>${label}</span><div class="choices" role="group" aria-label=${label}>
    ${schema.data[settings.dimension].map((one) => html`<button key=${one} name=${`data-${one}`} aria-pressed=${value === one} onClick=${() => change({ data: one, drawn: one === "drawn" ? firstDrawing(schema, settings) : [] })}>${words.options[one]}</button>`)}</div></div>`;
  if (control.options.length) return html`<label class=${`field ${isChanged}`}><span>${label}</span>
    <select name=${name} value=${value} onChange=${(event) => change({ [name]: event.target.value })}>
      ${control.options.map((one) => html`<option key=${one} value=${one} selected=${one === value}>${words.options[one] || one}</option>`)}
    </select></label>`;
  return html`<${NumberField} control=${control} value=${value} label=${label} isChanged=${isChanged} change=${change} isOff=${name === "k" && settings.algorithm !== "algorithm1"} />`;
}

function NumberField({ control, value, label, isChanged, change, isOff }) {
  const { name, least, most, whole } = control, [draft, setDraft] = useState(null); // what is being typed, while the game goes on
  const take = (event) => {
    const found = Number(event.target.value);
    setDraft(null);
    if (event.target.value === "" || !Number.isFinite(found)) { event.target.value = value; return; }
    const bounded = Math.min(Math.max(whole ? Math.round(found) : found, least), most);
    event.target.value = bounded;
    if (bounded !== value) change({ [name]: bounded });
  };
  const step = whole ? 1 : value >= 0.1 || value === 0 ? 0.1 : 10 ** Math.floor(Math.log10(value));
  return html`<label class=${`field ${isChanged}`}><span>${label}</span>
    <input type="number" inputmode="decimal" name=${name} value=${draft ?? value} min=${least} max=${most} step=${whole ? 1 : "any"} disabled=${isOff}
      onKeyDown=${(event) => stepByKey(event, value, step, { whole, least, most }, (next) => change({ [name]: next }))} onInput=${(event) => setDraft(event.target.value)} onChange=${take} onBlur=${() => setDraft(null)} /></label>`;
}

function stepByKey(event, value, step, { whole, least, most }, set) {
  const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!by || whole) return;
  event.preventDefault();
  set(Math.min(Math.max(Number((value + by * step).toPrecision(6)), least), most));
}

function firstDrawing(schema, { dimension }) {
  const { bars, height, places } = schema.drawing;
  if (dimension === 1) return Array.from({ length: bars }, (_, i) => Math.round(height * (Math.exp(-(((i - 11) / 4) ** 2)) * 0.6 + Math.exp(-(((i - 28) / 3) ** 2)))));
  return Array.from({ length: 24 }, (_, i) => [0.5 + 0.3 * Math.sin((2 * Math.PI * i) / 24), 0.5 + 0.3 * Math.sin((4 * Math.PI * i) / 24)].map((share) => Math.round(share * places))).flat();
}

// Where the data are drawn by hand: a histogram on the line, points in the plane.
function Pad({ schema, settings, words, change }) {
  const canvas = useRef(null), [drawn, setDrawn] = useState(settings.drawn), isDown = useRef(false), last = useRef(null);
  const { bars, height, points, places } = schema.drawing, isLine = settings.dimension === 1;
  const known = useRef(settings.drawn.join());
  useEffect(() => {  // as the pad appears it has them: to set them then would undo a stroke that was quicker
    if (known.current === settings.drawn.join()) return;
    known.current = settings.drawn.join();
    setDrawn(settings.drawn);
  }, [settings.drawn.join()]);
  useEffect(() => paint(canvas.current, drawn, isLine, { bars, height, places }));
  const put = (event) => {
    const box = canvas.current.getBoundingClientRect(), share = (value) => Math.min(Math.max(value, 0), 0.9999);
    const u = share((event.clientX - box.left) / box.width), v = share(1 - (event.clientY - box.top) / box.height);
    setDrawn((before) => {
      if (!isLine) return before.length >= 2 * points ? before : [...before, Math.round(u * places), Math.round(v * places)];
      const next = before.length ? [...before] : Array(bars).fill(0), at = Math.floor(u * bars), from = last.current ?? at;
      for (let i = Math.min(from, at); i <= Math.max(from, at); i++) next[i] = Math.round(v * height);
      last.current = at;
      return next;
    });
  };
  const end = () => {
    if (!isDown.current) return;
    isDown.current = false;
    last.current = null;
    setDrawn((now) => { if (now.some(Boolean)) queueMicrotask(() => change({ drawn: now })); return now; });
  };
  return html`<div class="field wide"><span class="muted small">${isLine ? words.draw_line : words.draw_plane}</span>
    <canvas ref=${canvas} class=${isLine ? "pad" : "pad square"} aria-label=${words.drawing} 
      onPointerDown=${(event) => { isDown.current = true; canvas.current.setPointerCapture(event.pointerId); put(event); }}
      onPointerMove=${(event) => isDown.current && put(event)} onPointerUp=${end} onPointerCancel=${end}></canvas>
    <button name="clear" onClick=${() => setDrawn([])}>${words.clear}</button></div>`;
}

function paint(canvas, drawn, isLine, { bars, height, places }) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, tall = canvas.clientHeight, context = canvas.getContext("2d");
  canvas.width = width * ratio;
  canvas.height = tall * ratio;
  context.scale(ratio, ratio);
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--data").trim();
  if (isLine) drawn.forEach((bar, i) => context.fillRect((i * width) / bars + 0.5, tall * (1 - bar / height), width / bars - 1, (tall * bar) / height));
  else for (let i = 0; i < drawn.length; i += 2) { context.beginPath(); context.arc((drawn[i] / places) * width, tall * (1 - drawn[i + 1] / places), 3, 0, 7); context.fill(); }
}
