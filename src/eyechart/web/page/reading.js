// One picture, and what every contender says of it: as one thing, or as a line of things.  As serve/reading.py; what comes
// out are the records of serve/answers.py.

import { prepare } from "./handwriting.js";
import { measureInk, oddities } from "./ink_facts.js";
import { readingOrder } from "./marks.js";
import { clip, made, median, plane } from "./numbers.js";
import { luminance } from "./paper.js";
import { part } from "./parting.js";
import { dataUrl, fitted, onGround, refused } from "./pictures.js";
import { resized } from "./resampling.js";

const MOST_CLASSES = 10, MOST_THINGS = 60, LEAST_SCORE = 0.5, MOST_SHARED = 0.5, SHOWN_SIDE = 400;

// `runs`: what the folder's card says of each run; `ask(pictures)`: for each run, in their order, {answers, milliseconds},
// an answer a picture: {probabilities, boxes: [{label, score, box}]}.
export class Reader {
  constructor(card, ask) { Object.assign(this, card, { ask }); }

  async one(picture, { steps: isAsked }) {
    const started = performance.now(), steps = isAsked ? [] : undefined;
    const told = await this.answers([picture], steps), seen = told[0].seen[0];
    const contenders = told.map((each) => this.told(each, 0, each.milliseconds));
    return {
      reading: "one", how: "whole", width: picture.width, height: picture.height, things: [], lines: [],
      seen: await this.shown(seen), steps: await Promise.all((steps ?? []).map(asStep)), contenders,
      agreement: agreement(contenders.map((each) => each.label)), milliseconds: performance.now() - started,
    };
  }

  async line(picture) {
    if (this.study.line_by === "detector") return this.byDetector(picture);
    const started = performance.now(), parts = part(picture);
    if (parts.length > MOST_THINGS) {
      throw refused(
        `${parts.length} things stand apart on the picture; expected at most ${MOST_THINGS}.`,
        `${parts.length} objets isolés sont sur l'image\u202f; il en faut au plus ${MOST_THINGS}.`,
      );
    }
    const told = parts.length ? await this.answers(parts.map((each) => each.picture)) : [];
    const things = await Promise.all(parts.map((each, row) => this.thing(told, row, each)));
    const lines = told.map(({ run, milliseconds }, place) => (
      { run: run.run, contender: run.contender, labels: things.map((thing) => thing.contenders[place].label), milliseconds }
    ));
    return this.asLine("components", picture, things, lines, null, started);
  }

  // What the detectors of a study on scenes find; the things are those of the first.
  async byDetector(picture) {
    const started = performance.now(), told = await this.answers([asScene(picture, this.runs[0].preprocessing)]);
    const contenders = told.map((each) => this.told(each, 0, each.milliseconds));
    const found = contenders.map((each) => inOrder(apart(each.boxes)));
    const things = found[0].map((box) => ({
      box: box.box, seen: null, agreement: agreement([box.label]),
      contenders: [{ ...contenders[0], label: box.label, probability: box.score, remark: null, said: null, boxes: [box] }],
    }));
    const lines = contenders.map(({ run, contender, milliseconds }, place) => ({ run, contender, labels: found[place].map((box) => box.label), milliseconds }));
    return this.asLine("detector", picture, things, lines, await this.shown(told[0].seen[0]), started);
  }

  asLine(how, { width, height }, things, lines, seen, started) {
    return { reading: "line", how, width, height, seen, things, lines, steps: [], contenders: [], agreement: null, milliseconds: performance.now() - started };
  }

  // Everybody about the same pictures: what was seen of each, and what was answered of those that were not refused.
  async answers(pictures, steps) {
    const views = new Map(), viewOf = ({ preprocessing: frame, ink }) => (
      JSON.stringify([frame.image_channels, frame.image_height, frame.image_width, frame.picture_rule, ink])
    );
    for (const run of this.runs) {
      const view = viewOf(run);
      if (!views.has(view)) views.set(view, pictures.map((picture) => see(picture, run, views.size ? undefined : steps)));
    }
    const seen = this.runs.map((run) => views.get(viewOf(run)));
    const asked = await this.ask(seen.map((of) => of.filter((one) => one.pixels).map((one) => one.pixels)));
    return this.runs.map((run, place) => {
      let row = 0;
      const answers = seen[place].map((one) => (one.pixels ? this.answer(run, one, asked[place].answers[row++]) : this.instead(one.refusal, one.numThings)));
      return { run, seen: seen[place], answers, milliseconds: asked[place].milliseconds };
    });
  }

