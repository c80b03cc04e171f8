// The sheet: strokes by mouse, pen, finger or keys, kept as points, perhaps over a picture.
//
// Points are shares of the sheet's width, so that strokes are drawn again at any size.  What is sent is always dark on
// white, whatever the theme; a picture on which nothing was drawn is sent as it came.

const SENT_WIDTH = { one: 240, line: 1000, scene: 512 }; // pixels
const SHAPE = { one: 1, line: 1 / 3, narrow: 0.55 }; // height by width; narrow: a line on a phone
const KEY_STEP = 0.02; // of the width (of the height, where that is less), for a tap
const KEY_SPEED = 0.5; // of the same in a second, while a key is held
const HOLD = 180; // milliseconds, from which on a key is held
const SMALL = 120; // pixels: a picture that is drawn with hard edges
const SENT_BYTES = 6e6; // a larger picture is made smaller first
const SENT_SIDE = 2400; // pixels, to which
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  constructor(canvas, onChange, onPen) {
    Object.assign(this, { canvas, onChange, onPen, strokes: [], picture: null, reading: "one", shape: SHAPE.one, brush: 0.07 });
    this.pen = null; // {x, y, isDown} of the keyboard's
    this.held = new Set();
    this.drawing = new Map(); // pointer: its stroke
    new ResizeObserver(() => this.resize()).observe(canvas);
    for (const [type, handle] of Object.entries({
      pointerdown: this.begin, pointermove: this.go, pointerup: this.end, pointercancel: this.end, lostpointercapture: this.end,
      keydown: this.key, keyup: this.keyUp, blur: this.leave,
    })) canvas.addEventListener(type, handle.bind(this));
  }

  get isEmpty() { return !this.strokes.length && !this.picture; }

  // ---- what is on the sheet

  // `shape`: height by width, where it is not the usual one.
  setReading(reading, shape) {
    this.reading = reading;
    this.shape = shape ?? SHAPE[reading === "line" && matchMedia("(max-width: 40rem)").matches ? "narrow" : reading];
    this.canvas.style.aspectRatio = String(1 / this.shape);
    this.clear();
    this.pen = null;
    this.resize();
  }

  clear() {
    this.strokes = [];
    this.picture?.bitmap?.close();
    this.picture = null;
    this.drawing.clear();
    this.changed();
  }

  undo() {
    if (this.strokes.length) this.strokes.pop();
    else this.picture = null;
    this.changed();
  }

  async setPicture(blob, about = {}) {
    const bitmap = await createImageBitmap(blob).catch(() => null);
    this.strokes = [];
    this.picture = { blob, bitmap, isDark: bitmap !== null && isDark(bitmap), ...about };
    this.changed();
  }

  changed() {
    this.draw();
    this.onChange();
  }

  // ---- by pointer

  at(event) {
    const frame = this.canvas.getBoundingClientRect();
    return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.width];
  }

  begin(event) {
    if (event.button !== 0) return;
    try { this.canvas.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
    this.pen = null;
    const stroke = { points: [this.at(event)], width: this.width };
    this.drawing.set(event.pointerId, stroke);
    this.strokes.push(stroke);
    this.changed();
  }

  go(event) {
    const stroke = this.drawing.get(event.pointerId);
    if (!stroke) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) stroke.points.push(this.at(each));
    this.changed();
  }

  end(event) { this.drawing.delete(event.pointerId); }

  // ---- by keys

  get width() { return this.brush * (this.reading === "line" ? this.shape * 0.6 : 1); }

  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") this.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "Delete") this.clear();
    else if (event.key === "Escape" && this.pen) this.putPen(false);
    else if (event.key === " ") this.putPen(!this.pen?.isDown);
    else if (event.key in ARROWS) this.arrow(event);
    else return;
    event.preventDefault();
  }

  putPen(isDown) {
    this.pen ??= { x: 0.5, y: this.shape / 2 };
    this.pen.isDown = isDown;
    this.onPen(isDown);
    if (!isDown) return this.draw();
    this.strokes.push({ points: [[this.pen.x, this.pen.y]], width: this.width, byKeys: true });
    this.changed();
  }

  arrow(event) {
    if (event.repeat) return;
    const isFirst = !this.held.size;
    this.held.add(event.key);
    this.movePen(KEY_STEP * (event.shiftKey ? 4 : 1), [event.key]);
    if (isFirst) requestAnimationFrame((now) => this.glide(now, now + HOLD));
  }

  glide(before, from) {
    requestAnimationFrame((now) => {
      if (!this.held.size) return;
      if (now > from) this.movePen((KEY_SPEED * (now - Math.max(before, from))) / 1000, this.held);
      this.glide(now, from);
    });
  }

  movePen(distance, keys) {
    this.pen ??= { x: 0.5, y: this.shape / 2, isDown: false };
    for (const key of keys) {
      const [across, down] = ARROWS[key];
      this.pen.x = Math.min(1, Math.max(0, this.pen.x + across * distance * this.shape));
      this.pen.y = Math.min(this.shape, Math.max(0, this.pen.y + down * distance * this.shape));
    }
    const stroke = this.strokes.at(-1);
    if (!this.pen.isDown || !stroke?.byKeys) return this.draw();
    stroke.points.push([this.pen.x, this.pen.y]);
    this.changed();
  }

  keyUp(event) { this.held.delete(event.key); }

  leave() {
    this.held.clear();
    if (this.pen) this.pen.isDown = false;
    this.draw();
  }

  // ---- on the screen

  resize() {
    const frame = this.canvas.getBoundingClientRect();
    const width = Math.round(frame.width * devicePixelRatio), height = Math.round(frame.width * this.shape * devicePixelRatio);
    if (width && (this.canvas.width !== width || this.canvas.height !== height)) Object.assign(this.canvas, { width, height });
    this.draw();
  }

  draw() {
    const style = getComputedStyle(this.canvas), context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.paint(context, this.canvas.width, this.strokeColour(style.color));
    if (this.pen) this.crosshair(context, style.color);
  }

  strokeColour(usual) {
    if (!this.picture?.bitmap) return usual;
    return this.picture.isDark ? "#fff" : "#000";
  }

  paint(context, width, colour) {
    if (this.picture?.bitmap) {
      const place = this.picturePlace();
      context.imageSmoothingEnabled = this.picture.bitmap.width > SMALL;
      context.drawImage(this.picture.bitmap, place.x * width, place.y * width, place.width * width, place.height * width);
    }
    Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineCap: "round", lineJoin: "round" });
    for (const stroke of this.strokes) drawStroke(context, stroke, width);
  }

  // Where the picture lies, in shares of the sheet's width.
  picturePlace() {
    const { width, height } = this.picture.bitmap, scale = Math.min(1 / width, this.shape / height);
    return { x: (1 - width * scale) / 2, y: (this.shape - height * scale) / 2, width: width * scale, height: height * scale };
  }

  crosshair(context, colour) {
    const width = this.canvas.width, x = this.pen.x * width, y = this.pen.y * width, arm = 12 * devicePixelRatio;
    Object.assign(context, { strokeStyle: colour, lineWidth: 1.5 * devicePixelRatio });
    context.beginPath();
    for (const [dx, dy] of Object.values(ARROWS)) {
      context.moveTo(x + dx * arm * 0.4, y + dy * arm * 0.4);
      context.lineTo(x + dx * arm, y + dy * arm);
    }
    context.arc(x, y, Math.max(2, (this.width * width) / 2), 0, 7);
    context.stroke();
  }

  // ---- what is sent

  // {blob, place}: a picture, and where on the sheet it lies, in shares of the sheet's width and height.
  async sent() {
    if (this.picture && !this.strokes.length) {
      const { blob, bitmap } = this.picture;
      if (!bitmap) return { blob, place: null };
      const place = this.picturePlace();
      const shares = { x: place.x, y: place.y / this.shape, width: place.width, height: place.height / this.shape };
      return { blob: blob.size > SENT_BYTES ? await smaller(bitmap) : blob, place: shares };
    }
    const sheet = document.createElement("canvas");
    sheet.width = SENT_WIDTH[this.shape > SHAPE.narrow && this.reading === "line" ? "scene" : this.reading];
    sheet.height = Math.round(sheet.width * this.shape);
    const context = sheet.getContext("2d");
    context.fillStyle = this.picture?.isDark ? "#000" : "#fff";
    context.fillRect(0, 0, sheet.width, sheet.height);
    this.paint(context, sheet.width, this.picture?.isDark ? "#fff" : "#000");
    const blob = await new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
    return { blob, place: { x: 0, y: 0, width: 1, height: 1 } };
  }
}

