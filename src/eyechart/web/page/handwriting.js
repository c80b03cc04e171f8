// A stranger's photo, scan or drawing, brought to what a network learned from.  As data/handwriting.py, step for step and
// pixel for pixel; what is done, and why, stands there.  tests/web/test_preparing.py holds the two together.

import { measureInk, oddities, within } from "./ink_facts.js";
import { findMarks } from "./marks.js";
import { above, boxOf, centreOfMass, clip, cropped, inBytes, made, maximum, median, padded, plane, rint } from "./numbers.js";
import { LEAST_CONTRAST, findInk, greyOf, luminance } from "./paper.js";
import { resized } from "./resampling.js";
import { changeWeight, thickness } from "./strokes.js";

export const INK_EDGE = Math.fround(0.4), FINE_SIDE = 120;
const WORKING_SIDE = 400, NEAR = 0.3, ROOM = 0.6, WEIGHING_SIDE = 140, LEAST_MOVE = 0.25, PLACE_TOLERANCE = 0.5;
const LEAST_SHARE = 0.3, MOST_THINNER = 0.4, MOST_THICKER = 8, EVEN_LEVELS = 16;

// `picture`: {width, height, channels 1, 3 or 4, data}; `facts`: what the training images' ink looks like; `steps`: an
// array that each step is added to, if one is wanted.  Gives `pixels` (bytes, height x width), or `refusal`, which is
// "blank", "several" or "small"; and where in the picture the image begins, with the scale from one to the other.
export function prepare(picture, facts, height, width, steps) {
  steps?.push({ name: "as it came", picture, words: `${picture.width} x ${picture.height} pixels` });
  const opaque = onGround(picture, steps), found = look(opaque, steps), { numThings, mask } = found.marks;
  const refused = (refusal) => ({ pixels: null, refusal, numThings, corner: [0, 0], scale: 1 });
  const kept = opaque.width === width && opaque.height === height ? asTrained(opaque, found.ink, facts) : null;
  if (kept) {
    steps?.push({ name: "as trained", picture: plane(width, height, kept), words: "as the training images are: left as it is" });
    return { pixels: kept, refusal: null, numThings: 1, corner: [0, 0], scale: 1 };
  }
  if (!numThings) {
    steps?.push({ name: "blank", picture: inBytes(found.ink.strength), words: "nothing is written here" });
    return refused("blank");
  }
  steps?.push(marksStep(found));
  if (numThings > 1) return refused("several");
  const box = boxOf(mask);
  if (lengthOf(box) * found.scale < LEAST_SHARE * facts.box_side) return refused("small");
  const small = smallEnough(cropped(mask, box.left, box.top, box.right, box.bottom));
  const { ink, margin } = weighed(small.mask, facts, steps), placed = place(ink, facts, height, width);
  const pixels = facts.is_bright ? placed.pixels : placed.pixels.map((value) => 255 - value);
  const words = `box ${rint(facts.box_side)} pixels long, centre of ${facts.centred_by} where the training images have it`;
  steps?.push({ name: "size and place", picture: plane(width, height, pixels), words });
  const one = found.scale * small.scale; // of the picture's own pixels, for one of the ink's
  const corner = [
    found.corner[0] + box.left * found.scale + (placed.left - margin) * one,
    found.corner[1] + box.top * found.scale + (placed.top - margin) * one,
  ];
  return { pixels, refusal: null, numThings, corner, scale: placed.scale * one };
}

const lengthOf = (box) => Math.max(box.right - box.left, box.bottom - box.top);

