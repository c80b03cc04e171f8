// Beside the page: pictures are prepared here, and networks asked in threads of their own, so that drawing never waits.
//
// Asked {picture, options}, it gives what /api/predict of `eyechart serve` does.  Progress is {loaded, total} in bytes.

import { answering, asking, fetched } from "./messages.js";
import { decoded } from "./pictures.js";
import { Reader } from "./reading.js";

const THREADS = Math.min(2, navigator.hardwareConcurrency); // the largest network in one, all others in the second
const opened = open();
opened.catch(() => {}); // said to whoever asks

answering(async ({ picture, options }) => {
  const { reader, card } = await opened, pixels = await decoded(picture, card.study.max_pixels);
  return options.reading === "line" ? reader.line(pixels) : reader.one(pixels, options);
});

async function open() {
  const card = await (await fetched(new URL("../card.json", import.meta.url))).json(), { runs, study } = card;
  const total = runs.reduce((all, run) => all + run.bytes, 0), shares = dealt(runs);
  let loaded = 0;
  const progress = (bytes) => postMessage({ progress: { loaded: (loaded += bytes), total } });
  const threads = shares.map(() => asking(new Worker(new URL("networks.js", import.meta.url), { type: "module" }), progress));
  const about = { shape: [study.channels, study.height, study.width], numClasses: study.classes.length };
  await Promise.all(threads.map((thread, place) => thread({ runs: shares[place].map((row) => runs[row]), ...about })));
  const ask = async (pictures) => {
    const asked = await Promise.all(threads.map((thread, place) => thread({ pictures: shares[place].map((row) => pictures[row]) })));
    return runs.map((_, row) => {
      const place = shares.findIndex((share) => share.includes(row));
      return asked[place][shares[place].indexOf(row)];
    });
  };
  return { card, reader: new Reader(card, ask) };
}

// Which runs each thread has: the largest first, each to whoever has the fewest bytes.
function dealt(runs) {
  const shares = Array.from({ length: Math.min(THREADS, runs.length) }, () => ({ rows: [], bytes: 0 }));
  for (const row of [...runs.keys()].sort((one, other) => runs[other].bytes - runs[one].bytes)) {
    const least = shares.reduce((few, share) => (share.bytes < few.bytes ? share : few));
    least.rows.push(row);
    least.bytes += runs[row].bytes;
  }
  return shares.map((share) => share.rows);
}
