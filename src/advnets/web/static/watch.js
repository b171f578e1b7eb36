// The page of `advnets watch`: which runs are chosen, and what of them is shown. All of its state is behind the #.

import { html, render, useEffect, useMemo, useRef, useState } from "./html.js";
import { readState, writeState } from "./address.js";
import { Feed } from "./watch-data.js";
import { Badge, Live, Progress } from "./watch-live.js";
import { Latents } from "./watch-latents.js";
import { KINDS, Findings, Measures, Settings, sortFindings } from "./watch-tables.js";
import { number } from "./watch-words.js";

const TABS = [["live", "Live"], ["latents", "Latents"], ["measures", "Measures"], ["settings", "Settings"], ["findings", "Findings"]];
const MOST = 4; // runs side by side
const STEPS = ["run", "tab"]; // what the back button undoes

function useAddress() {
  const [state, setState] = useState(readState);
  useEffect(() => {
    const read = () => setState(readState());
    addEventListener("popstate", read);
    addEventListener("hashchange", read);
    return () => { removeEventListener("popstate", read); removeEventListener("hashchange", read); };
  }, []);
  const change = (changes) => setState((before) => {
    const after = { ...before, ...changes };
    writeState(after, STEPS.some((name) => name in changes));
    return after;
  });
  return [state, change];
}

function Page() {
  const [state, change] = useAddress(), [version, setVersion] = useState(0), [isOpen, setOpen] = useState(false);
  const feed = useMemo(() => new Feed(() => setVersion((before) => before + 1)), []);
  useEffect(() => { feed.start(); }, []);
  const system = useSystemTheme(), isDark = state.theme ? state.theme === "dark" : system;
  useEffect(() => { if (state.theme) document.documentElement.dataset.theme = state.theme; else delete document.documentElement.dataset.theme; }, [state.theme]);

  const keys = (state.run || "").split(".").filter((key) => feed.runs.some((run) => run.key === key)).slice(0, MOST);
  const chosen = keys.length ? keys : feed.runs.slice(0, 1).map((run) => run.key);
  useEffect(() => { if (chosen.length) feed.choose(chosen); }, [chosen.join()]);
  const runs = chosen.map((key) => feed.runs.find((run) => run.key === key)).filter(Boolean);
  const tab = TABS.some(([name]) => name === state.tab) ? state.tab : "live";
  const parts = { runs, feed, state, change, isDark, version };
  const count = runs.reduce((sum, run) => sum + sortFindings(feed.open.get(run.key)?.findings || []).filter((one) => one.severity !== "gone" && one.severity !== "note").length, 0);

  return html`<header class="top"><img src="/static/icon.svg" alt="" width="26" height="26" /><h1>advnets <span class="muted">watch</span></h1><span class="muted small clip grow" title=${feed.root}>${feed.root}</span>
      <button id="runs" class="only-narrow" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>Runs (${feed.runs.length})</button>
      <button id="theme" aria-label="light or dark" onClick=${() => change({ theme: isDark ? "light" : "dark" })}>${isDark ? "☀" : "☾"}</button></header>
    ${feed.problem ? html`<p class="banner" role="alert">${feed.problem}</p>` : ""}
    <div class="body"><${RunList} feed=${feed} chosen=${chosen} state=${state} change=${change} isOpen=${isOpen} />
    <main>${runs.length ? html`
      <div class="progresses">${runs.map((run, place) => html`<${Progress} key=${run.key} run=${run} feed=${feed} colour=${place + 1} />`)}</div>
      <${Tabs} tab=${tab} count=${count} change=${change} />
      <div role="tabpanel" id="panel" aria-labelledby=${`tab-${tab}`}>
        ${tab === "live" ? html`<${Live} ...${parts} />` : tab === "latents" ? html`<${Latents} ...${parts} />` : tab === "measures" ? html`<${Measures} ...${parts} />` : tab === "settings" ? html`<${Settings} ...${parts} />` : html`<${Findings} ...${parts} />`}
      </div>` : html`<section class="card empty"><h2>${feed.isLoaded ? "No runs here yet" : "Reading runs …"}</h2>${feed.isLoaded ? html`<p class="muted">Start one, and it appears here: <code>advnets train paper-adam --data digits --minutes 1</code></p>` : ""}</section>`}</main></div>`;
}

function useSystemTheme() {
  const query = useRef(matchMedia("(prefers-color-scheme: dark)"));
  const [isDark, setDark] = useState(query.current.matches);
  useEffect(() => { const look = () => setDark(query.current.matches); query.current.addEventListener("change", look); return () => query.current.removeEventListener("change", look); }, []);
  return isDark;
}

function Tabs({ tab, count, change }) {
  const move = (event) => {
    const place = TABS.findIndex(([name]) => name === tab), by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = TABS[(place + by + TABS.length) % TABS.length][0];
    change({ tab: next });
    document.getElementById(`tab-${next}`).focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="what is shown" onKeyDown=${move}>${TABS.map(([name, title]) => html`<button key=${name} role="tab" id=${`tab-${name}`} aria-selected=${name === tab} aria-controls="panel" tabindex=${name === tab ? 0 : -1} onClick=${() => change({ tab: name })}>${title}${name === "findings" && count ? html` <span class="count">${count}</span>` : ""}</button>`)}</div>`;
}

function RunList({ feed, chosen, state, change, isOpen }) {
  const word = (state.filter || "").toLowerCase();
  const shown = feed.runs.filter((run) => !word || [run.name, run.recipe, run.data, run.state].some((text) => (text || "").toLowerCase().includes(word)));
  const toggle = (key) => {
    const next = chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key].slice(-MOST);
    change({ run: (next.length ? next : [key]).join(".") });
  };
  return html`<nav class=${`runs ${isOpen ? "open" : ""}`} aria-label="runs">
    <label class="filter"><span class="hidden-text">filter runs</span><input type="text" id="filter" placeholder="filter runs" value=${state.filter || ""} onInput=${(event) => change({ filter: event.target.value })} /></label>
    <ul>${shown.map((run) => { const place = chosen.indexOf(run.key);
      return html`<li key=${run.key} class=${place >= 0 ? "chosen" : ""} data-colour=${place + 1}>
        <input type="checkbox" aria-label=${`${run.name} beside the others`} checked=${place >= 0} data-key=${run.key} onChange=${() => toggle(run.key)} />
        <button class="name" title=${run.name} data-key=${run.key} aria-current=${place >= 0} onClick=${() => change({ run: run.key })}><span class="row top-line"><span class="clip grow">${run.name}</span><${Badge} state=${run.state} /></span>
          <span class="row muted small number"><span class="clip grow">${run.state === "share file" ? "a generator" : [`step ${number(run.step, 6)}`, run.recipe, run.data].filter(Boolean).join(" · ")}</span>${run.finding ? html`<span class=${`badge ${KINDS[run.finding.severity] || "warn"}`} title=${`the gravest of the doctor's findings that stand: a ${run.finding.severity || "finding"}`}>${run.finding.name || "finding"}</span>` : ""}</span></button></li>`; })}</ul>
    ${shown.length ? "" : html`<p class="muted small">${word ? "No run has this word." : ""}</p>`}
    <p class="muted small hint">Tick up to ${MOST} runs to see them side by side.</p></nav>`;
}

render(html`<${Page} />`, document.getElementById("page"));
