// Some of the networks, in a thread of their own.  First asked {runs, shape, numClasses}, which opens them, then about
// pictures: for each of its runs a list of bytes.  Progress is in bytes that have come.

import * as ort from "../runtime/ort.wasm.bundle.min.js";
import { answering, fetched } from "./messages.js";

const FOLDER = new URL("..", import.meta.url);
ort.env.wasm.numThreads = 1; // more need headers that few static servers send
ort.env.wasm.wasmPaths = { wasm: new URL("runtime/ort-wasm-simd-threaded.wasm", FOLDER).href };

let networks, shape, numClasses;

answering(async (question) => {
  if (!question.runs) return ask(question.pictures);
  ({ shape, numClasses } = question);
  networks = await Promise.all(await loaded(question.runs));
  await ask(networks.map(() => [new Uint8Array(shape.reduce((all, side) => all * side))])); // the first time is slow
  return true;
});

async function ask(pictures) {
  const asked = [];
  for (const [place, network] of networks.entries()) asked.push(await answered(network, pictures[place]));
  return asked;
}

// The networks' files, one after the other, so that the first is being opened while the next is on its way.
async function loaded(runs) {
  const opening = [];
  for (const { file, bytes } of runs) {
    const content = new Uint8Array(bytes), reading = (await fetched(new URL(file, FOLDER))).body.getReader();
    for (let at = 0, chunk = await reading.read(); !chunk.done; chunk = await reading.read()) {
      content.set(chunk.value, at);
      at += chunk.value.length;
      postMessage({ progress: chunk.value.length });
    }
    opening.push(ort.InferenceSession.create(content, { executionProviders: ["wasm"] }));
  }
  return opening;
}

// One network about pictures of its dataset's size, all at once.
async function answered(network, pictures) {
  if (!pictures.length) return { answers: [], milliseconds: 0 };
  const size = pictures[0].length, images = new Float32Array(size * pictures.length);
  pictures.forEach((pixels, row) => pixels.forEach((value, place) => { images[row * size + place] = value / 255; }));
  const started = performance.now(), given = await network.run({ images: new ort.Tensor("float32", images, [pictures.length, ...shape]) });
  const milliseconds = performance.now() - started, { probabilities: { data }, boxes, scores, labels } = given;
  const answers = pictures.map((_, row) => ({
    probabilities: data.slice(row * numClasses, (row + 1) * numClasses),
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
