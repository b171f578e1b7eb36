"use strict";
/* The page: what its controls say is a state, and every picture is drawn from it. */

const content = JSON.parse(document.getElementById("content").textContent);
const { latent, shape, classes } = content;
const [channels, height, width] = shape;
const own = latent.size - latent.categories - latent.continuous;
const GRID = 64;
const BATCH = 8;
const STRIP = 9;
const LARGEST_SEED = Number.MAX_SAFE_INTEGER;
const TYPICAL = latent.name === "uniform" ? Math.sqrt(3) : 3.5; // how far one number of z goes

const at = (id) => document.getElementById(id);

/* Generation: in a worker, so that the page stays at hand; in the page itself where no worker can be had. */

function decode(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes.buffer;
}

function openEngine() {
  const bytes = decode(at("tensors").textContent);
  const model = { layers: content.layers, transform: content.transform, latent };
  const waiting = new Map();
  let count = 0;
  let here = null;
  let worker = null;
  const drawHere = (z, labels) => {
    here ??= openGenerator(model, bytes);
    return here(z, labels);
  };
  const giveUp = () => {
    worker = null;
    for (const { z, labels, done } of waiting.values()) done(drawHere(z, labels));
    waiting.clear();
  };
  try {
    worker = new Worker(URL.createObjectURL(new Blob([at("forward").textContent], { type: "text/javascript" })));
    worker.onerror = giveUp;
    worker.onmessage = ({ data: { id, pixels } }) => {
      waiting.get(id).done(pixels);
      waiting.delete(id);
    };
    worker.postMessage({ open: { model, bytes } });
  } catch {
    worker = null;
  }
  return (z, labels) =>
    new Promise((done) => {
      if (worker === null) {
        setTimeout(() => done(drawHere(z, labels)));
        return;
      }
      waiting.set(++count, { z, labels, done });
      worker.postMessage({ id: count, z, labels });
    });
}

const drawPixels = openEngine();

/* Only the newest wish counts: while one picture is made, those asked for in between are passed over. */
function newest(draw) {
  let busy = false;
  let again = false;
  return async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      await draw();
    }
    busy = false;
  };
}

/* The state. */

const state = {
  seed: 0,
  label: 0,
  variety: 1,
  base: new Float32Array(latent.size), // z of the seed, or of the chosen sample
  amounts: content.directions.map(() => 0),
  moved: false,
  chosen: null, // number of the sample in the grid whose z was taken
};

function takeNoise(z, chosen) {
  state.base = Float32Array.from(z);
  state.amounts.fill(0);
  state.moved = false;
  state.chosen = chosen;
}

function currentNoise() {
  const z = spread(state.base);
  content.directions.forEach((direction, k) => {
    if (state.amounts[k]) for (let i = 0; i < own; i++) z[i] += state.amounts[k] * direction[i];
  });
  if (latent.name === "uniform") for (let i = 0; i < own; i++) z[i] = Math.max(-TYPICAL, Math.min(TYPICAL, z[i]));
  return z;
}

/* z with its own numbers, not those of a code, times the variety: what --truncation does. */
function spread(z) {
  const variety = Math.fround(state.variety);
  return Float32Array.from(z, (value, i) => (i % latent.size < own ? value * variety : value));
}

const labelsOf = (n, choose) => (classes.length ? Int32Array.from({ length: n }, (_, i) => choose(i)) : null);

/* Pictures. */

function paint(canvas, pixels, number = 0) {
  canvas.width = width;
  canvas.height = height;
  const size = width * height * 4;
  const part = pixels.subarray(number * size, (number + 1) * size);
  canvas.getContext("2d").putImageData(new ImageData(part, width, height), 0, 0);
}

const drawOne = newest(async () => {
  paint(at("one"), await drawPixels(currentNoise(), labelsOf(1, () => state.label)));
  document.documentElement.dataset.firstPicture ??= String(performance.now());
  describeOne();
});

function describeOne() {
  const place = at("one-command");
  const variety = state.variety < 1 ? ` --truncation ${state.variety}` : "";
  const name = classes.length ? ` of class ${classes[state.label]}` : "";
  const whence = state.chosen === null ? "" : `sample ${state.chosen + 1} of the grid of `;
  at("one").setAttribute("aria-label", `The sample of ${whence}seed ${state.seed}${name}${state.moved ? ", moved by the sliders" : ""}`);
  if (state.moved || state.chosen !== null) {
    place.textContent = `The noise of ${whence}seed ${state.seed}${state.moved ? ", moved by the sliders." : "."}`;
    return;
  }
  const asked = classes.length ? ` --class ${quote(classes[state.label])}` : "";
  const code = document.createElement("code");
  code.textContent = `advnets sample ${content.source} -n 1 --seed ${state.seed}${variety}${asked} --out one.png`;
  place.replaceChildren(content.source === "RUN" ? "The same picture, where RUN is the folder of the run: " : "The same picture: ", code);
}

