// Drawing on canvases, from arrays and numbers alone: the line, the plane, and charts. It knows no server.

export function decode(text, isBytes) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return isBytes ? bytes : new Float32Array(bytes.buffer);
}

export function decodeAll(arrays) {
  return Object.fromEntries(Object.entries(arrays).map(([name, text]) => [name, decode(text, name === "heat")]));
}

// The colours of the theme, read once for each of its states. Those of data, D and G hang on the dimensions of x.
let palette = null;
export function forgetColours() { palette = null; }
export function setDimension(dimension) {
  document.documentElement.dataset.dimension = dimension;
  forgetColours();
}
function colours() {
  if (palette) return palette;
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  palette = Object.fromEntries(
    ["card", "sunken", "line", "line-strong", "ink", "muted", "data", "d", "g", "real", "fake", "series-4"].map((name) => [name, read(name)]));
  return palette;
}

function channels(colour) {
  const hex = colour.slice(1);
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// Sizes a canvas to its box on the screen, and returns a context in CSS pixels.
export function prepare(canvas) {
  const ratio = Math.min(devicePixelRatio || 1, 2), width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width, height];
}

const FONT = 'px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans KR", "DejaVu Sans", sans-serif';
function write(context, text, x, y, { size = 12, colour, align = "left", base = "alphabetic", weight = "" } = {}) {
  context.font = `${weight} ${size}${FONT}`;
  context.textAlign = align;
  context.textBaseline = base;
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

function path(context, xs, ys) {
  context.beginPath();
  for (let i = 0; i < xs.length; i++) context[i ? "lineTo" : "moveTo"](xs[i], ys[i]);
}

// The densities of data and of fakes, from the masses of the cells.
function densities(game) {
  const { p_g } = game.frame.arrays, cell = (2 * game.reach) / p_g.length;
  return [game.backdrop.p_data, p_g].map((masses) => Array.from(masses, (mass) => mass / cell));
}

// What the axis of densities reaches up to: a fake that piles up is cut, so that the data stay large enough to be seen.
function tallestOf(game) {
  const [p, q] = densities(game), most = Math.max(...p);
  return Math.max(0.5, 1.25 * most, Math.min(1.1 * Math.max(...q.slice(1, -1)), 2.5 * most));
}

// Figure 1, in the lines of the paper: p_data dotted, p_g solid, D dashed; and the way from z to x below. D* is a thin line in D's
// colour. `game` holds reach, settings, p_data and the frame.
// Games that stand side by side have one scale of densities.
export function drawLine(canvas, game, shown, games = [game]) {
  const [context, width, height] = prepare(canvas), c = colours(), { arrays, numbers } = game.frame;
  const left = 40, right = width - 40, top = 14, floor = Math.round(height * 0.7), zLine = height - 24, reach = game.reach;
  const xAt = (x) => left + ((x + reach) / (2 * reach)) * (right - left);
  const cells = arrays.p_g.length, cell = (2 * reach) / cells, centres = Array.from({ length: cells }, (_, i) => xAt(-reach + (i + 0.5) * cell));
  const [p, q] = densities(game), tallest = Math.max(...games.map(tallestOf));
  const yAt = (density) => floor - Math.min(density / tallest, 1.02) * (floor - top);
  const [low, high, isChance] = scoreRange(game, arrays);
  const dAt = (score) => floor - ((Math.min(Math.max(score, low), high) - low) / (high - low)) * (floor - top);

  context.save();
  context.lineWidth = 1;
  context.strokeStyle = c.line;
  for (let x = -reach; x <= reach; x++) { line(context, xAt(x), top, xAt(x), floor); write(context, String(x).replace("-", "−"), xAt(x), floor + 4, { size: 11, colour: c.muted, align: "center", base: "top" }); }
  const middle = isChance ? 0.5 : 0;
  if (shown.D && middle > low && middle < high) { context.strokeStyle = c["line-strong"]; line(context, left, dAt(middle), right, dAt(middle)); }
  if (shown.real) area(context, centres, p.map(yAt), floor, c.data, 0.07);
  if (shown.fake) area(context, centres, q.map(yAt), floor, c.g, 0.16);
  if (shown.best && arrays.best) { context.globalAlpha = 0.7; stroke(context, centres, Array.from(arrays.best, dAt), c.d, 1.3); context.globalAlpha = 1; }
  if (shown.D) stroke(context, centres, Array.from(arrays.D, dAt), c.d, 2.4, [9, 5]);
  if (shown.real) stroke(context, centres, p.map(yAt), c.data, 2.4, [2.4, 3.4]);
  if (shown.fake) stroke(context, centres, q.map(yAt), c.g, 2.6);
  context.strokeStyle = c["line-strong"];
  context.lineWidth = 1;
  line(context, left, floor, right, floor);
  if (shown.arrows) arrowsToX(context, arrays.arrows, { xAt, floor: floor + 20, zLine, left, right, reach, c });
  if (arrays.drawn_real) rug(context, arrays.drawn_real, xAt, floor - 7, c.data, 1);
  if (arrays.drawn_fake) rug(context, arrays.drawn_fake, xAt, floor - 7, c.g, 1);
  write(context, "p(x)", left - 8, top + 4, { size: 11, colour: c.muted, align: "right" });
  write(context, tallest.toFixed(1), left - 8, top + 18, { size: 11, colour: c.muted, align: "right" });
  write(context, "0", left - 8, floor, { size: 11, colour: c.muted, align: "right" });
  if (shown.D) {
    for (const mark of [low, (low + high) / 2, high]) write(context, round(mark), right + 6, dAt(mark), { size: 11, colour: c.d, base: "middle" });
    write(context, isChance ? "D" : "D(x)", right + 6, top + 18, { size: 11, colour: c.d });
  }
  write(context, "x", right + 6, floor + 10, { size: 12, colour: c.ink, base: "middle" });
  if (shown.arrows) write(context, "z", right + 6, zLine, { size: 12, colour: c.ink, base: "middle" });
  context.restore();
  return numbers;
}

function line(context, x0, y0, x1, y1) { context.beginPath(); context.moveTo(x0, y0); context.lineTo(x1, y1); context.stroke(); }
function round(value) { const text = Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : String(+value.toFixed(2)); return text.replace("-", "−"); }

function stroke(context, xs, ys, colour, width, dash = []) {
  path(context, xs, ys);
  context.setLineDash(dash);
  context.lineWidth = width;
  context.lineJoin = "round";
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}

function area(context, xs, ys, floor, colour, alpha) {
  path(context, xs, ys);
  context.lineTo(xs[xs.length - 1], floor);
  context.lineTo(xs[0], floor);
  context.closePath();
  context.globalAlpha = alpha;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
}

function rug(context, points, xAt, y, colour, stride) {
  context.strokeStyle = colour;
  context.lineWidth = 1.4;
  context.globalAlpha = 0.75;
  for (let i = 0; i < points.length; i += stride) line(context, xAt(points[i]), y, xAt(points[i]), y + 14);
  context.globalAlpha = 1;
}

function arrowsToX(context, pairs, { xAt, floor, zLine, left, right, reach, c }) {
  context.strokeStyle = c["line-strong"];
  context.lineWidth = 1;
  line(context, left, zLine, right, zLine);
  line(context, left, floor, right, floor);
  const zAt = (z) => (left + right) / 2 + (z * (right - left)) / 2 * 0.8;
  for (let i = 0; i < pairs.length; i += 2) {
    const to = Math.min(Math.max(pairs[i + 1], -reach), reach), is_out = to !== pairs[i + 1];
    context.globalAlpha = is_out ? 0.2 : 0.65;
    arrow(context, zAt(pairs[i]), zLine, xAt(to), floor, c.ink, 5);
  }
  context.globalAlpha = 1;
}

function arrow(context, x0, y0, x1, y1, colour, head) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 1.25;
  line(context, x0, y0, x1, y1);
  if (length < 2) return;
  const ux = (x1 - x0) / length, uy = (y1 - y0) / length;
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x1 - head * ux + head * 0.5 * uy, y1 - head * uy - head * 0.5 * ux);
  context.lineTo(x1 - head * ux - head * 0.5 * uy, y1 - head * uy + head * 0.5 * ux);
  context.fill();
}

