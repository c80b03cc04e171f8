// Runs the page's own modules on pictures that a test wrote down: tasks.json and pictures.bin in, done.json out.

import fs from "node:fs";
import { prepare } from "./handwriting.js";
import { measureInk, oddities } from "./ink_facts.js";
import { asking } from "./messages.js";
import { part } from "./parting.js";
import { fitted } from "./pictures.js";
import { Reader } from "./reading.js";
import { resized } from "./resampling.js";

// What a browser's worker has, to show pictures.
globalThis.ImageData = class { constructor(width, height) { this.data = new Uint8ClampedArray(4 * width * height); } };
globalThis.OffscreenCanvas = class { getContext = () => ({ putImageData() {} }); convertToBlob = async () => null; };
globalThis.FileReaderSync = class { readAsDataURL = () => "data:"; };

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
  read: (picture, { card, answers, reading }) => new Reader(card, async (pictures) => pictures.map((some, run) => (
    { answers: some.map((pixels) => ({ ...answers[run], seen: [...pixels] })), milliseconds: 1 }
  )))[reading](picture, { steps: false }),
  fit: (picture, { frame }) => { const { pixels, toOwn } = fitted(picture, frame); return { pixels: [...pixels], own: toOwn([1, 2]) }; },
};

// A worker that cannot be loaded says so once, before anybody asks.
async function whatABrokenWorkerAnswers() {
  const worker = { postMessage() {} }, ask = asking(worker);
  worker.onerror({ message: "404" });
  return ask("?").catch(({ message }) => message);
}
does.ask = whatABrokenWorkerAnswers;

const tasks = JSON.parse(fs.readFileSync("tasks.json"));
const done = await Promise.all(tasks.map(({ what, picture, ...how }) => does[what](next(picture), how)));
fs.writeFileSync("done.json", JSON.stringify(done));
