// What is written: which connected pieces of ink belong to it, and how many things there are.  As data/marks.py.

import { cropped, made, maximum, plane } from "./numbers.js";

const SPECK_SHARE = 0.015, LEAST_LENGTH = 0.03, LONG = 0.55, MARGIN = 0.12, CLEAR = 0.03, AROUND = 0.25;
const APART_X = 0.07, APART_Y = 0.25, STRAY_LENGTH = 0.4, MOST_PIECES = 400;

// Of ink: the largest thing, how many there are, and how many pieces are no writing.
export function findMarks(mask) {
  const { numbers, writing, numPieces } = findWriting(mask);
  if (!writing.length) return { mask: plane(mask.width, mask.height, new Uint8Array(mask.data.length)), numThings: 0, numDropped: numPieces };
  const first = largest(writing, (thing) => thing.reduce((all, piece) => all + piece.pixels, 0));
  const numKept = writing.reduce((all, thing) => all + thing.length, 0);
  return { mask: onlyThese(first, numbers), numThings: writing.length, numDropped: numPieces - numKept };
}

// Everything that is written, in reading order: boxes in whole pixels, ends exclusive, each with its own ink.
export function findThings(mask) {
  const { numbers, writing } = findWriting(mask);
  const found = writing.map((pieces) => {
    const box = around(pieces), { left, top, right, bottom } = box;
    return { ...box, mask: cropped(onlyThese(pieces, numbers), left, top, right, bottom) };
  });
  return readingOrder(found.map((each) => [each.left, each.top, each.right, each.bottom])).map((place) => found[place]);
}

// Places of boxes line by line; a box whose middle is as high as some box of a line is in that line.
export function readingOrder(boxes) {
  const lines = [], by = (low, high) => (one, other) => boxes[one][low] + boxes[one][high] - boxes[other][low] - boxes[other][high];
  for (const place of [...boxes.keys()].sort(by(1, 3))) {
    const middle = (boxes[place][1] + boxes[place][3]) / 2;
    const own = lines.find((line) => line.some((each) => boxes[each][1] <= middle && middle <= boxes[each][3]));
    if (own) own.push(place);
    else lines.push([place]);
  }
  return lines.flatMap((line) => line.sort(by(0, 2)));
}

function findWriting(mask) {
  const { numbers, sizes } = numbered(mask, true), pieces = piecesOf(numbers, sizes);
  const kept = withoutFrames(withoutSpecks(pieces, mask), mask), things = kept.length ? inThings(kept) : [];
  const length = maximum(things.map((thing) => lengthOf(around(thing))));
  const writing = things.filter((thing) => lengthOf(around(thing)) >= STRAY_LENGTH * length);
  return { numbers, writing, numPieces: pieces.length };
}

// Each connected piece of a mask gets a number from 1 on, in the order of rows; `sizes` are their pixels.
export function numbered({ width, height, data }, hasCorners) {
  const numbers = new Int32Array(data.length), sizes = [0], waiting = new Int32Array(data.length);
  for (let start = 0; start < data.length; start += 1) {
    if (!data[start] || numbers[start]) continue;
    const number = sizes.length;
    let count = 1;
    waiting[0] = start;
    numbers[start] = number;
    for (let next = 0; next < count; next += 1) {
      const x = waiting[next] % width, y = (waiting[next] - x) / width;
      for (let dy = y ? -1 : 0; dy <= (y + 1 < height ? 1 : 0); dy += 1) {
        for (let dx = x ? -1 : 0; dx <= (x + 1 < width ? 1 : 0); dx += 1) {
          const near = waiting[next] + dy * width + dx;
          if (!data[near] || numbers[near] || (dx && dy && !hasCorners)) continue;
          numbers[near] = number;
          waiting[count] = near;
          count += 1;
        }
      }
    }
    sizes.push(count);
  }
  return { numbers: plane(width, height, numbers), sizes };
}