function drawStroke(context, { points, width: share }, width) {
  context.lineWidth = share * width;
  context.beginPath();
  context.moveTo(points[0][0] * width, points[0][1] * width);
  if (points.length === 1) context.lineTo(points[0][0] * width + 0.01, points[0][1] * width);
  for (let place = 1; place < points.length; place += 1) {
    const [x, y] = points[place], [nextX, nextY] = points[place + 1] ?? points[place];
    context.quadraticCurveTo(x * width, y * width, ((x + nextX) / 2) * width, ((y + nextY) / 2) * width);
  }
  context.stroke();
}

// Whether a picture's border is nearer to black.
function isDark(bitmap) {
  const side = 16, sheet = new OffscreenCanvas(side, side), context = sheet.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  context.drawImage(bitmap, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  let sum = 0, count = 0;
  for (let place = 0; place < side * side; place += 1) {
    const x = place % side, y = Math.floor(place / side);
    if (x % (side - 1) && y % (side - 1)) continue;
    sum += data[4 * place] + data[4 * place + 1] + data[4 * place + 2];
    count += 3;
  }
  return sum / count < 128;
}

async function smaller(bitmap) {
  const scale = Math.min(1, SENT_SIDE / Math.max(bitmap.width, bitmap.height));
  const sheet = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  sheet.getContext("2d").drawImage(bitmap, 0, 0, sheet.width, sheet.height);
  return sheet.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}