  answer(run, seen, { probabilities, boxes }) {
    const { classes, task } = this.study, isClassifier = task === "classification";
    const ranked = isClassifier ? [...probabilities.keys()].sort((one, other) => probabilities[other] - probabilities[one]) : [];
    const all = ranked.map((place) => ({ label: classes[place], probability: probabilities[place] }));
    const own = boxes?.map(({ label, score, box }) => ({ label: classes[label], score, box: ownBox(box, seen) }));
    const first = all[0] ?? { label: null, probability: null };
    const answer = { ...first, classes: all.slice(0, MOST_CLASSES), boxes: own ?? [], remark: null, said: null };
    if (own && !own.length) return { ...answer, classes: [], ...this.instead("nothing") };
    const isUnlike = isClassifier && (seen.oddities.length || answer.probability < run.least_sure);
    return isUnlike ? { ...answer, ...this.instead("unlike", 0, answer) } : answer;
  }

  // A remark in the place of a class.
  instead(remark, count = 0, { classes = [], boxes = [] } = {}) {
    const { en, fr } = this.remarks[remark], counted = (text) => text.replace("{count}", count);
    return { label: null, probability: null, classes, boxes, remark, said: { en: counted(en), fr: counted(fr) } };
  }

  told({ run, answers }, row, milliseconds) {
    return { run: run.run, contender: run.contender, ...answers[row], milliseconds };
  }

  async thing(told, row, { box, corner, scale }) {
    const moved = ([left, top, right, bottom]) => [left * scale + corner[0], top * scale + corner[1], right * scale + corner[0], bottom * scale + corner[1]];
    const contenders = told.map((each) => this.told(each, row, each.milliseconds / each.answers.length))
      .map((each) => ({ ...each, boxes: each.boxes.map((found) => ({ ...found, box: moved(found.box) })) }));
    return { box, seen: await this.shown(told[0].seen[row]), contenders, agreement: agreement(contenders.map((each) => each.label)) };
  }

  async shown({ pixels }) {
    if (!pixels) return null;
    const { height, width, channels } = this.study, area = width * height;
    const byPixels = (_, place) => pixels[(place % 3) * area + Math.floor(place / 3)];
    return dataUrl({ width, height, channels, data: channels === 1 ? pixels : made(Uint8Array, pixels, byPixels) });
  }
}

// One picture as a run is to see it: prepared where it learned from ink, else fitted as its dataset was.  As inference/seeing.py.
function see(picture, { preprocessing, ink }, steps) {
  const ownSize = [picture.width, picture.height], { image_height: height, image_width: width } = preprocessing;
  if (!ink) return { ...fitted(picture, preprocessing), ownSize, oddities: [] };
  const found = prepare(picture, ink, height, width, steps);
  if (!found.pixels) return { ...found, ownSize };
  const measured = measureInk(plane(width, height, made(Float32Array, found.pixels, (value) => (ink.is_bright ? value : 255 - value) / 255)));
  const toOwn = ([x, y]) => [x * found.scale + found.corner[0], y * found.scale + found.corner[1]];
  return { ...found, ownSize, toOwn, oddities: measured ? oddities(measured, ink) : [] };
}

// A box on what was seen, where it is on the picture, cut to it.
function ownBox([left, top, right, bottom], { toOwn, ownSize: [width, height] }) {
  return [...toOwn([left, top]), ...toOwn([right, bottom])].map((edge, place) => clip(edge, 0, place % 2 ? height : width));
}

// Dark ink on light paper turned about, where the scenes are light on dark.
function asScene(picture, { image_channels: channels, mean, picture_rule: rule }) {
  if (channels === 3) return picture;
  const opaque = onGround(picture, rule), grey = luminance(opaque.data);
  if (median(Float32Array.from(grey)) > 127 === mean[0] > 0.5) return picture;
  return { ...opaque, data: made(Uint8Array, opaque.data, (_, place) => 255 - grey[Math.floor(place / 3)]) };
}

// What most of these say; nothing where as many say something else.
function agreement(labels) {
  const counts = new Map();
  for (const label of labels) if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  const [first, second] = [...counts].sort((one, other) => other[1] - one[1]);
  return { label: first && first[1] !== second?.[1] ? first[0] : null, num_agree: first?.[1] ?? 0, num_asked: labels.length };
}

// The surest of those boxes that lie over each other.
function apart(boxes) {
  return [...boxes].sort((one, other) => other.score - one.score).reduce((kept, box) => (
    box.score >= LEAST_SCORE && kept.every((other) => shared(box.box, other.box) <= MOST_SHARED) ? [...kept, box] : kept
  ), []);
}

// How much of the smaller box lies in the other.
function shared(one, other) {
  const side = (axis) => Math.max(0, Math.min(one[axis + 2], other[axis + 2]) - Math.max(one[axis], other[axis]));
  const least = Math.min(...[one, other].map((box) => (box[2] - box[0]) * (box[3] - box[1])));
  return least > 0 ? (side(0) * side(1)) / least : 1;
}

const inOrder = (boxes) => readingOrder(boxes.map((box) => box.box)).map((place) => boxes[place]);

async function asStep({ name, picture, words }) {
  const scale = Math.max(1, Math.max(picture.width, picture.height) / SHOWN_SIDE);
  const small = scale > 1 ? resized(picture, Math.round(picture.width / scale), Math.round(picture.height / scale), "box") : picture;
  return { name, words, picture: await dataUrl(small) };
}
