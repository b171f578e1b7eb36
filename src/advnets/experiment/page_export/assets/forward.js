"use strict";
/* A generator's forward in plain JavaScript: a list of layers, run on typed arrays in float32 with sums in double.

   Values are { data, n, shape }: n samples one after the other, each of `shape`. Every layer takes and returns values.
   Products of matrices do the work: a convolution gathers patches first, a transposed one scatters patches after. */

const LAYERS = {
  /* y = W x + b. */
  linear(x, { weight, bias }) {
    const [units, width] = weight.shape;
    const y = values(x.n, [units]);
    multiply(x.data, weight.data, y.data, [x.n, units, width], units);
    return bias ? addBias(y, bias.data) : y;
  },

  convolution(x, { weight, bias, stride, padding, groups }) {
    const [channels, height, width] = x.shape;
    const [maps, depth, rows, columns] = weight.shape;
    const to = [1, 2].map((i) => Math.floor((x.shape[i] + 2 * padding[i - 1] - weight.shape[i + 1]) / stride[i - 1]) + 1);
    const y = values(x.n, [maps, ...to]);
    const size = depth * rows * columns;
    const each = maps / groups;
    const lines = Math.max(1, Math.min(to[0], Math.floor(MOST / (size * to[1]))));
    const patches = new Float32Array(lines * to[1] * size);
    for (let i = 0; i < x.n * groups; i++) {
      const group = i % groups;
      const input = x.data.subarray(i * depth * height * width, (i + 1) * depth * height * width);
      const kernel = weight.data.subarray(group * each * size, (group + 1) * each * size);
      const output = y.data.subarray(i * each * to[0] * to[1], (i + 1) * each * to[0] * to[1]);
      for (let first = 0; first < to[0]; first += lines) {
        const count = Math.min(lines, to[0] - first);
        gather(input, [depth, height, width], patches, { rows, columns, stride, padding, first, count, across: to[1] });
        multiply(kernel, patches, output.subarray(first * to[1]), [each, count * to[1], size], to[0] * to[1]);
      }
    }
    return bias ? addBias(y, bias.data) : y;
  },

  transposed_convolution(x, { weight, bias, stride, padding, output_padding, groups }) {
    const [channels, height, width] = x.shape;
    const [, each, rows, columns] = weight.shape;
    const kernel = [rows, columns];
    const to = [0, 1].map(
      (i) => (x.shape[i + 1] - 1) * stride[i] - 2 * padding[i] + kernel[i] + output_padding[i],
    );
    const y = values(x.n, [each * groups, ...to]);
    const depth = channels / groups;
    const size = each * rows * columns;
    weight.turned ??= turn(weight.data, groups, depth, size);
    const lines = Math.max(1, Math.min(height, Math.floor(MOST / (size * width))));
    const pixels = new Float32Array(lines * width * depth);
    const patches = new Float32Array(size * lines * width);
    for (let i = 0; i < x.n * groups; i++) {
      const turned = weight.turned.subarray((i % groups) * depth * size, ((i % groups) + 1) * depth * size);
      const output = y.data.subarray(i * each * to[0] * to[1], (i + 1) * each * to[0] * to[1]);
      for (let first = 0; first < height; first += lines) {
        const count = Math.min(lines, height - first) * width;
        const begin = i * depth * height * width + first * width;
        for (let c = 0; c < depth; c++) {
          const from = begin + c * height * width;
          for (let p = 0; p < count; p++) pixels[p * depth + c] = x.data[from + p];
        }
        multiply(turned, pixels, patches, [size, count, depth], count);
        scatter(patches, output, [each, ...to], { rows, columns, stride, padding, first, across: width, count });
      }
    }
    return bias ? addBias(y, bias.data) : y;
  },

  /* Twice the sides of each map, by one kernel for all of them. */
  double(x, { taps }) {
    const maps = x.shape[0];
    const data = Float32Array.from({ length: 16 * maps }, (_, i) => taps.data[i % 16]);
    const numbers = { stride: [2, 2], padding: [1, 1], output_padding: [0, 0], groups: maps };
    return LAYERS.transposed_convolution(x, { weight: { data, shape: [maps, 1, 4, 4] }, bias: null, ...numbers });
  },

  /* Batch normalisation at inference: its moments, gain and bias are one gain and one bias a map. */
  scale(x, { gain, bias }) {
    return scaleMaps(x, () => gain.data, () => bias.data);
  },

  scale_of_class(x, { gain, bias }, labels) {
    const units = gain.shape[1];
    const row = (table) => (i) => table.data.subarray(labels[i] * units, (labels[i] + 1) * units);
    return scaleMaps(x, row(gain), row(bias));
  },

  /* Behind each sample's numbers stand those of its class. */
  join_class(x, { table }, labels) {
    const width = x.shape[0];
    const more = table.shape[1];
    const y = values(x.n, [width + more]);
    for (let i = 0; i < x.n; i++) {
      y.data.set(x.data.subarray(i * width, (i + 1) * width), i * (width + more));
      y.data.set(table.data.subarray(labels[i] * more, (labels[i] + 1) * more), i * (width + more) + width);
    }
    return y;
  },

  /* A learnt basis: each map is one number of x times a picture. */
  basis(x, { maps }) {
    const [count, height, width] = maps.shape;
    const y = values(x.n, [count, height, width]);
    for (let i = 0, at = 0; i < x.n * count; i++) {
      const from = (i % count) * height * width;
      for (let p = 0; p < height * width; p++) y.data[at++] = x.data[i] * maps.data[from + p];
    }
    return y;
  },

  plus(x, { bias }) {
    const size = bias.data.length;
    return map(x, (value, i) => value + bias.data[i % size]);
  },

  sum(x, { branches }, labels) {
    const [first, second] = branches.map((layers) => runLayers(layers, x, labels));
    return map(first, (value, i) => value + second.data[i]);
  },

  leaky_relu(x, { slope }) {
    const y = values(x.n, x.shape);
    for (let i = 0; i < x.data.length; i++) y.data[i] = x.data[i] > 0 ? x.data[i] : slope * x.data[i];
    return y;
  },

  relu: (x) => LAYERS.leaky_relu(x, { slope: 0 }),
  sigmoid: (x) => map(x, (value) => 1 / (1 + Math.exp(-value))),
  tanh: (x) => map(x, Math.tanh),
  reshape: (x, { shape }) => ({ data: x.data, n: x.n, shape }),

  /* Zeros around; a negative number crops. */
  pad(x, { sides }) {
    const [left, right, top, bottom] = sides;
    const [channels, height, width] = x.shape;
    const y = values(x.n, [channels, height + top + bottom, width + left + right]);
    const [, tall, wide] = y.shape;
    const begin = Math.max(0, -left);
    const end = width - Math.max(0, -right);
    for (let m = 0; m < x.n * channels; m++) {
      for (let row = Math.max(0, -top); row < height - Math.max(0, -bottom); row++) {
        const line = x.data.subarray((m * height + row) * width + begin, (m * height + row) * width + end);
        y.data.set(line, (m * tall + row + top) * wide + Math.max(0, left));
      }
    }
    return y;
  },

  /* Each number twice along both sides. */
  repeat(x) {
    const [channels, height, width] = x.shape;
    const y = values(x.n, [channels, 2 * height, 2 * width]);
    for (let line = 0; line < x.n * channels * 2 * height; line++) {
      const from = (line >> 1) * width;
      for (let p = 0; p < 2 * width; p++) y.data[line * 2 * width + p] = x.data[from + (p >> 1)];
    }
    return y;
  },
};

