// Numbers as numpy has them.  A plane is {width, height, data}, row by row; a picture has `channels` as well.

export const plane = (width, height, data = new Float32Array(width * height)) => ({ width, height, data });

export const clip = (value, low, high) => Math.min(Math.max(value, low), high);

// To the nearest whole number, halves to the even one.
export function rint(value) {
  const floor = Math.floor(value), rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

// An array of another kind from each value and its place; the engine's own Uint8Array.from takes ten times as long.
export function made(Kind, values, from) {
  const all = new Kind(values.length);
  for (let place = 0; place < all.length; place += 1) all[place] = from(values[place], place);
  return all;
}

// 1 where a value is above the edge.
export const above = (edge, { width, height, data }) => plane(width, height, made(Uint8Array, data, (value) => value > edge));

// Strength 0..1 as grey levels.
export function inBytes({ width, height, data }) {
  return plane(width, height, made(Uint8Array, data, (value) => rint(Math.fround(255 * clip(value, 0, 1)))));
}

// With `margin` of nothing around it.
export function padded({ width, height, data }, margin) {
  const wide = width + 2 * margin, larger = new data.constructor(wide * (height + 2 * margin));
  for (let y = 0; y < height; y += 1) larger.set(data.subarray(y * width, (y + 1) * width), (y + margin) * wide + margin);
  return plane(wide, height + 2 * margin, larger);
}

export function cropped({ width, height, data, channels = 1 }, left, top, right, bottom) {
  const wide = channels * (right - left), part = new data.constructor(wide * (bottom - top));
  for (let y = top; y < bottom; y += 1) {
    const start = channels * (y * width + left);
    part.set(data.subarray(start, start + wide), (y - top) * wide);
  }
  return { width: right - left, height: bottom - top, data: part, channels };
}

export function sum(values) {
  let total = 0;
  for (let place = 0; place < values.length; place += 1) total += values[place];
  return total;
}

export function maximum(values) {
  let most = -Infinity;
  for (let place = 0; place < values.length; place += 1) if (values[place] > most) most = values[place];
  return most;
}

// Of a Float32Array or Float64Array, not empty; with the precision of its values.
export function median(values) {
  const copy = values.slice(), middle = copy.length >> 1, upper = select(copy, middle);
  if (copy.length % 2) return upper;
  const lower = maximum(copy.subarray(0, middle));
  copy[0] = lower + upper;
  copy[0] /= 2;
  return copy[0];
}

// Between the two nearest values in proportion.
export function percentile(values, percent) {
  const copy = values.slice(), place = (percent / 100) * (copy.length - 1), below = Math.floor(place);
  const high = select(copy, Math.min(below + 1, copy.length - 1));
  const low = below + 1 < copy.length ? maximum(copy.subarray(0, below + 1)) : high;
  return low + (high - low) * (place - below);
}

// The value that sorting would bring to `wanted`; what is before it afterwards is no larger.  Source: Hoare 1961.
function select(values, wanted) {
  for (let low = 0, high = values.length - 1; low < high; ) {
    const pivot = values[(low + high) >> 1];
    let left = low, right = high;
    while (left <= right) {
      while (values[left] < pivot) left += 1;
      while (values[right] > pivot) right -= 1;
      if (left > right) break;
      const moved = values[left];
      values[left] = values[right];
      values[right] = moved;
      left += 1;
      right -= 1;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else break;
  }
  return values[wanted];
}

// Rows and columns with anything in them, ends exclusive; null: there is nothing.
export function boxOf({ width, height, data }, isIn = (value) => value) {
  let left = width, right = 0, top = height, bottom = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!isIn(data[y * width + x])) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  }
  return right ? { left, right, top, bottom } : null;
}

// Where the values of a plane have their centre of mass, (x, y) in pixels from its corner.
export function centreOfMass({ width, data }) {
  let total = 0, across = 0, down = 0;
  for (let place = 0; place < data.length; place += 1) {
    const value = data[place];
    if (!value) continue;
    total += value;
    across += value * ((place % width) + 0.5);
    down += value * (Math.floor(place / width) + 0.5);
  }
  return [across / total, down / total];
}
