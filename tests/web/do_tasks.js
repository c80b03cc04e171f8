// Runs the page's own modules on pictures that a test wrote down: tasks.json and pictures.bin in, done.json out.

import fs from "node:fs";
import { prepare } from "./handwriting.js";
import { measureInk, oddities } from "./ink_facts.js";
import { part } from "./parting.js";
import { fitted } from "./pictures.js";
import { resized } from "./resampling.js";

const content = fs.readFileSync("pictures.bin");
let at = 0;

function next({ width, height, channels, isFloat }) {
  const bytes = width * height * channels * (isFloat ? 4 : 1), copy = new Uint8Array(content.subarray(at, at + bytes));
  at += bytes;
  return { width, height, channels, data: isFloat ? new Float32Array(copy.buffer) : copy };
}

const does = {
  prepare(picture, { facts, height, width }) {
    const steps = [], made = prepare(picture, facts, height, width, steps), { pixels } = made;
    const ink = pixels && Float32Array.from(pixels, (value) => (facts.is_bright ? value : 255 - value) / 255);
    const measured = ink && measureInk({ width, height, data: ink });
    const shown = steps.map(({ name, words, picture: { data } }) => ({ name, words, sum: data.reduce((all, value) => all + value, 0) }));
    return { ...made, pixels: pixels && [...pixels], odd: measured ? oddities(measured, facts) : [], steps: shown };
  },
  part: (picture) => part(picture).map(({ picture: { width, height, data }, ...rest }) => ({ ...rest, width, height, pixels: [...data] })),
  resize: (picture, { width, height, filter, options }) => [...resized(picture, width, height, filter, options).data],
  fit: (picture, { frame }) => { const { pixels, toOwn } = fitted(picture, frame); return { pixels: [...pixels], own: toOwn([1, 2]) }; },
};

const tasks = JSON.parse(fs.readFileSync("tasks.json"));
fs.writeFileSync("done.json", JSON.stringify(tasks.map(({ what, picture, ...how }) => does[what](next(picture), how))));
