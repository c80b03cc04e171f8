// The page: what is on the sheet goes to whoever answers, and the answers are shown.

import { openBack } from "./back.js";
import { Looked } from "./looked.js";
import { Pad } from "./pad.js";
import { showAnswers, showNothing, spoken } from "./show.js";
import { WORDS } from "./words.js";

const SETTLE = 25; // milliseconds between a change and the question
const SPEAK_AFTER = 700; // milliseconds of rest, before a screen reader hears the answer
const THEMES = ["auto", "light", "dark"];
const $ = (id) => document.getElementById(id);

const back = openBack(showProgress);
const state = {
  study: null, reading: "one", sheet: 0, wanted: 0, answers: null, place: null, error: null, progress: null, isAsking: false,
  language: kept("language") ?? (navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en"),
  theme: kept("theme") ?? "auto",
};
const pad = new Pad($("pad"), changed, (isDown) => say(isDown ? words().penDown : words().penUp));
const looked = new Looked(back, pad, () => ({ ...state, words: words() }));
let speaking = 0;

const words = () => WORDS[state.language];

// ---- asking: one question at a time, always about the latest state of the sheet

function changed() {
  state.wanted += 1;
  $("undo").disabled = $("clear").disabled = pad.isEmpty;
  $("hint").hidden = !pad.isEmpty;
  looked.changed();
  if (pad.isEmpty) {
    state.sheet += 1; // what is still on its way is about another sheet
    state.answers = state.error = null;
    show();
  }
  if (!state.isAsking) ask();
}

async function ask() {
  state.isAsking = true;
  for (let asked = -1; asked !== state.wanted; ) {
    await pause(SETTLE);
    asked = state.wanted;
    if (!pad.isEmpty) await askOnce();
  }
  state.isAsking = false;
}

async function askOnce() {
  const { sheet, reading } = state;
  const isCurrent = () => sheet === state.sheet && reading === state.reading;
  try {
    const { blob, place } = await pad.sent();
    const answers = await back.answer(blob, { reading, steps: reading === "one" && $("steps-frame").open });
    if (!isCurrent()) return;
    Object.assign(state, { answers, place, error: null });
  } catch (error) {
    if (!isCurrent()) return;
    if (error.retryAfter) {
      await pause(1000 * error.retryAfter);
      state.wanted += 1; // ask again
      return;
    }
    Object.assign(state, { answers: null, error });
  }
  show();
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// ---- showing

function show() {
  const about = { ...state, words: words(), error: state.error && inWords(state.error), truth: pad.strokes.length ? null : pad.picture?.truth, isShown: pad.picture?.bitmap !== null };
  if (state.answers) showAnswers(about);
  else showNothing(about);
  looked.show();
  clearTimeout(speaking);
  if (state.answers || state.error) speaking = setTimeout(() => say(spoken(about)), SPEAK_AFTER);
}

// An error's sentence: from a server in English, from a browser in both languages.
function inWords(error) {
  return error.said?.[state.language] ?? (error.isUnreachable ? words().unreachable : error.message);
}

// How much of what answers is here, where it must come to the browser first; in bytes.
function showProgress(progress) {
  state.progress = progress.loaded < progress.total ? progress : null;
  if (!state.answers) show();
}

function say(sentence) { $("spoken").textContent = sentence; }

function showWords() {
  const said = words(), { study } = state;
  document.documentElement.lang = state.language;
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = said[element.dataset.words];
  $("language").firstChild.textContent = said.otherLanguage;
  $("language").lastChild.textContent = state.language === "en" ? "FR" : "EN";
  $("language").lang = state.language === "en" ? "fr" : "en";
  $("theme").firstChild.textContent = said.themes[state.theme];
  for (const [id, name] of [["language", said.otherLanguage], ["theme", said.themes[state.theme]]]) {
    $(id).setAttribute("aria-label", name);
    $(id).title = name;
  }
  $("tools").setAttribute("aria-label", said.tools);
  $("pad").setAttribute("aria-label", said.padName);
  if (!study) return;
  const areDigits = study.classes.every((name) => /^\d+$/.test(name));
  const isDrawn = study.is_ink || (study.task === "detection" && areDigits); // nobody measures the ink of scenes
  const [one, line, hintLine] = areDigits ? [said.drawDigit, said.drawDigits, said.hintLine] : [said.drawThing, said.drawThings, said.hintLineThings];
  $("question").textContent = said.question(!isDrawn ? said.showPicture : state.reading === "line" ? line : one, study.contenders.length);
  $("hint").textContent = !isDrawn ? said.hintPicture : state.reading === "line" ? hintLine : said.hintOne;
  if (!areDigits) for (const reading of ["one", "line"]) document.querySelector(`[data-words=${reading}]`).textContent = said[`${reading}Thing`];
  if (!study.is_ink) document.querySelector("[data-words=sawNote]").textContent = said.sawAsItCame;
  for (const image of document.querySelectorAll("#gallery button")) image.setAttribute("aria-label", said.imageOf(image.dataset.label));
  document.title = `eyechart: ${study.study}`;
  show();
}

function showTheme() {
  if (state.theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = state.theme;
  pad.draw();
}

function setReading(reading) {
  state.reading = reading;
  state.sheet += 1;
  const { study } = state, isScene = study?.line_by === "detector"; // a sheet that is as the scenes are
  document.querySelector("main").dataset.reading = isScene ? "scene" : reading;
  for (const input of document.querySelectorAll("[name=reading]")) input.checked = input.value === reading;
  state.answers = state.error = null;
  looked.changed();
  pad.setReading(reading, isScene ? study.height / study.width : undefined);
  showWords();
}

// ---- settings that stay, where the browser lets them

function kept(name) {
  try { return localStorage.getItem(`eyechart-${name}`); } catch { return null; }
}

function keep(name, value) {
  state[name] = value;
  try { localStorage.setItem(`eyechart-${name}`, value); } catch { /* then for this time alone */ }
}

// ---- what people do

function listen() {
  $("undo").onclick = () => pad.undo();
  $("clear").onclick = () => { pad.clear(); say(words().cleared); $("pad").focus({ preventScroll: true }); };
  $("brush").oninput = (event) => { pad.brush = Number(event.target.value) / 100; };
  $("language").onclick = () => { keep("language", state.language === "en" ? "fr" : "en"); showWords(); };
  $("theme").onclick = () => { keep("theme", THEMES[(THEMES.indexOf(state.theme) + 1) % 3]); showTheme(); showWords(); };
  $("readings").onchange = (event) => setReading(event.target.value);
  $("as-line").onclick = asLine;
  $("steps-frame").ontoggle = () => { if ($("steps-frame").open && !pad.isEmpty) changed(); };
  for (const id of ["choose", "photograph"]) {
    $(id).onchange = (event) => { take(event.target.files); event.target.value = ""; };
  }
  document.addEventListener("paste", (event) => { if (take(event.clipboardData?.files)) event.preventDefault(); });
  document.addEventListener("dragover", (event) => { event.preventDefault(); $("paper").classList.add("over"); });
  document.addEventListener("dragleave", () => $("paper").classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    $("paper").classList.remove("over");
    take(event.dataTransfer?.files);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => pad.draw());
}

function take(files) {
  const [file] = files ?? [];
  if (file) newPicture(file);
  return Boolean(file);
}

function newPicture(blob, about) {
  state.sheet += 1;
  state.answers = state.error = null;
  return pad.setPicture(blob, about);
}

// What was drawn as one thing is several: the same sheet, as a line.
async function asLine() {
  const { blob } = await pad.sent();
  setReading("line");
  await newPicture(blob);
}

async function showGallery() {
  const { images } = await back.gallery();
  $("gallery-frame").hidden = !images.length;
  $("gallery").replaceChildren(...images.map((image) => {
    const item = document.createElement("li"), button = document.createElement("button"), picture = document.createElement("img");
    Object.assign(button, { type: "button", onclick: () => tryImage(image) });
    button.dataset.label = image.label;
    button.setAttribute("aria-label", words().imageOf(image.label));
    Object.assign(picture, { src: image.picture, alt: "" });
    button.append(picture, image.label);
    item.append(button);
    return item;
  }));
}

async function tryImage(image) {
  if (state.study.readings.includes("one") && state.reading !== "one") setReading("one");
  await newPicture(fromDataUrl(image.picture), { truth: image.label });
  document.querySelector("main").scrollIntoView({ block: "start" });
}

function fromDataUrl(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}

async function start() {
  showTheme();
  showWords();
  listen();
  try {
    const study = (state.study = await back.study());
    $("dataset").textContent = study.dataset;
    $("version").textContent = `eyechart ${study.version} · ${study.study} ·`;
    if (study.report) Object.assign($("report"), { href: study.report.replace(/^\//, ""), hidden: false });
    if (study.api) Object.assign($("api"), { href: study.api, hidden: false });
    $("readings").hidden = study.readings.length < 2;
    setReading(study.readings[0]);
    await showGallery();
  } catch (error) {
    state.error = error;
    show();
  }
}

start();
