// Strokes of a pen as a mask: how thick they are, and the same strokes thicker or thinner.  As data/strokes.py.

import { numbered } from "./marks.js";
import { clip, made, padded, plane, sum } from "./numbers.js";

const SOFT_EDGE = 0.5, SHARES = [1.0, 0.85, 0.7, 0.55, 0.4, 0.25], LEAST_LOOP = 0.004;

// Pixels across a stroke, in the mean over all ink.
export function thickness(mask) {
  const count = sum(mask.data);
  if (!count) return 0;
  const inside = distances(padded(mask, 1));
  return Math.max(1, 4 * (sum(inside) / count - 0.5));
}

// Ink 0..1 whose edges lie `pixels` further out, and how far they do: less where a loop would close or a stroke break.
export function changeWeight(mask, pixels) {
  const { width, height, data } = mask, paper = plane(width, height, data.map((ink) => 1 - ink));
  const outside = distances(paper), inside = distances(mask);
  const signed = outside.map((value, place) => value - inside[place] + (data[place] ? 0.5 : -0.5));
  const loops = countLoops(mask), parts = countParts(mask);
  const share = SHARES.find((each) => {
    const changed = plane(width, height, made(Uint8Array, signed, (value) => value < each * pixels));
    return changed.data.includes(1) && countLoops(changed) === loops && countParts(changed) <= parts;
  }) ?? 0;
  const moved = share * pixels;
  const ink = made(Float32Array, signed, (value) => clip((moved - value) / (2 * SOFT_EDGE) + 0.5, 0, 1));
  return { ink: plane(width, height, ink), moved };
}

const countParts = (mask) => numbered(mask, true).sizes.length - 1;

// How many pieces of paper the ink encloses, without holes that are only where ink is thin.
function countLoops({ width, height, data }) {
  const { sizes } = numbered(plane(width, height, data.map((ink) => 1 - ink)), false);
  return sizes.slice(1).filter((size) => size >= LEAST_LOOP * data.length).length - 1;
}

// From each pixel of a mask to the nearest that is not in it, exact.  Source: Felzenszwalb, Huttenlocher 2012.
function distances({ width, height, data }) {
  const far = 1e6, squares = new Float64Array(data.length); // first along columns
  for (let x = 0; x < width; x += 1) {
    for (let y = 0, run = far; y < height; y += 1) squares[y * width + x] = run = data[y * width + x] ? run + 1 : 0;
    for (let y = height - 1, run = far; y >= 0; y -= 1) {
      run = data[y * width + x] ? run + 1 : 0;
      squares[y * width + x] = Math.min(squares[y * width + x], run) ** 2;
    }
  }
  const tops = new Int32Array(width), edges = new Float64Array(width + 1), row = new Float64Array(width);
  for (let y = 0; y < height; y += 1) {
    row.set(squares.subarray(y * width, (y + 1) * width));
    let last = 0; // parabolas of the lower envelope
    tops[0] = 0;
    edges[0] = -Infinity;
    edges[1] = Infinity;
    for (let x = 1; x < width; x += 1) {
      const meets = () => (row[x] + x * x - row[tops[last]] - tops[last] ** 2) / (2 * (x - tops[last]));
      while (meets() <= edges[last]) last -= 1;
      edges[last + 1] = meets();
      last += 1;
      tops[last] = x;
      edges[last + 1] = Infinity;
    }
    for (let x = 0, piece = 0; x < width; x += 1) {
      while (edges[piece + 1] < x) piece += 1;
      squares[y * width + x] = Math.sqrt((x - tops[piece]) ** 2 + row[tops[piece]]);
    }
  }
  return squares;
}
