// A chart of curves: uPlot within an element of preact, as wide as its card, with the colours of the theme.

import { html, useEffect, useRef } from "./html.js";
import { number } from "./watch-words.js";

const HEIGHT = 210;
const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The moving average that a reader asks for, 0 for none: y_t = s y_(t-1) + (1 - s) x_t, corrected for its start.
export function smooth(values, share) {
  if (!share) return values;
  let sum = 0, weight = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = share * sum + (1 - share) * value;
    weight = share * weight + 1 - share;
    return sum / weight;
  });
}

// series: [{label, xs, ys, colour: 1..6, dash: 0..3}]; each has its own steps, which uPlot.join brings together.
export function Chart({ title, series, isLog, isDark, unit, syncKey, marks }) {
  const place = useRef(null), plot = useRef(null);
  const shape = JSON.stringify([series.map((one) => [one.label, one.colour, one.dash]), isLog, isDark, unit]);

  useEffect(() => {
    const width = () => Math.max(200, place.current.clientWidth);
    const axis = { stroke: css("--muted"), font: "12px system-ui, sans-serif", grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } };
    const options = {
      width: width(), height: HEIGHT, cursor: { sync: { key: syncKey }, points: { size: 6 } }, legend: { live: true, markers: { width: 3, fill: () => "transparent", stroke: (plot, place) => (place ? plot.series[place].stroke(plot, place) : "transparent"), dash: (plot, place) => (place && series[place - 1].dash ? ["", "dashed", "dotted", "double"][series[place - 1].dash] : "solid") } },
      hooks: { setCursor: [(plot) => { if (plot.cursor.idx === null || plot.cursor.left < 0) showLast(plot); }] },
      scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => compact(tick)) }, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick))) }],
      series: [{ label: unit, value: (_, value) => (value === null ? "–" : number(value, 6)) },
        ...series.map((one) => ({ label: one.label, stroke: css(`--series-${one.colour}`), width: 1.75, dash: DASHES[one.dash], spanGaps: true, points: { show: false }, value: (_, value) => (value === null || value === undefined ? "–" : number(value)) }))],
    };
    plot.current = new uPlot(options, joined(series, isLog), place.current);
    showLast(plot.current);
    const watch = new ResizeObserver(() => plot.current && plot.current.setSize({ width: width(), height: HEIGHT }));
    watch.observe(place.current);
    return () => { watch.disconnect(); plot.current.destroy(); plot.current = null; };
  }, [shape]);

  useEffect(() => {
    if (!plot.current) return;
    plot.current.setData(joined(series, isLog));
    if (plot.current.cursor.left < 0) showLast(plot.current);
  }, [series]);

  const said = series.map((one) => `${one.label} ${number([...one.ys].reverse().find((value) => value !== null))}`).join(", ");
  return html`<section class="card chart"><h3>${title}</h3>
    <div ref=${place} role="img" aria-label=${`${title}: ${said}`} data-series=${series.length} data-points=${series.reduce((sum, one) => sum + one.ys.length, 0)}></div></section>`;
}

// While nobody points at a step, the legend shows the newest values.
function showLast(plot) {
  const last = (values) => { for (let place = values.length - 1; place >= 0; place--) if (values[place] !== null && values[place] !== undefined) return place; return null; };
  plot.setLegend({ idxs: plot.data.map(last) }, false);
}

function joined(series, isLog) {
  const positive = (values) => (isLog ? values.map((value) => (value > 0 ? value : null)) : values);
  const tables = series.map((one) => [one.xs, positive(one.ys)]);
  return tables.length > 1 ? uPlot.join(tables) : tables[0] || [[], []];
}

function compact(value) {
  if (Math.abs(value) >= 1e6) return `${value / 1e6}M`;
  return Math.abs(value) >= 1e4 ? `${value / 1e3}k` : String(value);
}
