// Who answers where there is no server: networks in this browser.  It offers what serve/page/back.js does.

const FOLDER = new URL("..", import.meta.url);

export function openBack(onProgress) {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" }), waiting = new Map();
  let lastId = 0;
  worker.onmessage = ({ data: { id, answers, error, progress } }) => {
    if (progress) return onProgress(progress);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    return answers ? resolve(answers) : reject(Object.assign(new Error(error.message), { said: error.said }));
  };
  worker.onerror = ({ message }) => { // it could not even begin
    for (const { reject } of waiting.values()) reject(new Error(message || "worker.js"));
    waiting.clear();
  };
  return {
    study: async () => (await part("card.json")).study,
    gallery: () => part("gallery.json"),
    answer: (picture, options) => new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      worker.postMessage({ id: lastId, picture, options });
    }),
  };
}

async function part(name) {
  const answer = await fetch(new URL(name, FOLDER));
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer.json();
}
