// Pictures made smaller and larger by Pillow's arithmetic, bit for bit: a canvas's own differs from browser to browser.
//
// Bytes are weighed by whole numbers, floats by doubles; rows are made shorter first, then columns.  Newer Pillows turn
// that order about for tall narrow pictures, which can be one grey level.
// Source: Pillow, src/libImaging/Resample.c and Reduce.c.

import { clip } from "./numbers.js";

const PRECISION = 2 ** 22; // of the weights for bytes
const FILTERS = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
};

function cubic(x) {
  const a = -0.5, far = Math.abs(x);
  if (far < 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
  return far < 2 ? (((far - 5) * far + 8) * far - 4) * a : 0;
}

// A picture or plane of bytes or float32, width x height large.  `box` (left, top, right, bottom): the part of it that
// is taken; `gap`: pictures more than 2 * gap times as large are first brought near by whole factors (reducing_gap).
export function resized(source, width, height, filter, { box = [0, 0, source.width, source.height], gap = Infinity } = {}) {
  const across = Math.floor((box[2] - box[0]) / width / gap) || 1, down = Math.floor((box[3] - box[1]) / height / gap) || 1;
  if (across > 1 || down > 1) {
    const parts = [across, down, across, down];
    return resized(reduced(source, across, down), width, height, filter, { box: box.map((edge, place) => edge / parts[place]) });
  }
  const [left, top, right, bottom] = box.map(Math.fround), { channels = 1 } = source;
  let made = source;
  if (width !== source.width || left || right !== width) made = weighed(made, weightsOf(source.width, left, right, width, filter), width, source.height, true, channels);
  if (height !== source.height || top || bottom !== height) made = weighed(made, weightsOf(source.height, top, bottom, height, filter), width, height, false, channels);
  return made;
}

// For each new pixel: the first of the old ones that it is made of, and their weights.
function weightsOf(size, start, end, newSize, filter) {
  const { support, weight } = FILTERS[filter], scale = Math.fround(end - start) / newSize;
  const spread = Math.max(1, scale), reach = support * spread;
  return Array.from({ length: newSize }, (_, place) => {
    const centre = start + (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5)), last = Math.min(size, Math.trunc(centre + reach + 0.5));
    const weights = Array.from({ length: last - first }, (_, k) => weight((k + first - centre + 0.5) * (1 / spread)));
    const total = weights.reduce((all, each) => all + each, 0);
    return { first, weights: total ? weights.map((each) => each / total) : weights };
  });
}

// One pass, along rows or along columns.
function weighed(source, all, width, height, isAcross, channels) {
  const { data } = source, isBytes = !(data instanceof Float32Array), made = new data.constructor(width * height * channels);
  const step = isAcross ? channels : source.width * channels;
  for (const each of all) if (isBytes) each.weights = each.weights.map((weight) => Math.trunc(weight * PRECISION + (weight < 0 ? -0.5 : 0.5)));
  for (let y = 0, place = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const { first, weights } = all[isAcross ? x : y];
      const start = (isAcross ? y * source.width + first : first * source.width + x) * channels;
      for (let channel = 0; channel < channels; channel += 1, place += 1) {
        let sum = isBytes ? PRECISION / 2 : 0;
        for (let k = 0, from = start + channel; k < weights.length; k += 1, from += step) sum += data[from] * weights[k];
        made[place] = isBytes ? clip(Math.floor(sum / PRECISION), 0, 255) : sum;
      }
    }
  }
  return { width, height, data: made, channels };
}

// Bytes made smaller by whole factors: each new pixel is the mean of those that it covers.
function reduced({ width, height, data, channels = 1 }, across, down) {
  const wide = Math.ceil(width / across), high = Math.ceil(height / down), made = new data.constructor(wide * high * channels);
  for (let y = 0, place = 0; y < high; y += 1) {
    const rows = Math.min(down, height - y * down);
    for (let x = 0; x < wide; x += 1) {
      const columns = Math.min(across, width - x * across), count = rows * columns;
      const factor = Math.trunc(Math.fround(2 ** 32 / Math.fround(256 * count)));
      for (let channel = 0; channel < channels; channel += 1, place += 1) {
        let sum = count >> 1;
        for (let row = 0; row < rows; row += 1) {
          const start = ((y * down + row) * width + x * across) * channels + channel;
          for (let column = 0; column < columns; column += 1) sum += data[start + column * channels];
        }
        made[place] = Math.floor((sum * factor) / 2 ** 24);
      }
    }
  }
  return { width: wide, height: high, data: made, channels };
}
