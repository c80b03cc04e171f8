// Answers on the page: who says what, how sure, how fast, where, and what was seen.

const MOST_BARS = 12; // classes that have a bar each; of more, the surest are named
const NAMED = 3;
const LEAST_SCORE = 0.5; // of a box that is drawn
const $ = (id) => document.getElementById(id);

// about: {study, reading, answers, place, error, progress, words, truth, isShown}
export function showAnswers(about) {
  const { answers, words } = about;
  $("verdict").textContent = verdict(about);
  $("verdict").classList.remove("waiting");
  $("beside").textContent = [about.truth && words.labelled(about.truth), !about.isShown && words.notShown, words.together(answers.milliseconds)].filter(Boolean).join(" ");
  $("as-line").hidden = !(about.reading === "one" && about.study.readings.includes("line") && answers.contenders[0]?.remark === "several");
  $("how").textContent = how(about);
  showContenders(about);
  showBoxes(about);
  showSeen(about);
}

export function showNothing(about) {
  const { study, words, error, progress } = about;
  $("verdict").textContent = error ?? words.waiting;
  $("verdict").classList.toggle("waiting", !error);
  $("beside").textContent = progress ? words.loading(progress.loaded, progress.total) : "";
  $("how").textContent = "";
  $("as-line").hidden = true;
  $("boxes").replaceChildren();
  $("saw").hidden = true;
  if (study) showContenders(about);
}

export function spoken(about) {
  const { answers, words, error } = about;
  if (!answers) return error ?? "";
  if (answers.reading === "line") return verdict(about);
  const each = answers.contenders.map((one) => `${one.contender}: ${one.label === null ? said(one, words) : `${one.label}, ${words.percent(one.probability)}`}`);
  return `${verdict(about)} ${each.join("; ")}`;
}

// ---- in one sentence

function verdict({ answers, words }) {
  if (answers.reading === "line") {
    if (!answers.things.length) return words.nothingRead;
    return words.read(answers.things.map(readAs).join(" "), answers.lines.length);
  }
  const { label, num_agree: count, num_asked: all } = answers.agreement;
  if (label !== null) return count === all ? words.all(all, label) : words.most(count, all, label);
  const remarks = new Set(answers.contenders.map((one) => said(one, words)));
  if (count === 0 && remarks.size === 1) return sentence([...remarks][0]);
  return count === 0 ? words.none : words.split;
}

// What stands where no class was named: of a picture that is unlike the training images, the class that is nearest.
function guess(one) {
  return one.remark === "unlike" && one.classes.length ? `${one.classes[0].label}?` : "–";
}

// A thing of a line: what most say, or a guess that all share.
function readAs(thing) {
  if (thing.agreement.label !== null) return thing.agreement.label;
  const guesses = new Set(thing.contenders.map((one) => one.label ?? guess(one)));
  return guesses.size === 1 && thing.contenders.length > 0 ? [...guesses][0] : "?";
}

const said = (one, words) => one.said?.[document.documentElement.lang] ?? words.none;
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function how({ answers, study, words }) {
  const detectors = study.contenders.filter((one) => one.is_detector).map((one) => one.contender);
  if (answers.how === "detector") return words.how.detector(detectors[0]);
  if (answers.how !== "components" || !answers.things.length) return "";
  return words.how.components + (detectors.length ? words.how.singles(detectors.join(", ")) : "");
}

// ---- one row a contender; rows stay, so that bars can move

function showContenders(about) {
  const { study, answers } = about, list = $("contenders");
  list.classList.toggle("of-lines", about.reading === "line");
  if (list.children.length !== study.contenders.length) list.replaceChildren(...study.contenders.map(emptyRow));
  study.contenders.forEach((card, place) => {
    const row = list.children[place];
    if (!answers) return showRow(row, {}, about);
    if (answers.reading === "line") return showLineRow(row, answers.lines[place], place, about);
    return showRow(row, answers.contenders[place], about);
  });
}

function emptyRow(card) {
  const row = element("li", "contender"), name = element("p", "name", "");
  row.style.setProperty("--colour", card.colour);
  name.append(element("span", "mark", card.mark), element("b", "", card.contender), element("small", "time", ""));
  name.title = card.title;
  row.append(name, element("p", "answer", ""), element("div", "bars", ""), element("p", "sure", ""));
  return row;
}

function showRow(row, one, about) {
  const { words, study, answers } = about, isEmpty = !one.run;
  const dissents = !isEmpty && answers.agreement.label !== null && one.label !== answers.agreement.label;
  row.className = `contender${isEmpty ? " empty" : ""}${dissents ? " dissents" : ""}${one.remark ? " remarked" : ""}`;
  part(row, "time").textContent = isEmpty ? "" : words.milliseconds(one.milliseconds);
  part(row, "answer").textContent = isEmpty ? "–" : (one.label ?? guess(one));
  part(row, "sure").textContent = isEmpty ? "" : one.label === null ? said(one, words) : words.percent(one.probability);
  if (study.classes.length > MOST_BARS) showNamed(part(row, "bars"), one.classes ?? [], words);
  else showBars(part(row, "bars"), one.classes ?? [], study.classes, words);
}