const CRITICS = ["wasserstein", "hinge"];
function scoreRange(game, arrays) {
  const objective = game.settings.objective;
  if (!CRITICS.includes(objective)) return [0, 1, true];
  const largest = Math.max(1, ...Array.from(arrays.D, Math.abs));
  const step = 10 ** Math.floor(Math.log10(largest));
  const end = Math.ceil(largest / step) * step;
  return [-end, end, false];
}

// The plane: D as a map of colours, real points as discs, fakes as diamonds, their gradients as arrows, z's grid.
const sheet = typeof document === "undefined" ? null : document.createElement("canvas");
export function drawPlane(canvas, game, shown) {
  const [context, width, height] = prepare(canvas), c = colours(), { arrays, numbers } = game.frame, reach = game.reach;
  const side = Math.min(width, height), left = (width - side) / 2, top = (height - side) / 2;
  const xAt = (x) => left + ((x + reach) / (2 * reach)) * side, yAt = (y) => top + ((reach - y) / (2 * reach)) * side;
  context.save();
  context.beginPath();
  context.rect(left, top, side, side);
  context.clip();
  context.fillStyle = c.card;
  context.fillRect(left, top, side, side);
  if (shown.heat) heatMap(context, arrays.heat, left, top, side, c);
  if (shown.grid) grid(context, arrays.grid, game.settings, xAt, yAt, c);
  if (shown.real) discs(context, arrays.drawn_real || game.backdrop.real, xAt, yAt, side, c);
  if (shown.arrows) slopes(context, arrays.fake, arrays.slopes, xAt, yAt, side, c);
  if (shown.fake) diamonds(context, arrays.drawn_fake || arrays.fake, xAt, yAt, side, c);
  context.restore();
  context.strokeStyle = c["line-strong"];
  context.strokeRect(left + 0.5, top + 0.5, side - 1, side - 1);
  return numbers;
}