const MOST = 1 << 20; // numbers of patches that are held at once

function runLayers(layers, x, labels) {
  return layers.reduce((value, layer) => LAYERS[layer.op](value, layer, labels), x);
}

function values(n, shape) {
  return { data: new Float32Array(n * shape.reduce((a, b) => a * b, 1)), n, shape };
}

function map(x, change) {
  const y = values(x.n, x.shape);
  for (let i = 0; i < x.data.length; i++) y.data[i] = change(x.data[i], i);
  return y;
}

function scaleMaps(x, gains, biases) {
  const y = values(x.n, x.shape);
  const area = x.shape.slice(1).reduce((a, b) => a * b, 1);
  for (let i = 0, at = 0; i < x.n; i++) {
    const [gain, bias] = [gains(i), biases(i)];
    for (let c = 0; c < x.shape[0]; c++) {
      for (let p = 0; p < area; p++, at++) y.data[at] = x.data[at] * gain[c] + bias[c];
    }
  }
  return y;
}

function addBias(y, bias) {
  const area = y.shape.slice(1).reduce((a, b) => a * b, 1);
  for (let m = 0, at = 0; m < y.n * y.shape[0]; m++) {
    for (let p = 0; p < area; p++) y.data[at++] += bias[m % bias.length];
  }
  return y;
}

