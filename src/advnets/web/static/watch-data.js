// What the server says, kept as long as the page is open. Lines are asked for by a cursor, so that none is lost when the
// server is started again, and none is sent twice.

export const POLL_MS = 2000;
const DETAIL_EVERY = 3; // polls between two readings of settings, measures and the list of pictures
const MOST_POINTS = 20000; // of a curve; then every second one is dropped

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (answer.status === 401) throw new Error("The server was started anew. Open the address that it has printed.");
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error || `the server answers ${answer.status}`);
  return told;
}

export class Curves {
  constructor() { this.clear(); }

  clear() { this.cursor = ""; this.columns = new Map([["step", []]]); this.every = 1; this.seen = 0; this.broken = 0; }

  get steps() { return this.columns.get("step"); }

  add(told) {
    if (told.anew) this.clear();
    this.cursor = told.cursor;
    this.broken += told.broken;
    const count = (told.columns.step || []).length, before = this.steps.length;
    for (let line = 0; line < count; line++) {
      if (this.seen++ % this.every) continue;
      const at = this.steps.length;
      for (const [name, values] of Object.entries(told.columns)) {
        if (!this.columns.has(name)) this.columns.set(name, new Array(at).fill(null));
        this.columns.get(name)[at] = typeof values[line] === "number" ? values[line] : null;
      }
      for (const values of this.columns.values()) if (values.length <= at) values[at] = null;
    }
    if (this.steps.length > MOST_POINTS) this.thin();
    return this.steps.length !== before;
  }

  thin() {
    for (const [name, values] of this.columns) this.columns.set(name, values.filter((_, place) => place % 2 === 0));
    this.every *= 2;
  }
}

export class Feed {
  constructor(onChange) {
    this.onChange = onChange;
    this.runs = []; this.root = ""; this.problem = ""; this.isLoaded = false;
    this.chosen = []; this.open = new Map(); this.polls = 0; this.isBusy = false; this.isAgain = false;
  }

  start() { this.poll(); this.timer = setInterval(() => { if (!document.hidden) this.poll(); }, POLL_MS); }

  choose(keys) {
    this.chosen = keys;
    for (const key of keys) if (!this.open.has(key)) this.open.set(key, { curves: new Curves(), findings: [], findingsCursor: "", about: null, problem: "" });
    this.poll();
  }

  async poll() {
    if (this.isBusy) { this.isAgain = true; return; }
    this.isBusy = true;
    do {
      this.isAgain = false;
      try {
        const told = await ask("/api/runs");
        this.runs = told.runs; this.root = told.root; this.problem = ""; this.isLoaded = true;
        this.onChange();
        await Promise.all(this.chosen.map((key) => this.pollRun(key)));
      } catch (error) {
        this.problem = error instanceof TypeError ? "The server does not answer. Is the command still running?" : error.message;
      }
      this.polls++;
      this.onChange();
    } while (this.isAgain);
    this.isBusy = false;
  }

  async pollRun(key) {
    const run = this.open.get(key), listed = this.runs.find((one) => one.key === key);
    if (!run || !listed || listed.state === "share file") return;
    try {
      if (!run.about || this.polls % DETAIL_EVERY === 0) run.about = await ask(`/api/run/${key}`);
      for (let more = true; more;) {
        const told = await ask(`/api/journal/${key}?after=${run.curves.cursor}`);
        run.curves.add(told);
        more = told.more;
        if (more) this.onChange();
      }
      const told = await ask(`/api/findings/${key}?after=${run.findingsCursor}`);
      if (told.anew) run.findings = [];
      run.findings = [...run.findings, ...told.findings].slice(-500);
      run.findingsCursor = told.cursor;
      run.problem = "";
    } catch (error) {
      if (error instanceof TypeError) throw error;
      run.problem = error.message;
    }
  }
}

export const askDifferences = (keys) => ask(`/api/differences?keys=${keys.join(".")}`);
export const askLatents = (key) => ask(`/api/latents/${key}`);

// A picture of the server as an address that an <img> takes; whoever asks has to let go of it.
export async function askPicture(path, body, type) {
  const answer = await fetch(path, { method: "POST", body, headers: { "content-type": type } });
  if (!answer.ok) throw new Error((await answer.json()).error || `the server answers ${answer.status}`);
  return URL.createObjectURL(await answer.blob());
}