/* A name as it is typed in a command. */
const quote = (word) => (/^[\w.-]+$/.test(word) && !word.startsWith("-") ? word : `'${word.replaceAll("'", `'\\''`)}'`);

let gridNoise = new Float32Array(0);

const drawGrid = newest(async () => {
  const began = performance.now();
  const { seed, variety, label } = state;
  const turns = at("turns").checked;
  gridNoise = drawNoises(latent, GRID, seed);
  const z = spread(gridNoise);
  const cells = [...at("grid").children];
  for (let i = 0; i < GRID; i += BATCH) {
    const labels = labelsOf(BATCH, (k) => (turns ? (i + k) % classes.length : label));
    const pixels = await drawPixels(z.slice(i * latent.size, (i + BATCH) * latent.size), labels);
    if (seed !== state.seed || variety !== state.variety) return;
    for (let k = 0; k < BATCH; k++) paint(cells[i + k].firstChild, pixels, k);
  }
  const spent = performance.now() - began;
  document.documentElement.dataset.gridMilliseconds = String(spent);
  at("status").textContent = `64 samples of seed ${seed} in ${Math.max(1, Math.round(spent))} ms`;
});

function wayNoise(share) {
  const ends = ["from", "to"].map((id) => spread(drawNoises(latent, 1, Number(at(id).value))));
  return interpolateNoises(latent, ends[0], ends[1], share);
}

const drawWay = newest(async () => {
  paint(at("way"), await drawPixels(wayNoise(Number(at("share-input").value)), labelsOf(1, () => state.label)));
});

const drawStrip = newest(async () => {
  const z = new Float32Array(STRIP * latent.size);
  for (let i = 0; i < STRIP; i++) z.set(wayNoise(i / (STRIP - 1)), i * latent.size);
  const pixels = await drawPixels(z, labelsOf(STRIP, () => state.label));
  [...at("strip").children].forEach((canvas, i) => paint(canvas, pixels, i));
});

function drawAll() {
  drawOne();
  drawGrid();
  drawStrip();
  drawWay();
}

/* Controls. */

function addSlider(place, { id, text, least, most, step, value, change }) {
  const row = document.createElement("div");
  row.className = "slider";
  const label = document.createElement("label");
  label.htmlFor = `${id}-input`;
  label.textContent = text;
  const input = document.createElement("input");
  Object.assign(input, { type: "range", id: `${id}-input`, min: least, max: most, step, value });
  const output = document.createElement("output");
  output.htmlFor = input.id;
  const show = () => (output.textContent = Number(input.value).toFixed(2));
  input.addEventListener("input", () => {
    show();
    change(Number(input.value));
  });
  input.show = (number) => {
    input.value = number;
    show();
  };
  show();
  row.append(label, input, output);
  place.append(row);
  return input;
}

const directionSliders = content.directions.map((_, k) =>
  addSlider(at("directions"), {
    id: `direction-${k}`, text: `Direction ${k + 1}`, least: -4, most: 4, step: 0.05, value: 0,
    change: (amount) => {
      state.amounts[k] = amount;
      move();
    },
  }),
);

addSlider(at("variety"), {
  id: "variety", text: "Variety", least: 0.05, most: 1, step: 0.05, value: 1,
  change: (variety) => {
    state.variety = variety;
    drawAll();
    showCoordinates();
  },
});

addSlider(at("share"), { id: "share", text: "On the way", least: 0, most: 1, step: 0.005, value: 0.5, change: () => drawWay() });

let coordinateSliders = [];

function addCoordinates() {
  coordinateSliders = Array.from({ length: own }, (_, i) =>
    addSlider(at("coordinates"), {
      id: `z-${i}`, text: `z ${i + 1}`, least: -TYPICAL, most: TYPICAL, step: 0.01, value: 0,
      change: (value) => {
        state.base[i] += (value - currentNoise()[i]) / state.variety;
        move(false);
      },
    }),
  );
  showCoordinates();
}

function showCoordinates() {
  const z = currentNoise();
  coordinateSliders.forEach((slider, i) => slider.show(z[i]));
}

function move(show = true) {
  state.moved = true;
  if (show) showCoordinates();
  drawOne();
}

const continuousSliders = Array.from({ length: latent.continuous }, (_, i) =>
  addSlider(at("continuous"), {
    id: `continuous-${i}`, text: `Number ${i + 1}`, least: -1, most: 1, step: 0.01, value: 0,
    change: (value) => {
      state.base[own + latent.categories + i] = value;
      move();
    },
  }),
);

function showSliders() {
  directionSliders.forEach((slider, k) => slider.show(state.amounts[k]));
  continuousSliders.forEach((slider, i) => slider.show(state.base[own + latent.categories + i]));
  if (latent.categories) at("category").value = state.base.subarray(own, own + latent.categories).indexOf(1);
  showCoordinates();
  for (const [i, cell] of [...at("grid").children].entries()) cell.setAttribute("aria-pressed", String(i === state.chosen));
}

/* The seed in a box, or null, with the reason shown by the box itself. */
function readSeed(input) {
  const seed = Number(input.value);
  const good = input.value !== "" && Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED;
  input.setCustomValidity(good ? "" : `Expected a whole number from 0 to ${LARGEST_SEED}.`);
  input.setAttribute("aria-invalid", String(!good));
  if (!good) input.reportValidity();
  return good ? seed : null;
}

function setSeed(seed) {
  state.seed = Math.max(0, Math.min(LARGEST_SEED, seed));
  at("seed").value = state.seed;
  readSeed(at("seed"));
  takeNoise(drawNoises(latent, 1, state.seed), null);
  showSliders();
  drawOne();
  drawGrid();
  keepPlace();
}

/* The seed and the class stand in the address, so that it can be given away. */
function keepPlace() {
  const named = classes.length ? `&class=${state.label}` : "";
  location.replace(`#seed=${state.seed}${named}`);
}