/* C[i, j] = sum over k of A[i, k] B[j, k], for A (m, k), B (n, k) and lines of C that begin `pitch` numbers apart.
   Four by two sums run at once, so that each number that is read serves several products. */
function multiply(A, B, C, [m, n, k], pitch) {
  for (let i = 0; i < m; i += 4) {
    const a0 = i * k;
    const a1 = Math.min(i + 1, m - 1) * k;
    const a2 = Math.min(i + 2, m - 1) * k;
    const a3 = Math.min(i + 3, m - 1) * k;
    for (let j = 0; j < n; j += 2) {
      const b0 = j * k;
      const b1 = Math.min(j + 1, n - 1) * k;
      let c00 = 0, c01 = 0, c10 = 0, c11 = 0, c20 = 0, c21 = 0, c30 = 0, c31 = 0;
      for (let p = 0; p < k; p++) {
        const u = B[b0 + p];
        const v = B[b1 + p];
        let a = A[a0 + p];
        c00 += a * u;
        c01 += a * v;
        a = A[a1 + p];
        c10 += a * u;
        c11 += a * v;
        a = A[a2 + p];
        c20 += a * u;
        c21 += a * v;
        a = A[a3 + p];
        c30 += a * u;
        c31 += a * v;
      }
      const sums = [c00, c01, c10, c11, c20, c21, c30, c31];
      for (let r = 0; r < 4 && i + r < m; r++) {
        C[(i + r) * pitch + j] = sums[2 * r];
        if (j + 1 < n) C[(i + r) * pitch + j + 1] = sums[2 * r + 1];
      }
    }
  }
}

/* (groups, depth, size) -> (groups, size, depth). */
function turn(data, groups, depth, size) {
  const turned = new Float32Array(data.length);
  for (let g = 0, at = 0; g < groups; g++) {
    for (let s = 0; s < size; s++) {
      for (let d = 0; d < depth; d++) turned[at++] = data[(g * depth + d) * size + s];
    }
  }
  return turned;
}

/* What the kernel reads for each output pixel of some lines: (lines * across, depth * rows * columns). */
function gather(input, [depth, height, width], patches, { rows, columns, stride, padding, first, count, across }) {
  let at = 0;
  for (let line = first; line < first + count; line++) {
    for (let pixel = 0; pixel < across; pixel++) {
      for (let c = 0; c < depth; c++) {
        for (let r = 0; r < rows; r++) {
          const y = line * stride[0] - padding[0] + r;
          const from = (c * height + y) * width;
          for (let s = 0; s < columns; s++) {
            const x = pixel * stride[1] - padding[1] + s;
            patches[at++] = y >= 0 && y < height && x >= 0 && x < width ? input[from + x] : 0;
          }
        }
      }
    }
  }
}

