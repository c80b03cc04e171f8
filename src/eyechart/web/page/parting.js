// A picture with several things written on it, cut into pictures with one each.  As data/parting.py.

import { INK_EDGE, nearSize, onGround } from "./handwriting.js";
import { findThings } from "./marks.js";
import { above, clip, cropped, made, padded, rint } from "./numbers.js";
import { LEAST_CONTRAST, findInk, greyOf } from "./paper.js";

const PARTING_SIDE = 1000, ROOM = 0.25, SOFT_EDGE = 2;

// The things in reading order: each a picture by itself, dark on white, its `box` and where it begins (`corner`) in the
// whole picture's own pixels, and how many of these one of its own is.
export function part(picture) {
  const near = nearSize(onGround(picture), PARTING_SIDE), { strength, contrast } = findInk(greyOf(near.picture).grey);
  if (contrast < LEAST_CONTRAST) return [];
  return findThings(above(INK_EDGE, strength)).map((thing) => alone(thing, strength, near.scale));
}

function alone(thing, strength, scale) {
  const { left, top, right, bottom } = thing, room = SOFT_EDGE + rint(ROOM * Math.max(bottom - top, right - left));
  const own = grown(padded(thing.mask, room), SOFT_EDGE);
  const around = cropped(padded(strength, room), left, top, right + 2 * room, bottom + 2 * room); // the padding moved it by `room`
  const levels = made(Uint8Array, around.data, (value, place) => rint(Math.fround(255 * Math.fround(1 - clip(own[place] ? value : 0, 0, 1)))));
  return {
    picture: { width: around.width, height: around.height, channels: 1, data: levels },
    box: [left, top, right, bottom].map((edge) => edge * scale),
    corner: [(left - room) * scale, (top - room) * scale],
    scale,
  };
}

// A mask and all pixels at most so many steps away from it, corners included.
function grown({ width, height, data }, steps) {
  return data.map((_, place) => {
    const x = place % width, y = Math.floor(place / width);
    for (let row = Math.max(0, y - steps); row <= Math.min(height - 1, y + steps); row += 1) {
      for (let column = Math.max(0, x - steps); column <= Math.min(width - 1, x + steps); column += 1) if (data[row * width + column]) return 1;
    }
    return 0;
  });
}