// Find the writing, a second time from nearer where it is a small part of a large picture.
function look(opaque, steps) {
  const found = lookOnce(opaque, steps), { mask, numThings } = found.marks;
  if (numThings !== 1 || found.scale <= 1) return found;
  const box = boxOf(mask), side = lengthOf(box);
  if (side >= NEAR * Math.max(mask.width, mask.height)) return found;
  const [left, top] = [box.left, box.top].map((edge) => Math.max(0, rint((edge - ROOM * side) * found.scale)));
  const right = Math.min(opaque.width, rint((box.right + ROOM * side) * found.scale));
  const bottom = Math.min(opaque.height, rint((box.bottom + ROOM * side) * found.scale));
  const nearer = cropped(opaque, left, top, right, bottom);
  steps?.push({ name: "nearer", picture: nearer, words: "the part around the writing, at its own size" });
  return { ...lookOnce(nearer, steps), corner: [left, top] };
}

function lookOnce(opaque, steps) {
  const { picture, scale } = nearSize(opaque, WORKING_SIDE), { grey, which } = greyOf(picture), ink = findInk(grey);
  steps?.push({ name: "grey", picture: plane(grey.width, grey.height, Uint8Array.from(grey.data)), words: `${which}, ${grey.width} x ${grey.height} pixels` });
  const light = ink.isEven ? "even light" : "uneven light taken away", side = ink.isBright ? "ink is bright" : "ink is dark";
  steps?.push({ name: "ink", picture: inBytes(ink.strength), words: `${light}; ${side}; contrast ${rint(ink.contrast)} of 255` });
  return { ink, marks: findMarks(above(ink.contrast >= LEAST_CONTRAST ? INK_EDGE : Infinity, ink.strength)), scale, corner: [0, 0] };
}

// Large pictures at most `side` long, small ones at least FINE_SIDE; and how many own pixels one of the new ones is.
export function nearSize(picture, side) {
  const longer = Math.max(picture.width, picture.height), scale = longer > FINE_SIDE ? Math.max(1, longer / side) : longer / FINE_SIDE;
  const width = Math.max(1, rint(picture.width / scale)), height = Math.max(1, rint(picture.height / scale));
  if (width === picture.width && height === picture.height) return { picture, scale };
  return { picture: resized(picture, width, height, scale > 1 ? "box" : "bicubic", { gap: 2 }), scale };
}

// Opaque: over white or over black, wherever the ink stands out more.
export function onGround(picture, steps) {
  if (picture.channels !== 4) return picture;
  const black = contrastWith(0, picture) > contrastWith(255, picture), opaque = laidOver(black ? 0 : 255, picture);
  steps?.push({ name: "alpha", picture: opaque, words: `transparent parts laid over ${black ? "black" : "white"}` });
  return opaque;
}

// How far the ink of a transparent picture stands out from a ground, in grey levels; NaN: nothing is opaque.
function contrastWith(level, { data }) {
  const grey = luminance(withoutAlpha(data));
  let all = 0, weight = 0;
  grey.forEach((value, at) => {
    all += Math.abs(value - level) * data[4 * at + 3];
    weight += data[4 * at + 3];
  });
  return all / weight;
}

export function withoutAlpha(data) {
  const colours = new Uint8Array((data.length / 4) * 3);
  for (let at = 0, from = 0; at < colours.length; from += 1) {
    colours[at++] = data[from++];
    colours[at++] = data[from++];
    colours[at++] = data[from++];
  }
  return colours;
}

// As Pillow's alpha_composite.
export function laidOver(level, { width, height, data }) {
  const opaque = new Uint8Array(3 * width * height);
  for (let at = 0; at < opaque.length; at += 1) {
    const pixel = Math.floor(at / 3), alpha = data[4 * pixel + 3];
    const mixed = 128 * (data[4 * pixel + (at % 3)] * alpha + level * (255 - alpha)) + (0x80 << 7);
    opaque[at] = (((mixed >> 8) + mixed) >> 8) >> 7;
  }
  return { width, height, channels: 3, data: opaque };
}