function readPlace() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const label = Number(asked.get("class"));
  if (Number.isInteger(label) && label >= 0 && label < classes.length) state.label = label;
  const seed = Number(asked.get("seed"));
  return Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED ? seed : 0;
}

function addOptions(select, names) {
  for (const [value, name] of names.entries()) select.append(new Option(name, value));
}

function addGrid() {
  for (let i = 0; i < GRID; i++) {
    const cell = document.createElement("button");
    cell.type = "button";
    cell.tabIndex = i ? -1 : 0;
    cell.setAttribute("aria-label", `Take the noise of sample ${i + 1}`);
    cell.append(document.createElement("canvas"));
    paint(cell.firstChild, new Uint8ClampedArray(width * height * 4));
    cell.addEventListener("click", () => takeCell(i));
    at("grid").append(cell);
  }
  at("grid").addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8 };
    const cells = [...at("grid").children];
    const to = cells.indexOf(document.activeElement) + steps[event.key];
    if (!(to >= 0 && to < GRID)) return;
    event.preventDefault();
    focusCell(to);
    cells[to].focus();
  });
}

function focusCell(number) {
  for (const [i, cell] of [...at("grid").children].entries()) cell.tabIndex = i === number ? 0 : -1;
}

function takeCell(i) {
  takeNoise(gridNoise.subarray(i * latent.size, (i + 1) * latent.size), i);
  if (classes.length && at("turns").checked) at("class").value = state.label = i % classes.length;
  focusCell(i);
  showSliders();
  drawOne();
}

/* Saving: whole pixels, enlarged where they are few. */
function save(canvases, columns, name) {
  const factor = Math.max(1, Math.floor(512 / (Math.max(width, height) * columns)));
  const picture = document.createElement("canvas");
  picture.width = width * factor * columns;
  picture.height = height * factor * Math.ceil(canvases.length / columns);
  const context = picture.getContext("2d");
  context.imageSmoothingEnabled = false;
  canvases.forEach((canvas, i) => {
    const [x, y] = [(i % columns) * width * factor, Math.floor(i / columns) * height * factor];
    context.drawImage(canvas, x, y, width * factor, height * factor);
  });
  picture.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  });
}

let playing = null;

function play() {
  if (playing !== null) {
    cancelAnimationFrame(playing);
    playing = null;
  } else {
    const slider = at("share-input");
    let before = performance.now();
    let forward = Number(slider.value) < 1;
    const step = (now) => {
      const share = Number(slider.value) + ((forward ? 1 : -1) * Math.max(0, now - before)) / 2500;
      if (Math.abs(now - before) > 20) {
        slider.show(Math.max(0, Math.min(1, share)));
        before = now;
        if (share >= 1 || share <= 0) forward = share <= 0;
        drawWay();
      }
      playing = requestAnimationFrame(step);
    };
    playing = requestAnimationFrame(step);
  }
  at("play").textContent = playing === null ? "Play" : "Stop";
  at("play").setAttribute("aria-pressed", String(playing !== null));
}

