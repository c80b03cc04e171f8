// From a picture to the ink that stands on it: which grey, how the light falls, which is bright.  As data/paper.py.

import { clip, made, median, percentile, plane, rint, sum } from "./numbers.js";
import { resized } from "./resampling.js";

export const LEAST_CONTRAST = 20;
const NOISES = 4, LEAST_FLOOR = 8, BETTER_COLOUR = 1.5, RING = 0.04, EVEN_SPREAD = 3, EVEN_SHARE = 0.5, COARSE = 48, WIDE_MEDIAN = 17;
const ROUNDS = 8, LEFT_OUT = 2, NOISY = 2, SMOOTHING = 400, DARKEST_PAPER = 24, SPREAD = 1.4826;
const NOTHING = 1e-10; // of the largest: what is left of a column that is the sum of others
const single = Math.fround; // numpy computes with float32 here

// Of a picture with one or three channels: luminance, or the one colour in which the ink stands out far better.
export function greyOf({ width, height, data, channels }) {
  const grey = plane(width, height, new Float32Array(channels === 1 ? data : luminance(data)));
  if (channels === 1) return { grey, which: "grey" };
  if (isGrey(data)) return { grey, which: "luminance" }; // no colour can be far better
  let best = -1, which = "luminance", most = BETTER_COLOUR * reach(grey, (place) => grey.data[place]);
  ["red", "green", "blue"].forEach((name, channel) => {
    const far = reach(grey, (place) => data[3 * place + channel]);
    if (far > Math.max(most, LEAST_CONTRAST)) [best, which, most] = [channel, name, far];
  });
  return { grey: best < 0 ? grey : plane(width, height, made(Float32Array, grey.data, (_, place) => data[3 * place + best])), which };
}

function isGrey(data) {
  for (let place = 0; place < data.length; place += 3) if (data[place] !== data[place + 1] || data[place] !== data[place + 2]) return false;
  return true;
}

// ITU-R 601-2, in whole numbers as Pillow has it.
export function luminance(data) {
  const weighed = (_, place) => (19595 * data[3 * place] + 38470 * data[3 * place + 1] + 7471 * data[3 * place + 2] + 0x8000) >> 16;
  return made(Uint8Array, new Uint8Array(data.length / 3), weighed);
}

// How far the furthest hundredth of the pixels is from the median.
function reach({ width, height }, valueAt) {
  const down = Math.max(1, Math.floor(height / 128)), across = Math.max(1, Math.floor(width / 128));
  const some = new Float32Array(Math.ceil(height / down) * Math.ceil(width / across));
  for (let y = 0, place = 0; y < height; y += down) for (let x = 0; x < width; x += across, place += 1) some[place] = valueAt(y * width + x);
  return percentile(deviations(some), 99);
}

function deviations(values) {
  const middle = median(values);
  return values.map((value) => Math.abs(value - middle));
}

// What is written: strength 0 (paper) to 1 (ink), which side is bright, and the grey levels between them.
export function findInk(grey) {
  const { width, height } = grey, { light, isEven } = lightOf(grey);
  let difference = plane(width, height, grey.data.map((value, place) => value - light.data[place])), noise = SPREAD * median(deviations(difference.data));
  if (noise > NOISY) {
    difference = blurred(difference, Math.max(width, height) / SMOOTHING);
    noise = SPREAD * median(deviations(difference.data));
  }
  const floor = Math.max(LEAST_FLOOR, NOISES * noise);
  const isBright = sum(difference.data.map((value) => Math.max(value - floor, 0) - Math.max(-value - floor, 0))) > 0;
  const contrast = difference.data.map((value, place) => clip(isBright ? value : -value * single(255 / Math.max(light.data[place], DARKEST_PAPER)), 0, 255));
  const level = inkLevel(contrast, floor), start = single(floor / 2), full = single(Math.max(level - floor / 2, LEAST_CONTRAST / 2));
  const strength = plane(width, height, contrast.map((value) => clip(single(value - start) / full, 0, 1)));
  return { strength, isBright, isEven, contrast: level > floor ? level : 0 };
}

// The paper without ink, and whether it is even.
export function lightOf(grey) {
  const { width, height, data } = grey, ring = ringOf(grey), usual = median(ring), spread = SPREAD * median(deviations(ring));
  const numUsual = sum(made(Uint8Array, data, (value) => Math.abs(value - usual) <= 2 * EVEN_SPREAD));
  if (spread <= EVEN_SPREAD && numUsual / data.length >= EVEN_SHARE) return { light: plane(width, height, new Float32Array(data.length).fill(usual)), isEven: true };
  const scale = Math.min(1, COARSE / Math.max(width, height));
  const coarse = resized(grey, Math.max(2, rint(width * scale)), Math.max(2, rint(height * scale)), "box"), surface = smoothSurface(coarse);
  const rest = coarse.data.map((value, place) => Math.trunc(clip(single(value - surface[place]) + 128, 0, 255)));
  const wide = wideMedian(plane(coarse.width, coarse.height, rest));
  const light = plane(coarse.width, coarse.height, surface.map((value, place) => single(value + wide[place]) - 128));
  return { light: resized(light, width, height, "bicubic"), isEven: false };
}

function ringOf({ width, height, data }) {
  const wide = Math.max(1, rint(RING * Math.min(width, height))), ring = new Float32Array(2 * wide * (width + height));
  ring.set(data.subarray(0, wide * width));
  ring.set(data.subarray(-wide * width), wide * width);
  for (let y = 0, start = 2 * wide * width; y < height; y += 1, start += 2 * wide) {
    ring.set(data.subarray(y * width, y * width + wide), start);
    ring.set(data.subarray((y + 1) * width - wide, (y + 1) * width), start + wide);
  }
  return ring;
}