/* Adds what each input pixel gives to each output pixel; patches are (maps * rows * columns, count). */
function scatter(patches, output, [maps, height, width], { rows, columns, stride, padding, first, across, count }) {
  for (let q = 0, at = 0; q < maps * rows * columns; q++) {
    const map = Math.floor(q / (rows * columns));
    const r = Math.floor(q / columns) % rows;
    const s = q % columns;
    for (let p = 0; p < count; p += across) {
      const y = (first + p / across) * stride[0] - padding[0] + r;
      if (y < 0 || y >= height) {
        at += across;
        continue;
      }
      const to = (map * height + y) * width;
      for (let pixel = 0; pixel < across; pixel++, at++) {
        const x = pixel * stride[1] - padding[1] + s;
        if (x >= 0 && x < width) output[to + x] += patches[at];
      }
    }
  }
}

/* From what the network emits to [0, 1], by the transform that its data went through. */
const BACK = {
  unit: () => (value) => value,
  symmetric: () => (value) => (value + 1) / 2,
  contrast(sample) {
    const largest = Math.max(sample.reduce((most, value) => Math.max(most, Math.abs(value)), 0), 1.2e-38);
    return (value) => (value / largest + 1) / 2;
  },
};

/* Pixels of samples as a canvas has them, 4 bytes each: grey, grey and alpha, RGB, or RGB and alpha. */
function toPixels({ data, n, shape }, transform) {
  const [channels, height, width] = shape;
  const area = height * width;
  const pixels = new Uint8ClampedArray(n * area * 4);
  const [red, green, blue, alpha] = [[0, 0, 0], [0, 0, 0, 1], [0, 1, 2], [0, 1, 2, 3]][channels - 1];
  for (let i = 0; i < n; i++) {
    const sample = data.subarray(i * channels * area, (i + 1) * channels * area);
    const back = BACK[transform](sample);
    const level = (c, p) => Math.floor(255 * Math.min(1, Math.max(0, back(sample[c * area + p]))) + 0.5);
    for (let p = 0; p < area; p++) {
      const at = 4 * (i * area + p);
      pixels[at] = level(red, p);
      pixels[at + 1] = level(green, p);
      pixels[at + 2] = level(blue, p);
      pixels[at + 3] = alpha === undefined ? 255 : level(alpha, p);
    }
  }
  return pixels;
}

/* The list of layers with the numbers of its tensors; a tensor is written as { kind, at, shape }, `at` in bytes. */
function readLayers(layers, bytes) {
  if (Array.isArray(layers)) return layers.map((layer) => readLayers(layer, bytes));
  if (layers === null || typeof layers !== "object") return layers;
  if ("kind" in layers) return { data: readTensor(layers, bytes), shape: layers.shape };
  return Object.fromEntries(Object.entries(layers).map(([name, value]) => [name, readLayers(value, bytes)]));
}

function readTensor({ kind, at, shape }, bytes) {
  const count = shape.reduce((a, b) => a * b, 1);
  if (kind === "float32") return new Float32Array(bytes, at, count);
  return Float32Array.from(new Uint16Array(bytes, at, count), (bits) => HALVES[bits]);
}

/* The value of every number of half precision: 1 sign, 5 exponent and 10 fraction bits. */
const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
});

/* What answers messages, in a worker or in the page itself: the layers first, then noises and labels. */
function openGenerator({ layers, transform, latent }, bytes) {
  const read = readLayers(layers, bytes);
  return (z, labels) => {
    const emitted = runLayers(read, { data: z, n: z.length / latent.size, shape: [latent.size] }, labels);
    return toPixels(emitted, transform);
  };
}

if (typeof WorkerGlobalScope !== "undefined") {
  let generate;
  self.onmessage = ({ data: { id, open, z, labels } }) => {
    if (open) generate = openGenerator(open.model, open.bytes);
    else {
      const pixels = generate(z, labels);
      self.postMessage({ id, pixels }, [pixels.buffer]);
    }
  };
}
