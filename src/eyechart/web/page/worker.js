// Beside the page: networks are opened once, and pictures prepared and answered here, so that drawing never waits.
//
// In:  {id, picture, options}.   Out: {progress: {loaded, total}} in bytes, {id, answers} or {id, error: {message, said}}.

import * as ort from "../runtime/ort.wasm.bundle.min.js";
import { decoded } from "./pictures.js";
import { Reader } from "./reading.js";

const FOLDER = new URL("..", import.meta.url);
ort.env.wasm.numThreads = 1; // more need headers that few static servers send
ort.env.wasm.wasmPaths = { wasm: new URL("runtime/ort-wasm-simd-threaded.wasm", FOLDER).href };

const opened = open();
opened.catch(() => {}); // said to whoever asks

onmessage = async ({ data: { id, picture, options } }) => {
  try {
    const { reader, card } = await opened, decodedOne = await decoded(picture, card.study.max_pixels);
    postMessage({ id, answers: options.reading === "line" ? await reader.line(decodedOne) : await reader.one(decodedOne, options) });
  } catch (error) {
    postMessage({ id, error: { message: error.message, said: error.said } });
  }
};

async function open() {
  const card = await (await fetched("card.json")).json();
  const networks = await Promise.all(await loaded(card.runs));
  const ask = async (pictures) => {
    const asked = [];
    for (const [place, network] of networks.entries()) asked.push(await answered(network, pictures[place], card));
    return asked;
  };
  const { image_channels: channels, image_height: height, image_width: width } = card.runs[0].preprocessing;
  await ask(networks.map(() => [new Uint8Array(channels * height * width)])); // the first time is slow
  return { card, reader: new Reader(card, ask) };
}

// The networks' files, one after the other, so that the first is being opened while the next is on its way.
async function loaded(runs) {
  const total = runs.reduce((all, run) => all + run.bytes, 0), networks = [];
  let before = 0;
  for (const { file, bytes } of runs) {
    const content = new Uint8Array(bytes), reading = (await fetched(file)).body.getReader();
    for (let at = 0, chunk = await reading.read(); !chunk.done; chunk = await reading.read()) {
      content.set(chunk.value, at);
      at += chunk.value.length;
      postMessage({ progress: { loaded: before + at, total } });
    }
    before += bytes;
    networks.push(ort.InferenceSession.create(content, { executionProviders: ["wasm"] }));
  }
  return networks;
}

async function fetched(file) {
  const answer = await fetch(new URL(file, FOLDER));
  if (!answer.ok) throw new Error(`${file}: ${answer.status} ${answer.statusText}`);
  return answer;
}

// One network about pictures of its dataset's size, all at once.
async function answered(network, pictures, { study: { classes }, runs }) {
  if (!pictures.length) return { answers: [], milliseconds: 0 };
  const { image_channels: channels, image_height: height, image_width: width } = runs[0].preprocessing, size = pictures[0].length;
  const images = new Float32Array(size * pictures.length);
  pictures.forEach((pixels, row) => pixels.forEach((value, place) => { images[row * size + place] = value / 255; }));
  const started = performance.now(), given = await network.run({ images: new ort.Tensor("float32", images, [pictures.length, channels, height, width]) });
  const milliseconds = performance.now() - started, { probabilities: { data }, boxes, scores, labels } = given;
  const answers = pictures.map((_, row) => ({
    probabilities: data.slice(row * classes.length, (row + 1) * classes.length),
    boxes: boxes && foundIn(row, boxes, scores, labels),
  }));
  return { answers, milliseconds };
}

// Boxes of one picture, best first; a label below 0 fills up.
function foundIn(row, boxes, scores, labels) {
  const most = scores.dims[1];
  return Array.from({ length: most }, (_, k) => row * most + k).filter((at) => labels.data[at] >= 0)
    .map((at) => ({ label: Number(labels.data[at]), score: scores.data[at], box: [...boxes.data.slice(4 * at, 4 * at + 4)] }));
}
