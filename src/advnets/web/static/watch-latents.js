// A walk through a generator's latents, which the server draws from the newest checkpoint; or images that it translates.

import { html, useEffect, useRef, useState } from "./html.js";
import { askLatents, askPicture } from "./watch-data.js";

const WAIT_MS = 60; // after the last move of a slider

// Draws what is asked for, one picture at a time, and always the last one that was asked for.
function usePicture() {
  const [shown, setShown] = useState({ url: "", problem: "", isBusy: false });
  const state = useRef({ next: null, isBusy: false, url: "" });
  const draw = (ask) => {
    state.current.next = ask;
    if (state.current.isBusy) return;
    state.current.isBusy = true;
    (async () => {
      while (state.current.next) {
        const now = state.current.next;
        state.current.next = null;
        setShown((before) => ({ ...before, isBusy: true }));
        try {
          const url = await now();
          if (state.current.url) URL.revokeObjectURL(state.current.url);
          state.current.url = url;
          setShown({ url, problem: "", isBusy: false });
        } catch (error) {
          setShown((before) => ({ ...before, problem: error.message, isBusy: false }));
        }
      }
      state.current.isBusy = false;
    })();
  };
  useEffect(() => () => { if (state.current.url) URL.revokeObjectURL(state.current.url); }, []);
  return [shown, draw];
}

export function Latents({ runs, state, change }) {
  const run = runs.find((one) => one.key === state.from) || runs[0];
  const [about, setAbout] = useState(null);
  useEffect(() => {
    let isHere = true;
    setAbout(null);
    askLatents(run.key).then((told) => { if (isHere) setAbout(told); }, (error) => { if (isHere) setAbout({ reason: error.message }); });
    return () => { isHere = false; };
  }, [run.key, run.step]);
  const choice = runs.length > 1 ? html`<label>Of <select id="from" value=${run.key} onChange=${(event) => change({ from: event.target.value })}>${runs.map((one) => html`<option value=${one.key}>${one.name}</option>`)}</select></label>` : "";
  if (!about) return html`<section class="card">${choice}<p class="muted">Loading the newest checkpoint …</p></section>`;
  if (about.reason) return html`<section class="card">${choice}<p>${about.reason}</p></section>`;
  return about.translates ? html`<${Translate} run=${run} about=${about} choice=${choice} />` : html`<${Walk} run=${run} about=${about} choice=${choice} state=${state} change=${change} />`;
}

function parseMoves(text) {
  const pairs = (text || "").split("_").filter(Boolean).map((pair) => pair.split("~").map(Number));
  return Object.fromEntries(pairs.filter(([place, value]) => Number.isInteger(place) && Number.isFinite(value)));
}

const writeMoves = (moves) => Object.entries(moves).map(([place, value]) => `${place}~${value}`).join("_");