function piecesOf({ width, data }, sizes) {
  const pieces = sizes.map((pixels, number) => ({ number, pixels, left: Infinity, top: Infinity, right: 0, bottom: 0 }));
  data.forEach((number, place) => {
    if (!number) return;
    const piece = pieces[number], x = place % width, y = (place - x) / width;
    if (x < piece.left) piece.left = x;
    if (x >= piece.right) piece.right = x + 1;
    if (y < piece.top) piece.top = y;
    piece.bottom = y + 1;
  });
  return pieces.slice(1);
}

const lengthOf = (box) => Math.max(box.right - box.left, box.bottom - box.top);
const largest = (all, size) => all.reduce((most, each) => (size(each) > size(most) ? each : most));

function around(boxes) {
  const ends = (how, side) => boxes.map((box) => box[side]).reduce((one, other) => how(one, other));
  return { left: ends(Math.min, "left"), top: ends(Math.min, "top"), right: ends(Math.max, "right"), bottom: ends(Math.max, "bottom") };
}

function onlyThese(pieces, { width, height, data }) {
  const wanted = new Uint8Array(maximum(data) + 1);
  for (const piece of pieces) wanted[piece.number] = 1;
  return plane(width, height, made(Uint8Array, data, (number) => wanted[number]));
}

function withoutSpecks(pieces, { width, height }) {
  const least = Math.max(2, LEAST_LENGTH * Math.max(width, height));
  const most = maximum(pieces.filter((piece) => lengthOf(piece) >= least).map((piece) => piece.pixels));
  if (!(most > 0)) return [];
  const kept = pieces.filter((piece) => piece.pixels >= Math.max(2, SPECK_SHARE * most));
  if (kept.length <= MOST_PIECES) return kept;
  const largest = [...kept].sort((one, other) => other.pixels - one.pixels).slice(0, MOST_PIECES);
  return kept.filter((piece) => largest.includes(piece));
}

function withoutFrames(all, size) {
  const pieces = all.filter((frame) => !all.some((piece) => isAround(frame, piece)));
  const inner = pieces.filter((piece) => !touches(piece, size));
  if (!inner.length) return pieces;
  const main = largest(inner, (piece) => piece.pixels);
  return pieces.filter((piece) => inner.includes(piece) || !isBorder(piece, main, size));
}

function isAround(frame, piece) {
  const isInside = frame.top < piece.top && piece.bottom < frame.bottom && frame.left < piece.left && piece.right < frame.right;
  return isInside && lengthOf(piece) >= AROUND * lengthOf(frame);
}

const touches = (piece, { width, height }) => piece.top === 0 || piece.left === 0 || piece.bottom === height || piece.right === width;

function isBorder(piece, main, { width, height }) {
  const isLong = piece.bottom - piece.top >= LONG * height || piece.right - piece.left >= LONG * width;
  const isAlong = piece.bottom <= MARGIN * height || piece.top >= (1 - MARGIN) * height || piece.right <= MARGIN * width || piece.left >= (1 - MARGIN) * width;
  const isClear = Math.max(...gaps(piece, main)) >= CLEAR * Math.max(width, height);
  return (isAlong && isClear) || (isLong && (isClear || isAround(piece, main)));
}

// Empty columns and empty rows between two boxes; below 0: they overlap.
function gaps(one, other) {
  return [Math.max(one.left, other.left) - Math.min(one.right, other.right), Math.max(one.top, other.top) - Math.min(one.bottom, other.bottom)];
}

function inThings(pieces) {
  const length = maximum(pieces.map(lengthOf));
  const areNear = (one, other) => {
    const [across, down] = gaps(one, other);
    return across <= APART_X * length && down <= APART_Y * length;
  };
  return pieces.reduce((groups, piece) => {
    const near = groups.filter((group) => group.some((other) => areNear(piece, other)));
    return [...groups.filter((group) => !near.includes(group)), [piece, ...near.flat()]];
  }, []);
}