function heatMap(context, heat, left, top, side, c) {
  const cells = Math.round(Math.sqrt(heat.length)), real = channels(c.real), fake = channels(c.fake), card = channels(c.card);
  sheet.width = sheet.height = cells;
  const small = sheet.getContext("2d"), image = small.createImageData(cells, cells);
  for (let i = 0; i < heat.length; i++) {
    const share = (heat[i] - 128) / 127, end = share > 0 ? real : fake, weight = Math.min(1, Math.abs(share)) * 0.62;
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = card[k] + (end[k] - card[k]) * weight;
    image.data[4 * i + 3] = 255;
  }
  small.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(sheet, left, top, side, side);
}

function grid(context, points, settings, xAt, yAt, c) {
  const count = points.length / 2, isSheet = settings.latent_size > 1;
  const lines = isSheet ? Math.round(Math.sqrt(count)) : 1;
  context.strokeStyle = c.ink;
  context.lineWidth = isSheet ? 1 : 2;
  context.globalAlpha = isSheet ? 0.34 : 0.7;
  const place = (i) => [xAt(points[2 * i]), yAt(points[2 * i + 1])];
  const draw = (indices) => { context.beginPath(); indices.forEach((i, n) => context[n ? "lineTo" : "moveTo"](...place(i))); context.stroke(); };
  if (!isSheet) draw(Array.from({ length: count }, (_, i) => i));
  else for (let row = 0; row < lines; row++) {
    draw(Array.from({ length: lines }, (_, i) => row * lines + i));
    draw(Array.from({ length: lines }, (_, i) => i * lines + row));
  }
  context.globalAlpha = 1;
}

function discs(context, points, xAt, yAt, side, c) {
  const radius = Math.max(2.2, side / 190);
  context.lineWidth = 1;
  for (let i = 0; i < points.length; i += 2) {
    context.beginPath();
    context.arc(xAt(points[i]), yAt(points[i + 1]), radius, 0, 7);
    context.fillStyle = c.real;
    context.fill();
    context.strokeStyle = c.card;
    context.stroke();
  }
}

function diamonds(context, points, xAt, yAt, side, c) {
  const half = Math.max(3.2, side / 130);
  context.lineWidth = 1;
  for (let i = 0; i < points.length; i += 2) {
    const x = xAt(points[i]), y = yAt(points[i + 1]);
    context.beginPath();
    context.moveTo(x, y - half); context.lineTo(x + half, y); context.lineTo(x, y + half); context.lineTo(x - half, y);
    context.closePath();
    context.fillStyle = c.fake;
    context.fill();
    context.strokeStyle = c.card;
    context.stroke();
  }
}

function slopes(context, points, arrows, xAt, yAt, side, c) {
  const lengths = [];
  for (let i = 0; i < arrows.length; i += 2) lengths.push(Math.hypot(arrows[i], arrows[i + 1]));
  const usual = [...lengths].sort((a, b) => a - b)[Math.floor(lengths.length * 0.9)] || 1, longest = side / 14;
  for (let i = 0; i < arrows.length; i += 2) {
    const length = lengths[i / 2], scale = (Math.min(length / usual, 1.4) * longest) / (length || 1);
    if (length * scale < 2) continue;
    const x = xAt(points[i]), y = yAt(points[i + 1]);
    arrow(context, x, y, x + arrows[i] * scale, y - arrows[i + 1] * scale, c.ink, 5);
  }
}