// A polynomial, fourth degree in radius and second in place, through the pixels that are paper.
function smoothSurface({ width, height, data }) {
  const at = (place, side) => -1 + place * (2 / (side - 1));
  const basis = Array.from(data, (_, place) => {
    const column = at(place % width, width), row = at(Math.floor(place / width), height), radius = row ** 2 + column ** 2;
    return [1, row, column, row * column, row ** 2, column ** 2, radius ** 2];
  });
  let kept = [...data.keys()], fitted;
  for (let round = 0; round < ROUNDS; round += 1) {
    const factors = leastSquares(kept.map((place) => basis[place]), kept.map((place) => data[place]));
    fitted = basis.map((terms) => terms.reduce((all, term, k) => all + term * factors[k], 0));
    const far = deviations(Float64Array.from(data, (value, place) => value - fitted[place])), most = LEFT_OUT * Math.max(1, SPREAD * median(far));
    kept = [...data.keys()].filter((place) => far[place] <= most);
    if (kept.length < 4 * basis[0].length) break;
  }
  return Float32Array.from(fitted);
}

// The factors of the columns of `rows` whose sum is nearest to `values`: the normal equations, by Gauss and Jordan.  A
// column that the others make up (on a picture of two rows, row ** 2 is 1 everywhere) gets the factor 0: the sum is the same.
function leastSquares(rows, values) {
  const size = rows[0].length, table = Array.from({ length: size }, () => new Float64Array(size + 1));
  rows.forEach((row, place) => {
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j < size; j += 1) table[i][j] += row[i] * row[j];
      table[i][size] += row[i] * values[place];
    }
  });
  const least = NOTHING * Math.max(...table.map((row, k) => row[k])), left = new Set(table.keys()), factors = new Float64Array(size), rowOf = new Map();
  for (let k = 0; k < size; k += 1) {
    const pivot = [...left].reduce((most, i) => (Math.abs(table[i][k]) > Math.abs(table[most][k]) ? i : most)), strength = table[pivot][k];
    if (Math.abs(strength) <= least) continue;
    left.delete(pivot);
    rowOf.set(k, pivot);
    table[pivot] = table[pivot].map((value) => value / strength);
    for (let i = 0; i < size; i += 1) if (i !== pivot) table[i] = table[i].map((value, j) => value - table[i][k] * table[pivot][j]);
  }
  for (const [k, pivot] of rowOf) factors[k] = table[pivot][size];
  return factors;
}

// The median of the square around each pixel, the edge's pixels repeated outwards.
function wideMedian({ width, height, data }) {
  const half = WIDE_MEDIAN >> 1, around = new Float32Array(WIDE_MEDIAN ** 2);
  return data.map((_, place) => {
    const x = place % width, y = Math.floor(place / width);
    let count = 0;
    for (let dy = -half; dy <= half; dy += 1) {
      const start = clip(y + dy, 0, height - 1) * width;
      for (let dx = -half; dx <= half; dx += 1, count += 1) around[count] = data[start + clip(x + dx, 0, width - 1)];
    }
    return median(around);
  });
}

// As scipy's gaussian_filter: four spreads wide, mirrored at the edges, columns first.
function blurred({ width, height, data }, spread) {
  const wide = Math.trunc(4 * spread + 0.5), bell = Float64Array.from({ length: wide + 1 }, (_, far) => Math.exp((-0.5 / spread ** 2) * far ** 2));
  const total = bell[0] + 2 * sum(bell.subarray(1)), weights = bell.map((value) => value / total);
  const down = mixed(data, weights, { lines: width, length: height, step: width, apart: 1 });
  return plane(width, height, mixed(down, weights, { lines: height, length: width, step: 1, apart: width }));
}

// Along each of the lines that lie `apart` in the data, whose own values are a `step` from each other.
function mixed(data, weights, { lines, length, step, apart }) {
  const wide = weights.length - 1, blurred = new Float32Array(data.length), line = new Float64Array(length + 2 * wide);
  for (let number = 0; number < lines; number += 1) {
    for (let place = 0; place < line.length; place += 1) line[place] = data[number * apart + mirrored(place - wide, length) * step];
    for (let place = 0; place < length; place += 1) {
      let sum = line[place + wide] * weights[0];
      for (let far = wide; far > 0; far -= 1) sum += (line[place + wide - far] + line[place + wide + far]) * weights[far];
      blurred[number * apart + place * step] = sum;
    }
  }
  return blurred;
}

function mirrored(place, length) {
  const turned = ((place % (2 * length)) + 2 * length) % (2 * length);
  return turned < length ? turned : 2 * length - 1 - turned;
}

// Grey levels of the ink itself: the middle of the upper group among what is no noise; 0: there is none.
function inkLevel(contrast, floor) {
  const values = contrast.filter((value) => value > single(floor));
  if (!values.length) return 0;
  const counts = new Float64Array(256);
  for (const value of values) counts[Math.trunc(value)] += 1;
  const start = upperGroup(counts);
  return median(values.filter((value) => value >= start));
}

// Where the upper of two groups of values begins, by how many there are of each.  Source: Otsu 1979.
function upperGroup(counts) {
  const all = sum(counts), whole = sum(counts.map((count, value) => count * value));
  let best = 0, most = -1, below = 0, sums = 0;
  counts.forEach((count, value) => {
    below += count;
    sums += count * value;
    const above = all - below, between = below * above * (sums / below - (whole - sums) / above) ** 2;
    if ((between || 0) > most) [best, most] = [value, between || 0];
  });
  return best + (counts.filter((count) => count > 0).length > 1 ? 1 : 0);
}
