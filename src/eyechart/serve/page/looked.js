// Where the contenders looked: maps that are asked for when drawing pauses, one of them over the sheet.

const REST = 600; // milliseconds without a change, before maps are asked for
const AGAIN = 150; // milliseconds until it is looked again whether the answer is there
const $ = (id) => document.getElementById(id);

export class Looked {
  // about(): {study, reading, answers, place, isAsking, language, words} at this moment.
  constructor(back, pad, about) {
    Object.assign(this, { back, pad, about, found: null, place: null, chosen: null, error: null, timer: 0, pending: null });
    $("looking").onchange = () => { this.changed(); this.show(); };
    $("maps").onclick = (event) => this.choose(event.target.closest("button")?.dataset.run);
  }

  get isOn() { return $("looking").checked && !$("looked").hidden; }

  // The sheet is another one: what was found is about the old one.
  changed() {
    clearTimeout(this.timer);
    this.pending?.abort();
    Object.assign(this, { found: null, error: null, pending: null });
    this.show();
    if (this.isOn && !this.pad.isEmpty) this.timer = setTimeout(() => this.ask(), REST);
  }

  // Answers come first: as long as one is on its way, maps wait.
  async ask() {
    const { answers, isAsking } = this.about();
    if (isAsking || !answers) {
      this.timer = setTimeout(() => this.ask(), AGAIN);
      return;
    }
    const pending = (this.pending = new AbortController());
    try {
      const { blob, place } = await this.pad.sent();
      const found = await this.back.looked(blob, pending.signal);
      if (this.pending === pending) Object.assign(this, { found, place, pending: null });
    } catch (error) {
      if (this.pending !== pending) return;
      this.pending = null;
      if (error.retryAfter) this.timer = setTimeout(() => this.ask(), 1000 * error.retryAfter);
      else this.error = error;
    }
    this.show();
  }

  choose(run) {
    if (!run) return;
    this.chosen = this.laid?.run === run ? "" : run; // the same again: nothing lies on the sheet
    this.show();
  }

  // ---- showing

  show() {
    const { study, reading } = this.about();
    $("looked").hidden = !(study?.has_maps && this.back.looked && reading === "one");
    $("looked-frame").hidden = !this.isOn;
    if (!this.isOn) {
      $("map").hidden = true;
      return;
    }
    $("looked-note").textContent = this.note();
    this.list();
    this.lay();
  }

  // While a new answer is on its way the old list stays, pale, so that nothing below it jumps.
  list() {
    const list = $("maps"), focused = document.activeElement?.dataset.run;
    list.classList.toggle("old", !this.found);
    if (!this.found && !this.pad.isEmpty && !this.error) return;
    list.replaceChildren(...(this.found?.maps ?? []).map((map) => this.item(map)));
    if (focused) list.querySelector(`[data-run="${CSS.escape(focused)}"]`)?.focus();
  }

  note() {
    const { words, language } = this.about();
    if (this.pad.isEmpty) return words.lookedNothing;
    if (this.error) return this.error.isUnreachable ? words.unreachable : this.error.message;
    if (!this.found) return this.pending ? words.lookedBusy : words.lookedWaiting;
    if (!this.found.maps.length) return sentence(this.found.said[language]);
    return words.lookedNote;
  }

  // The map that is on the sheet: the chosen one, or the first that there is.
  get laid() {
    const maps = (this.found?.maps ?? []).filter((map) => map.map);
    return this.chosen === "" ? undefined : (maps.find((map) => map.run === this.chosen) ?? maps[0]);
  }

  item(map) {
    const { study, answers, words, language } = this.about();
    const card = study.contenders.find((one) => one.run === map.run);
    const item = made("li"), name = made("span", "whose", "");
    item.style.setProperty("--colour", card.colour);
    name.append(made("span", "mark", card.mark), ` ${map.contender}`);
    if (!map.map) {
      item.append(name, made("small", "", map.said[language]));
      return item;
    }
    const button = made("button"), picture = made("span", "picture"), how = words.mapFor(words.methodNames[map.method], map.label);
    button.type = "button";
    button.dataset.run = map.run;
    button.setAttribute("aria-pressed", String(this.laid?.run === map.run));
    for (const source of [answers?.seen, map.map].filter(Boolean)) picture.append(Object.assign(made("img"), { src: source, alt: "" }));
    button.append(picture, name, made("small", "", how));
    item.append(button);
    return item;
  }

  lay() {
    const { laid, found, place } = this, picture = $("map");
    picture.hidden = !laid || !place;
    if (picture.hidden) return;
    const [left, top, right, bottom] = found.box;
    picture.src = laid.map;
    picture.className = laid.method === "grad-cam" ? "smooth" : "";
    const sides = {
      left: place.x + (place.width * left) / found.width, width: (place.width * (right - left)) / found.width,
      top: place.y + (place.height * top) / found.height, height: (place.height * (bottom - top)) / found.height,
    };
    for (const [side, share] of Object.entries(sides)) picture.style[side] = `${100 * share}%`;
  }
}

function made(kind, name, text) {
  const element = document.createElement(kind);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