/* What the page says. All of it is set as text: none of it is read as HTML. */

function describe() {
  const labelled = classes.length ? " and a class" : "";
  at("lead").textContent =
    `It makes pictures of ${width} × ${height} pixels from ${latent.size} random numbers${labelled}. ` +
    "Nothing is loaded, and nothing leaves this page.";
  for (const [name, text] of content.facts) {
    const [head, body] = ["dt", "dd"].map((kind) => document.createElement(kind));
    head.textContent = name;
    body.textContent = text;
    at("facts").append(head, body);
  }
  const place = at("measured");
  const head = document.createElement("h3");
  head.textContent = "Measured";
  const about = document.createElement("p");
  about.className = "hint";
  about.textContent = content.measures?.about ?? "Nothing: advnets evaluate has not measured this step, or its report is not on the card.";
  place.append(head, about);
  if (!content.measures?.rows.length) return;
  const folded = document.createElement("details"), title = document.createElement("summary");
  title.textContent = "Every number";
  folded.append(title, table(["measure", "value", "real images get", "verdict"], content.measures.rows));
  place.append(folded);
}

function table(names, rows) {
  const made = document.createElement("table");
  const line = (part, kind, texts) => {
    const row = part.insertRow();
    for (const text of texts) {
      const cell = document.createElement(kind);
      cell.textContent = text;
      row.append(cell);
    }
  };
  line(made.createTHead(), "th", names);
  const body = made.createTBody();
  for (const row of rows) line(body, "td", row);
  return made;
}

function listen() {
  at("seed").addEventListener("change", () => {
    const seed = readSeed(at("seed"));
    if (seed !== null) setSeed(seed);
  });
  at("before").addEventListener("click", () => setSeed(state.seed - 1));
  at("next").addEventListener("click", () => setSeed(state.seed + 1));
  at("random").addEventListener("click", () => setSeed(Math.floor(Math.random() * 1e6)));
  at("reset").addEventListener("click", () => setSeed(state.seed));
  at("class").addEventListener("change", () => {
    state.label = Number(at("class").value);
    drawAll();
    keepPlace();
  });
  at("category").addEventListener("change", () => {
    state.base.fill(0, own, own + latent.categories);
    state.base[own + Number(at("category").value)] = 1;
    move();
  });
  at("turns").addEventListener("change", () => drawGrid());
  for (const id of ["from", "to"]) {
    at(id).addEventListener("change", () => {
      if (readSeed(at(id)) === null) return;
      drawStrip();
      drawWay();
    });
  }
  at("play").addEventListener("click", play);
  at("all").addEventListener("toggle", () => {
    if (!coordinateSliders.length) addCoordinates();
  });
  at("save-one").addEventListener("click", () => save([at("one")], 1, `seed-${state.seed}.png`));
  const canvasesOf = (id) => [...at(id).querySelectorAll("canvas")];
  at("save-grid").addEventListener("click", () => save(canvasesOf("grid"), 8, `seed-${state.seed}-64.png`));
  at("save-way").addEventListener("click", () => save(canvasesOf("strip"), STRIP, `seeds-${at("from").value}-${at("to").value}.png`));
}

/* For the console, and for tests: pixels (n, height, width, 4) of `advnets sample -n N --seed SEED`. */
const samplePixels = (n, seed, labels = null) =>
  drawPixels(drawNoises(latent, n, seed), classes.length ? Int32Array.from(labels ?? Array(n).fill(0)) : null);

at("class-row").hidden = at("turns-row").hidden = !classes.length;
at("code").hidden = !(latent.categories + latent.continuous);
at("category-row").hidden = !latent.categories;
at("all").hidden = !own;
addOptions(at("class"), classes);
addOptions(at("category"), Array.from({ length: latent.categories }, (_, i) => String(i)));
addGrid();
for (let i = 0; i < STRIP; i++) {
  at("strip").append(document.createElement("canvas"));
  paint(at("strip").lastChild, new Uint8ClampedArray(width * height * 4));
}
describe();
listen();
{
  const seed = readPlace();
  if (classes.length) at("class").value = state.label;
  setSeed(seed);
  drawStrip();
  drawWay();
}
