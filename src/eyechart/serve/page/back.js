// Who answers: here, a server.  The page knows this one function alone; web/page/back.js, which asks networks in the
// browser, offers the same three.  `looked` may be missing: then the page offers no maps.
//
//   study()                    what /api/study says
//   gallery()                  what /api/gallery says
//   answer(picture, options)   what /api/predict says of a Blob; options: reading "one" or "line", steps true or false
//   looked(picture, signal)    what /api/looked says of a Blob
//
// Errors have `message`, a sentence for people, or `said`, the same by language, and `retryAfter`, seconds, where it helps to ask again.

export function openBack() {
  return {
    study: () => asked("api/study"),
    gallery: () => asked("api/gallery"),
    answer: (picture, { reading, steps }) =>
      asked(`api/predict?reading=${reading}&steps=${steps ? "true" : "false"}`, {
        method: "POST",
        body: picture,
        headers: typeOf(picture),
      }),
    looked: (picture, signal) => asked("api/looked", { method: "POST", body: picture, headers: typeOf(picture), signal }),
  };
}

const typeOf = (picture) => ({ "Content-Type": picture.type.startsWith("image/") ? picture.type : "application/octet-stream" });

async function asked(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw Object.assign(new Error("unreachable"), { isUnreachable: true });
  }
  if (response.ok) return response.json();
  const content = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get("Retry-After")) || 0;
  throw Object.assign(new Error(content.error ?? `${response.status} ${response.statusText}`), { retryAfter: seconds });
}