// A chart of columns over steps: series [{name, values, colour, dash}], lines [{at, label}], and a mark where one stands.
export function drawChart(canvas, { steps, series, lines = [], mark = null, low = null, high = null, isLog = false }) {
  const [context, width, height] = prepare(canvas), c = colours();
  const left = 38, right = width - 8, top = 8, floor = height - 16, real = (value) => value !== null && value !== undefined && (!isLog || value > 0);
  const all = series.flatMap((one) => one.values.filter(real)).concat(lines.map((one) => one.at));
  if (!all.length || !steps.length) return;
  const scale = isLog ? Math.log10 : (value) => value;
  let least = low ?? Math.min(...all), most = high ?? Math.max(...all);
  if (isLog) { least = Math.max(least, most * 1e-6); }
  if (most - least < 1e-9) { least -= isLog ? least / 2 : 0.5; most += 0.5; }
  const margin = low === null ? 0.06 * (scale(most) - scale(least)) : 0;
  const bottom = scale(least) - margin, height_ = scale(most) + margin - bottom;
  const last = Math.max(steps[steps.length - 1], 1), xAt = (step) => left + (step / last) * (right - left);
  const yAt = (value) => floor - ((scale(Math.max(value, isLog ? least : -Infinity)) - bottom) / height_) * (floor - top);
  context.lineWidth = 1;
  context.strokeStyle = c.line;
  for (const share of [0, 0.5, 1]) {
    const value = bottom + share * height_, y = floor - share * (floor - top);
    line(context, left, y, right, y);
    write(context, isLog ? `1e${value.toFixed(0)}`.replace("-", "−") : round(value), left - 5, y, { size: 10, colour: c.muted, align: "right", base: "middle" });
  }
  for (const { at, label } of lines) {
    context.setLineDash([2, 3]);
    context.strokeStyle = c.ink;
    line(context, left, yAt(at), right, yAt(at));
    context.setLineDash([]);
    write(context, label, right, yAt(at) - 3, { size: 10, colour: c.ink, align: "right" });
  }
  context.save();
  context.beginPath();
  context.rect(left, top - 2, right - left + 2, floor - top + 4);
  context.clip();
  for (const one of series) {
    const kept = steps.map((_, i) => i).filter((i) => real(one.values[i]));
    stroke(context, kept.map((i) => xAt(steps[i])), kept.map((i) => yAt(one.values[i])), c[one.colour] || one.colour, 1.7, one.dash || []);
  }
  context.restore();
  if (mark !== null) { context.strokeStyle = c.ink; context.globalAlpha = 0.55; line(context, xAt(mark), top, xAt(mark), floor); context.globalAlpha = 1; }
  write(context, "0", left, floor + 4, { size: 10, colour: c.muted, base: "top" });
  write(context, last.toLocaleString("en"), right, floor + 4, { size: 10, colour: c.muted, align: "right", base: "top" });
}

// The charts of one or two games: the second game's lines are dashed.
export const LOG_4 = Math.log(4);
export function chartsOf(games) {
  const steps = games[0].columns.step, dashed = games.length > 1;
  const columns = (name, colour, label) => games.filter((game) => game.columns[name]).map((game) => ({
    name: label, values: game.columns[name], colour, dash: dashed && game === games[1] ? [5, 3] : [],
  }));
  return [
    { key: "value", steps, series: columns("value", "series-4", "V"), lines: [{ at: -LOG_4, label: "−log 4" }] },
    { key: "jsd", steps, series: columns("jsd", "series-4", "JSD"), lines: [{ at: Math.log(2), label: "log 2" }], low: 0, high: 0.75 },
    { key: "scores", steps, series: [...columns("score_real", "data", "D(x)"), ...columns("score_fake", "g", "D(G(z))")] },
    { key: "gradients", steps, isLog: true, series: [...columns("gradient_d", "d", "D"), ...columns("gradient_g", "g", "G")] },
  ].filter((chart) => chart.series.length);
}

export function drawGame(canvas, game, shown, games = [game]) {
  return (game.settings.dimension === 1 ? drawLine : drawPlane)(canvas, game, shown, games);
}
