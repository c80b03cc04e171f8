// Questions to a worker and its answers, matched by number.

// A function that asks: it gives a promise of the answer.  `onProgress` hears what the worker tells unasked.
export function asking(worker, onProgress = () => {}) {
  const waiting = new Map();
  let lastId = 0, broken = null;
  worker.onmessage = ({ data: { id, answer, error, progress } }) => {
    if (progress) return onProgress(progress);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    return error ? reject(Object.assign(new Error(error.message), { said: error.said })) : resolve(answer);
  };
  worker.onerror = ({ message }) => { // it could not even begin
    broken = new Error(message || "A part of the page could not be loaded.");
    for (const { reject } of waiting.values()) reject(broken);
    waiting.clear();
  };
  return (question) => new Promise((resolve, reject) => {
    if (broken) return reject(broken);
    lastId += 1;
    waiting.set(lastId, { resolve, reject });
    worker.postMessage({ id: lastId, question });
  });
}

// In a worker: whatever `answer` gives, or throws, goes back.
export function answering(answer) {
  onmessage = async ({ data: { id, question } }) => {
    try {
      postMessage({ id, answer: await answer(question) });
    } catch (error) {
      postMessage({ id, error: { message: error.message, said: error.said } });
    }
  };
}

export async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address.pathname}: ${answer.status} ${answer.statusText}`);
  return answer;
}
