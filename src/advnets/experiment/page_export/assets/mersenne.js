"use strict";
/* Random numbers as torch's generator on a CPU draws them, so that a seed means here what --seed means in Python.

   M. Matsumoto, T. Nishimura, "Mersenne twister" (1998), MT19937, and torch's ways from its words to numbers:
   - uniform float32: the lowest 24 bits of a word, over 2^24;
   - normal, fewer than 16 numbers: Box-Muller in double precision, two words to each of two uniforms, both results used;
   - normal, 16 or more: blocks of 16 uniforms u of float32, where u[j] and u[j + 8] make the numbers j and j + 8; if the
     count is no multiple of 16, the last 16 numbers are drawn anew. */

class Mersenne {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = seed; // modulo 2^32, as torch takes it
    for (let i = 1; i < 624; i++) {
      const last = this.state[i - 1];
      this.state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
    this.at = 624;
  }

  word() {
    if (this.at === 624) this.twist();
    let y = this.state[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const state = this.state;
    for (let i = 0; i < 624; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
      state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }

  /* float32 in [0, 1). */
  uniform() {
    return (this.word() & 0xffffff) / 16777216;
  }

  /* Double in [0, 1): the lowest 53 bits of two words, the first of which is the higher one. */
  uniformDouble() {
    const high = this.word() & 0x1fffff;
    return (high * 4294967296 + this.word()) / 9007199254740992;
  }

  normals(count) {
    const values = new Float32Array(count);
    return count < 16 ? this.fewNormals(values) : this.manyNormals(values);
  }

  fewNormals(values) {
    for (let i = 0; i < values.length; i += 2) {
      const angle = 2 * Math.PI * this.uniformDouble();
      const radius = Math.sqrt(-2 * Math.log1p(-this.uniformDouble()));
      values[i] = radius * Math.cos(angle);
      if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
    }
    return values;
  }

  manyNormals(values) {
    const count = values.length;
    for (let i = 0; i < count; i++) values[i] = this.uniform();
    for (let i = 0; i + 16 <= count; i += 16) toNormals(values.subarray(i, i + 16));
    if (count % 16) {
      const last = values.subarray(count - 16);
      for (let i = 0; i < 16; i++) last[i] = this.uniform();
      toNormals(last);
    }
    return values;
  }
}

function toNormals(block) {
  for (let j = 0; j < 8; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - block[j]));
    const angle = 2 * Math.PI * block[j + 8];
    block[j] = radius * Math.cos(angle);
    block[j + 8] = radius * Math.sin(angle);
  }
}

/* z of n samples, (n, size): what `advnets sample -n N --seed SEED` draws. The end of each z may be a code. */
function drawNoises(latent, n, seed) {
  const { size, name, categories, continuous } = latent;
  const rng = new Mersenne(seed);
  const own = size - categories - continuous;
  const z = new Float32Array(n * size);
  const prior = name === "uniform" ? uniforms(rng, n * own, Math.sqrt(3)) : rng.normals(n * own);
  for (let i = 0; i < n; i++) z.set(prior.subarray(i * own, (i + 1) * own), i * size);
  if (categories) for (let i = 0; i < n; i++) z[i * size + own + (rng.word() % categories)] = 1;
  const ends = uniforms(rng, n * continuous, 1);
  for (let i = 0; i < n; i++) {
    z.set(ends.subarray(i * continuous, (i + 1) * continuous), (i + 1) * size - continuous);
  }
  return z;
}

function uniforms(rng, count, half) {
  return Float32Array.from({ length: count }, () => Math.fround(2 * rng.uniform() - 1) * Math.fround(half));
}

/* z on the way from p to q, t of it behind: along the sphere for a Gaussian z, straight for a uniform one and a code. */
function interpolateNoises(latent, p, q, t) {
  const own = latent.size - latent.categories - latent.continuous;
  const spherical = latent.name === "gaussian" ? sphericalWeights(p.subarray(0, own), q.subarray(0, own), t) : null;
  return Float32Array.from(p, (value, i) => {
    const [a, b] = spherical && i < own ? spherical : [1 - t, t];
    return a * value + b * q[i];
  });
}

function sphericalWeights(p, q, t) {
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const angle = Math.acos(Math.max(-1, Math.min(1, dot(p, q) / Math.sqrt(dot(p, p) * dot(q, q)))));
  const sine = Math.sin(angle);
  return sine > 1e-6 ? [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine] : null;
}