function showBars(bars, classes, names, words) {
  const chances = new Map(classes.map((each) => [each.label, each.probability]));
  if (bars.children.length !== names.length) {
    bars.replaceChildren(...names.map((name) => {
      const bar = element("span", "bar", "");
      bar.append(element("i", "", ""), element("small", "", name));
      return bar;
    }));
    bars.setAttribute("role", "img");
  }
  names.forEach((name, place) => {
    const chance = chances.get(name) ?? 0;
    bars.children[place].style.setProperty("--share", chance.toFixed(4));
    bars.children[place].classList.toggle("first", classes[0]?.label === name);
  });
  bars.setAttribute("aria-label", classes.slice(0, NAMED).map((each) => `${each.label} ${words.percent(each.probability)}`).join(", ") || "–");
}

function showNamed(bars, classes, words) {
  bars.classList.add("named");
  bars.replaceChildren(...classes.slice(0, NAMED).map((each) => {
    const bar = element("span", "bar", `${each.label} ${words.percent(each.probability)}`);
    bar.style.setProperty("--share", each.probability.toFixed(4));
    return bar;
  }));
}

function showLineRow(row, line, place, { answers, words }) {
  row.className = "contender";
  part(row, "time").textContent = line ? words.milliseconds(line.milliseconds) : "";
  const text = (line?.labels ?? []).map((label, thing) => {
    const isSame = answers.how === "detector" || label === answers.things[thing].agreement.label;
    const one = answers.things[thing]?.contenders[place];
    const digit = element("span", isSame ? "digit" : "digit other", label ?? (one ? guess(one) : "?"));
    if (label === null) digit.classList.add("guessed");
    if (one) digit.title = one.label === null ? said(one, words) : words.percent(one.probability);
    return digit;
  });
  part(row, "answer").replaceChildren(...(text.length ? text : ["–"]));
  part(row, "sure").textContent = "";
}

// ---- frames on the sheet

function showBoxes({ answers, place, study }) {
  const frame = $("boxes");
  frame.replaceChildren();
  if (!place) return;
  for (const [side, share] of Object.entries({ left: place.x, top: place.y, width: place.width, height: place.height })) frame.style[side] = `${100 * share}%`;
  frame.setAttribute("viewBox", `0 0 ${answers.width} ${answers.height}`);
  const colours = new Map(study.contenders.map((card) => [card.run, card.colour]));
  for (const thing of answers.things) {
    if (answers.how === "components") frame.append(rectangle(thing.box, "found"));
    frame.append(label(thing, answers));
    frame.append(...thing.contenders.flatMap((one) => detected(one, colours)));
  }
  frame.append(...answers.contenders.flatMap((one) => detected(one, colours)));
}

function detected(one, colours) {
  return one.boxes.filter((box) => box.score >= LEAST_SCORE).map((box) => rectangle(box.box, "detected", colours.get(one.run)));
}

function rectangle([left, top, right, bottom], kind, colour) {
  const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const sides = { x: left, y: top, width: right - left, height: bottom - top, class: kind };
  for (const [name, value] of Object.entries(sides)) box.setAttribute(name, value);
  if (colour) box.style.stroke = colour;
  return box;
}

function label(thing, { height }) {
  const [left, top, right, bottom] = thing.box, size = Math.min(height / 9, 0.35 * (bottom - top));
  const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
  const isRoom = top > 1.25 * size;
  const where = { x: (left + right) / 2, y: isRoom ? top - 0.3 * size : bottom + size, "font-size": size };
  for (const [name, value] of Object.entries(where)) text.setAttribute(name, value);
  text.textContent = readAs(thing);
  return text;
}

// ---- what the networks got

function showSeen({ answers, words }) {
  const pictures = answers.reading === "line" && answers.how === "components" ? answers.things.map((thing) => [thing.seen, readAs(thing)]) : [[answers.seen, ""]];
  const shown = pictures.filter(([picture]) => picture);
  $("saw").hidden = !shown.length && !answers.steps.length;
  $("seen").replaceChildren(...shown.map(([picture, caption]) => figure(picture, caption)));
  $("steps-frame").hidden = answers.reading === "line";
  $("steps").replaceChildren(...answers.steps.map((step) => {
    const item = element("li", "", ""), isEnglish = document.documentElement.lang === "en";
    item.append(figure(step.picture, words.stepNames[step.name] ?? step.name));
    if (isEnglish) item.append(element("small", "", step.words));
    return item;
  }));
}

function figure(picture, caption) {
  const frame = element("figure", "", ""), image = element("img", "", "");
  Object.assign(image, { src: picture, alt: caption });
  frame.append(image);
  if (caption) frame.append(element("figcaption", "", caption));
  return frame;
}

// ---- small change

function element(kind, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

const part = (row, name) => row.querySelector(`.${name}`);
