// A picture file becomes pixels: decoded by the browser, and for sets that are no ink fitted into their frame.

import { laidOver, withoutAlpha } from "./handwriting.js";
import { luminance } from "./paper.js";
import { median, rint } from "./numbers.js";
import { resized } from "./resampling.js";

const GROUNDS = { white: 255, black: 0, grey: 128 };

// {width, height, channels 3 or, where parts are transparent, 4, data}, upright.  Errors have `said` in both languages.
export async function decoded(blob, mostPixels) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }).catch(() => null);
  if (!bitmap) {
    throw refused(
      "This browser cannot read that as a picture. Expected a whole PNG, JPEG, WebP, GIF or BMP file.",
      "Ce navigateur ne peut pas lire cela comme une image. Il faut un fichier PNG, JPEG, WebP, GIF ou BMP entier.",
    );
  }
  const { width, height } = bitmap;
  if (width * height > mostPixels) {
    throw refused(
      `The picture has ${width} x ${height} pixels; expected at most ${mostPixels / 1e6} million. Make it smaller.`,
      `L'image a ${width} x ${height} pixels\u202f; il en faut au plus ${mostPixels / 1e6} millions. Réduisez-la.`,
    );
  }
  const sheet = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  sheet.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = sheet.getImageData(0, 0, width, height);
  for (let place = 3; place < data.length; place += 4) if (data[place] < 255) return { width, height, channels: 4, data };
  return { width, height, channels: 3, data: withoutAlpha(data) };
}

export function refused(english, french) {
  return Object.assign(new Error(english), { said: { en: english, fr: french } });
}

// Transparent parts laid over the ground of the dataset's rule, else white.
export function onGround(picture, rule) {
  return picture.channels === 4 ? laidOver(GROUNDS[rule?.ground ?? "white"], picture) : picture;
}

// The whole picture in the frame of the training images, proportions kept; what is left over takes the median colour of
// its own edge.  Bytes, channel by channel, and the map from there to the picture's own pixels.  As data/pictures.py.
export function fitted(picture, { image_channels: channels, image_height: height, image_width: width, picture_rule: rule }) {
  const opaque = onGround(picture, rule);
  const scale = Math.min(width / opaque.width, height / opaque.height);
  const inner = [opaque.width, opaque.height].map((side) => Math.max(1, rint(side * scale)));
  const left = (width - inner[0]) >> 1, top = (height - inner[1]) >> 1;
  const small = resized(opaque, ...inner, "bilinear"), edge = edgeColour(small), framed = new Uint8Array(3 * width * height);
  for (let place = 0; place < framed.length; place += 1) framed[place] = edge[place % 3];
  for (let y = 0; y < inner[1]; y += 1) framed.set(small.data.subarray(3 * y * inner[0], 3 * (y + 1) * inner[0]), 3 * ((y + top) * width + left));
  const area = width * height, byPlanes = (_, place) => framed[3 * (place % area) + Math.floor(place / area)];
  return { pixels: channels === 1 ? luminance(framed) : Uint8Array.from(framed, byPlanes), toOwn: ([x, y]) => [((x - left) * opaque.width) / inner[0], ((y - top) * opaque.height) / inner[1]] };
}

function edgeColour({ width, height, data }) {
  return [0, 1, 2].map((channel) => {
    const at = (x, y) => data[3 * (y * width + x) + channel], edge = [];
    for (let x = 0; x < width; x += 1) edge.push(at(x, 0), at(x, height - 1));
    for (let y = 0; y < height; y += 1) edge.push(at(0, y), at(width - 1, y));
    return Math.trunc(median(Float32Array.from(edge)));
  });
}

// Bytes of a picture, or of a plane, as something that an <img> shows.
export async function dataUrl({ width, height, data, channels = 1 }) {
  const image = new ImageData(width, height);
  for (let place = 0; place < width * height; place += 1) {
    for (let channel = 0; channel < 3; channel += 1) image.data[4 * place + channel] = data[channels * place + (channels === 1 ? 0 : channel)];
    image.data[4 * place + 3] = channels === 4 ? data[4 * place + 3] : 255;
  }
  const sheet = new OffscreenCanvas(width, height);
  sheet.getContext("2d").putImageData(image, 0, 0);
  return new FileReaderSync().readAsDataURL(await sheet.convertToBlob());
}
