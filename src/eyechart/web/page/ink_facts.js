// What the ink of one image looks like, and whether that is as in the training images.  As data/ink_facts.py.

import { above, boxOf, centreOfMass, maximum, plane, sum } from "./numbers.js";
import { resized } from "./resampling.js";
import { thickness } from "./strokes.js";

const FINE = 3, SMALL_SIDE = 48, INK_LEVEL = 0.5, TOLERANCE = 0.25, UPRIGHT = 0.4, BAR = 1.8;

// Of ink 0..1, 0 where there is none: measures in pixels; null: nothing stands out.
export function measureInk(ink) {
  const { width, height, data } = ink, most = maximum(data);
  if (most <= 0) return null;
  const fine = Math.max(width, height) <= SMALL_SIDE ? FINE : 1;
  const enlarged = resized(plane(width, height, data.map((value) => value / most)), fine * width, fine * height, "bicubic");
  const mask = above(INK_LEVEL, enlarged), box = boxOf(mask);
  if (!box) return null;
  const [left, top, right, bottom] = [box.left, box.top, box.right, box.bottom].map((edge) => edge / fine), mass = centreOfMass(ink);
  return {
    side: Math.max(bottom - top, right - left),
    stroke: thickness(mask) / fine,
    share: sum(mask.data) / fine ** 2 / ((bottom - top) * (right - left)),
    aspect: (right - left) / (bottom - top),
    mass: [mass[0] - width / 2, mass[1] - height / 2],
    box: [(left + right - width) / 2, (top + bottom - height) / 2],
  };
}

// Whether a measure lies in the training images' range, or not far outside.
export const within = (value, [low, high]) => low * (1 - TOLERANCE) <= value && value <= high * (1 + TOLERANCE);

// What is not as in the training images; none: strokes, share of ink and proportions are like theirs.
export function oddities({ stroke, share, aspect, side }, facts) {
  const looked = [["strokes", stroke, facts.strokes]], isBar = aspect < UPRIGHT && aspect * side < BAR * stroke;
  if (!(isBar && facts.aspects[0] * facts.box_side < BAR * facts.stroke)) looked.push(["share of ink", share, facts.shares], ["proportions", aspect, facts.aspects]);
  return looked.filter(([, value, ends]) => !within(value, ends)).map(([name]) => name);
}