// The pixels themselves, inverted where their ink is on the other side; null: they are not as the training images are.
function asTrained({ width, height, channels, data }, ink, facts) {
  const grey = channels === 1 ? data : luminance(data), own = ink.isBright ? grey : grey.map((value) => 255 - value);
  const border = Float32Array.from([...own.subarray(0, width), ...own.subarray(-width)]
    .concat(Array.from({ length: height }, (_, y) => [own[y * width], own[(y + 1) * width - 1]]).flat()));
  const measured = measureInk(plane(width, height, made(Float32Array, own, (value) => value / 255)));
  if (median(border) > EVEN_LEVELS || !measured || maximum(own) < LEAST_CONTRAST) return null;
  const centre = facts.centred_by === "mass" ? measured.mass : measured.box;
  const away = Math.max(...centre.map((value, axis) => Math.abs(value - facts.centre[axis])));
  if (away > facts.centre_spread + PLACE_TOLERANCE || oddities(measured, facts).length || !within(measured.side, facts.boxes)) return null;
  return facts.is_bright ? own : own.map((value) => 255 - value);
}

// A box with ink, at most WEIGHING_SIDE long; and how many of its pixels one of the new ones is.
function smallEnough(mask) {
  const scale = Math.max(mask.width, mask.height) / WEIGHING_SIDE;
  if (scale <= 1) return { mask, scale: 1 };
  const width = Math.max(1, rint(mask.width / scale)), height = Math.max(1, rint(mask.height / scale));
  const shares = resized(plane(mask.width, mask.height, Float32Array.from(mask.data)), width, height, "box");
  return { mask: above(INK_EDGE, shares), scale };
}

// The ink of a box with a margin of paper, its strokes as thick as they should be; and the margin.
function weighed(mask, facts, steps) {
  const side = Math.max(mask.width, mask.height), stroke = thickness(mask), ratio = facts.stroke / facts.box_side;
  const wanted = clip((ratio * side - stroke) / (2 * (1 - ratio)), (-MOST_THINNER * stroke) / 2, (MOST_THICKER * stroke) / 2);
  const margin = Math.ceil(Math.max(wanted, 0)) + 2, { ink, moved } = changeWeight(padded(mask, margin), wanted);
  const how = `${moved > 0 ? "thicker" : "thinner"}, from ${stroke.toFixed(1)} to about ${(stroke + 2 * moved).toFixed(1)} pixels in a box of ${side}`;
  steps?.push({ name: "weight", picture: inBytes(ink), words: Math.abs(moved) > LEAST_MOVE ? `strokes made ${how}` : "strokes left as they are" });
  return { ink, margin };
}

// Ink made small by areas, and put where the training images have it, all of it in the image.
function place(ink, facts, height, width) {
  const box = boxOf(ink, (value) => value > 0.5), scale = lengthOf(box) / facts.box_side;
  const [x, y] = facts.centred_by === "mass" ? centreOfMass(ink) : [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const left = inside(x - scale * (width / 2 + facts.centre[0]), box.left, box.right, scale * width);
  const top = inside(y - scale * (height / 2 + facts.centre[1]), box.top, box.bottom, scale * height);
  const pad = Math.ceil(scale * Math.max(width, height)) + 1, region = [left + pad, top + pad, left + pad + scale * width, top + pad + scale * height];
  return { pixels: inBytes(resized(padded(ink, pad), width, height, "box", { box: region })).data, left, top, scale };
}

// Where the image begins along one axis, so that all of the ink is in it.
const inside = (start, first, end, length) => (end - first <= length ? Math.min(Math.max(start, end - length), first) : start);

function marksStep({ ink, marks: { mask, numThings, numDropped } }) {
  const { width, height, data } = ink.strength, dropped = numDropped ? `${numDropped} strays dropped` : "nothing dropped";
  const kept = numThings === 1 ? data.map((value, at) => value * mask.data[at]) : data;
  return { name: "marks", picture: inBytes(plane(width, height, kept)), words: numThings > 1 ? `${numThings} things stand apart; ${dropped}` : dropped };
}
