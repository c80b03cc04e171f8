// Who answers where there is no server: networks in this browser.  It offers what serve/page/back.js does.

import { asking, fetched } from "./messages.js";

const FOLDER = new URL("..", import.meta.url);
const part = async (name) => (await fetched(new URL(name, FOLDER))).json();

export function openBack(onProgress) {
  const ask = asking(new Worker(new URL("worker.js", import.meta.url), { type: "module" }), onProgress);
  return {
    study: async () => (await part("card.json")).study,
    gallery: () => part("gallery.json"),
    answer: (picture, options) => ask({ picture, options }),
  };
}
