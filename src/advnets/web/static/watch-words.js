// Numbers and states in words.

export const STATES = {
  training: ["good", "training"], finished: ["", "finished"], stopped: ["warn", "stopped"], failed: ["bad", "failed"],
  killed: ["bad", "killed"], quiet: ["warn", "silent"], created: ["", "begins"], unreadable: ["bad", "damaged"], "share file": ["", "share file"],
};

export function number(value, digits = 3) {
  if (typeof value !== "number") return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(digits - 1);
  return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(digits)));
}

export function duration(seconds) {
  if (typeof seconds !== "number") return "–";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

const NAMES = {
  "discriminator/objective": "D loss", "generator/objective": "G loss", images_per_second: "images/s", "D(x)": "D(x), real", "D(G(z))": "D(G(z)), fake",
  "augment/p": "chance of augmentation",
  "doctor/spread": "samples: how far apart (real ones: 1)", "doctor/gap": "samples: distance from the data",
  "doctor/auc": "D: real above fake", "doctor/auc_held": "D: training above held-out",
};

// "doctor/there/auc" of one way of a cycle is that of "doctor/auc", with its way behind it.
export function seriesName(name) {
  const way = /^doctor\/(\w+)\/(\w+)$/.exec(name);
  if (way) return `${NAMES[`doctor/${way[2]}`] || way[2]} (${way[1]})`;
  return NAMES[name] || name.replace("validation/", "").replace("discriminator/", "D ").replace("generator/", "G ");
}