function Walk({ run, about, choice, state, change }) {
  const seed = Number(state.seed) || 0, other = state.other === undefined || state.other === "" ? null : Number(state.other);
  const share = Number(state.way) || 0, n = Number(state.n) || 16, moves = parseMoves(state.z), name = state.class || "";
  const [shown, draw] = usePicture(), hasData = about.is_image && run.state !== "share file";
  const asked = JSON.stringify({ seed, other, share: other === null ? 0 : share, coordinates: moves, class: name || null, n, nearest: hasData && state.nearest === "1" });
  useEffect(() => {
    const timer = setTimeout(() => draw(() => askPicture(`/api/explore/${run.key}`, asked, "application/json")), WAIT_MS);
    return () => clearTimeout(timer);
  }, [asked, run.key, about.step]);
  const whole = (value) => String(Math.min(2 ** 52, Math.max(0, Math.floor(Number(value) || 0))));
  const sliders = Array.from({ length: about.sliders }, (_, place) => place);
  return html`<div class="latents">
    <section class="card canvas"><div class="row"><h3 class="grow">Samples of step ${about.step.toLocaleString("en")}</h3>${choice}</div>
      ${shown.url ? html`<img id="drawn" src=${shown.url} alt=${`${n} samples of ${run.name}`} class=${shown.isBusy ? "busy" : ""} />` : html`<p class="muted">Drawing …</p>`}
      ${hasData ? html`<label class="check"><input type="checkbox" id="nearest" checked=${state.nearest === "1"} onChange=${(event) => change({ nearest: event.target.checked ? "1" : "" })} /> on the right of each, the training image that is nearest in its pixels</label>` : ""}
      ${shown.problem ? html`<p class="note bad small" role="alert">${shown.problem}</p>` : ""}</section>
    <section class="card moves">
      <div class="fields">
        <label>Seed <input type="number" id="seed" min="0" value=${seed} onInput=${(event) => change({ seed: whole(event.target.value) })} /></label>
        <button id="dice" onClick=${() => change({ seed: String(Math.floor(Math.random() * 1e6)) })}>Another seed</button>
        <label>Samples <select id="n" value=${String(n)} onChange=${(event) => change({ n: event.target.value })}>${[1, 4, 16, 36, 64].map((one) => html`<option value=${String(one)}>${one}</option>`)}</select></label>
        ${about.classes.length ? html`<label>Class <select id="class" value=${name} onChange=${(event) => change({ class: event.target.value })}><option value="">by share</option>${about.classes.map((one) => html`<option value=${one}>${one}</option>`)}</select></label>` : ""}
      </div>
      <h3>The way to another seed</h3>
      <div class="fields">
        <label>To seed <input type="number" id="other" min="0" placeholder="none" value=${other === null ? "" : other} onInput=${(event) => change({ other: event.target.value === "" ? "" : whole(event.target.value) })} /></label>
        <label class="grow">Share <input type="range" id="way" min="0" max="1" step="0.01" value=${share} disabled=${other === null} onInput=${(event) => change({ way: event.target.value })} /></label>
      </div>
      <div class="row"><h3 class="grow">Coordinates of z</h3><button id="forget" disabled=${!Object.keys(moves).length} onClick=${() => change({ z: "" })}>Let go of all</button></div>
      <p class="muted small">z has ${about.size} coordinates, ${about.latent}. ${about.sliders < about.size ? `The first ${about.sliders} have a slider. ` : ""}One that is moved is set so in all samples.</p>
      <div class="sliders">${sliders.map((place) => html`<label key=${place} class=${place in moves ? "moved" : ""}><span class="number small">${place}</span>
        <input type="range" min="-3" max="3" step="0.1" value=${moves[place] ?? 0} aria-label=${`coordinate ${place} of z`} data-coordinate=${place} onInput=${(event) => change({ z: writeMoves({ ...moves, [place]: Number(event.target.value) }) })} />
        <span class="number small">${place in moves ? moves[place].toFixed(1) : "free"}</span></label>`)}</div>
    </section></div>`;
}

function Translate({ run, about, choice }) {
  const [shown, draw] = usePicture(), [file, setFile] = useState(null), [seed, setSeed] = useState(0), [way, setWay] = useState(about.way || "");
  useEffect(() => { if (file) draw(() => askPicture(`/api/upload/${run.key}/translate?seed=${seed}&way=${way}`, file, "application/octet-stream")); }, [file, seed, way, run.key]);
  return html`<section class="card"><div class="row"><h3 class="grow">Translate an image</h3>${choice}</div>
    <p class="muted small">This run makes images out of images. The file goes to the server on this machine alone.</p>
    <div class="fields"><label>Image <input type="file" id="upload" accept="image/*" onChange=${(event) => setFile(event.target.files[0] || null)} /></label>
      ${about.way ? html`<label>Way <select id="translation-way" value=${way} onChange=${(event) => setWay(event.target.value)}><option value="there">there, from A to B</option><option value="back">back, from B to A</option></select></label>` : ""}
      <label>Seed <input type="number" id="translation-seed" min="0" value=${seed} onInput=${(event) => setSeed(Math.max(0, Math.floor(Number(event.target.value) || 0)))} /></label></div>
    ${shown.url ? html`<img id="drawn" class="wide" src=${shown.url} alt="the image and its translation" />` : ""}
    ${shown.problem ? html`<p class="note bad small" role="alert">${shown.problem}</p>` : ""}</section>`;
}
