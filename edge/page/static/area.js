// Masks drawn over the live picture, and hours; previewed on the last faces, and applied.
import { amount } from "/amounts.js";
import { apply } from "/apply.js";
import { showFaces } from "/faces.js";
import { ask, draw, pause } from "/live.js";

const QUIET_MS = 150;
const SVG = "http://www.w3.org/2000/svg";
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const STEP = 0.01;
const LARGE_STEP = 0.05;
const NEW_MASK = [[0.35, 0.35], [0.65, 0.35], [0.65, 0.65], [0.35, 0.65]];
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = "corner, move with the arrow keys, take away with Delete";

const within = (value) => Math.min(1, Math.max(0, value));
const short = (value) => String(Number(value.toFixed(3)));
const textOf = (mask) => mask.map(([x, y]) => `${short(x)},${short(y)}`).join(" ");
const maskOf = (text) => text.trim().split(/\s+/).map((point) => point.split(",").map(Number));
const percent = (value) => `${Math.round(100 * value)} %`;

export class Area {
  constructor(camera) {
    this.camera = camera;
    this.asked = 0;
    this.size = [1600, 900];
    this.masks = [];
    this.schedule = [];
    this.svg = this.find(".drawing");
    this.notice = this.find(".area-applied");
    this.find(".add-mask").addEventListener("click", () => {
      this.masks.push(NEW_MASK.map((point) => [...point]));
      this.changed();
      this.handle(this.masks.length - 1, 0)?.focus();
    });
    this.find(".add-hours").addEventListener("click", () => {
      this.schedule.push({ days: [...DAYS], start: "08:00", end: "18:00" });
      this.changed();
      this.find(".hour-list li:last-child input").focus();
    });
    this.find(".area-back").addEventListener("click", () => this.open());
    this.find(".area-apply").addEventListener("click", () => this.apply());
    this.svg.addEventListener("pointerdown", (event) => this.grab(event));
    this.resizer = new ResizeObserver(() => this.week());
    this.resizer.observe(this.find(".week"));
  }

  find(selector) {
    return this.camera.find(selector);
  }

  async open() {
    const known = await ask(`${this.camera.path}/area`);
    this.masks = known.masks.map(maskOf);
    this.schedule = known.schedule;
    this.changed();
  }

  show(state) {
    this.reload = state.reload;
    this.find(".area-apply").hidden = !state.allow_apply;
  }

  look(frame) {
    this.size = [frame.width, frame.height];
    draw(this.find(".masking canvas"), frame);
    if (this.svg.getAttribute("viewBox") !== `0 0 ${frame.width} ${frame.height}`) this.drawMasks();
  }

  changed() {
    this.drawMasks();
    this.listMasks();
    this.listHours();
    this.week();
    this.preview();
  }

  // Each mask is an area to drag, its corners, and the middle of each side, which becomes a corner.
  drawMasks() {
    const [width, height] = this.size;
    const focused = document.activeElement?.dataset?.at;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren(...this.masks.flatMap((mask, place) => [
      this.shape(mask, place),
      ...mask.map((point, corner) => this.side(mask, place, corner)),
      ...mask.map((point, corner) => this.corner(point, place, corner)),
    ]));
    if (focused) this.svg.querySelector(`[data-at="${focused}"]`)?.focus();
  }

  shape(mask, place) {
    const [width, height] = this.size;
    const points = mask.map(([x, y]) => `${x * width},${y * height}`).join(" ");
    const shape = made("polygon", { points, class: "mask", tabindex: 0, role: "button", "data-at": `${place}` });
    shape.setAttribute("aria-label", `Mask ${place + 1}, ${mask.length} corners; move with the arrow keys, take away with Delete`);
    shape.addEventListener("keydown", (event) => this.keys(event, place, null));
    return shape;
  }

  corner([x, y], place, corner) {
    const label = `Mask ${place + 1}, ${KEYS}: ${percent(x)} from the left, ${percent(y)} from the top`;
    const knob = this.knob([x, y], 0.012, "corner", `${place}-${corner}`, label);
    knob.addEventListener("keydown", (event) => this.keys(event, place, corner));
    return knob;
  }

  side(mask, place, corner) {
    const [a, b] = [mask[corner], mask[(corner + 1) % mask.length]];
    const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const knob = this.knob(middle, 0.007, "side", `${place}-${corner}-side`, `Make a corner of mask ${place + 1} here`);
    knob.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.split(place, corner, middle);
      }
    });
    return knob;
  }

  knob([x, y], part, css, at, label) {
    const [width, height] = this.size;
    const knob = made("circle", {
      cx: x * width, cy: y * height, r: part * Math.max(width, height), class: css, tabindex: 0, role: "button", "data-at": at,
    });
    knob.setAttribute("aria-label", label);
    return knob;
  }

  handle(place, corner) {
    return this.svg.querySelector(`[data-at="${place}-${corner}"]`);
  }

  split(place, corner, point) {
    this.masks[place].splice(corner + 1, 0, point);
    this.changed();
    this.handle(place, corner + 1)?.focus();
  }

  keys(event, place, corner) {
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.remove(place, corner);
    }
    if (!MOVES[event.key]) return;
    event.preventDefault();
    const by = MOVES[event.key].map((each) => each * (event.shiftKey ? LARGE_STEP : STEP));
    this.move(place, corner, by);
    this.changed();
  }

  remove(place, corner) {
    if (corner === null || this.masks[place].length === 3) this.masks.splice(place, 1);
    else this.masks[place].splice(corner, 1);
    this.changed();
  }

  move(place, corner, [dx, dy]) {
    const mask = this.masks[place];
    const moved = corner === null ? mask : [mask[corner]];
    // A mask that reaches the border keeps its form.
    const [xs, ys] = [0, 1].map((axis) => moved.map((point) => point[axis]));
    const bounded = (by, values) => Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), by));
    const [x, y] = [bounded(dx, xs), bounded(dy, ys)];
    for (const point of moved) {
      point[0] = within(point[0] + x);
      point[1] = within(point[1] + y);
    }
  }

  grab(event) {
    const [place, corner, side] = (event.target.dataset.at ?? "").split("-");
    if (place === "") return;
    event.preventDefault();
    if (side) this.masks[place].splice(Number(corner) + 1, 0, this.at(event));
    const moved = corner === undefined ? null : Number(corner) + (side ? 1 : 0);
    let before = this.at(event);
    const drag = (next) => {
      const now = this.at(next);
      this.move(Number(place), moved, [now[0] - before[0], now[1] - before[1]]);
      before = now;
      this.drawMasks();
    };
    const end = () => {
      window.removeEventListener("pointermove", drag);
      this.changed();
    };
    window.addEventListener("pointermove", drag);
    window.addEventListener("pointerup", end, { once: true });
    window.addEventListener("pointercancel", end, { once: true });
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  }

  listMasks() {
    this.find(".mask-list").replaceChildren(...this.masks.map((mask, place) => {
      const item = document.createElement("li");
      const words = document.createElement("span");
      words.textContent = `Mask ${place + 1}: ${mask.length} corners`;
      item.append(words, button("Remove", `Remove mask ${place + 1}`, () => this.remove(place, null)));
      return item;
    }));
  }

  listHours() {
    const list = this.find(".hour-list");
    const [focused] = [[...list.querySelectorAll("input")].indexOf(document.activeElement)];
    list.replaceChildren(...this.schedule.map((hours, place) => this.hourItem(hours, place)));
    if (focused >= 0) list.querySelectorAll("input")[focused]?.focus();
  }

  hourItem(hours, place) {
    const item = document.createElement("li");
    const days = document.createElement("div");
    days.className = "days";
    for (const day of DAYS) days.append(this.dayBox(hours, place, day));
    const times = document.createElement("div");
    times.className = "times";
    times.append(
      this.timeField(hours, "start", `Start of hours ${place + 1}`), "to", this.timeField(hours, "end", `End of hours ${place + 1}`),
      button("Remove", `Remove hours ${place + 1}`, () => { this.schedule.splice(place, 1); this.changed(); }),
    );
    item.append(days, times);
    return item;
  }

  dayBox(hours, place, day) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = hours.days.includes(day);
    box.setAttribute("aria-label", `${day} of hours ${place + 1}`);
    box.addEventListener("change", () => {
      hours.days = DAYS.filter((each) => (each === day ? box.checked : hours.days.includes(each)));
      this.changed();
    });
    label.append(box, day);
    return label;
  }

  timeField(hours, end, label) {
    const field = document.createElement("input");
    field.type = "text";
    field.value = hours[end];
    field.inputMode = "numeric";
    field.maxLength = 5;
    field.setAttribute("aria-label", `${label}, as 08:00`);
    field.addEventListener("change", () => {
      hours[end] = /^\d:\d\d$/.test(field.value) ? `0${field.value}` : field.value;
      this.changed();
    });
    return field;
  }

  // A row for each day, a cell for each quarter of an hour.
  week() {
    const canvas = this.find(".week");
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, canvas.clientWidth * scale);
    canvas.height = 130 * scale;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const [left, foot] = [34 * scale, 18 * scale];
    const [wide, high] = [(canvas.width - left) / 96, (canvas.height - foot) / 7];
    pen.font = `${12 * scale}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    DAYS.forEach((day, row) => {
      pen.fillStyle = style.getPropertyValue("--quiet");
      pen.fillText(day, 0, (row + 0.5) * high);
      for (let cell = 0; cell < 96; cell += 1) {
        pen.fillStyle = style.getPropertyValue(this.isOn(row, cell * 15) ? "--good" : "--line");
        pen.fillRect(left + cell * wide, row * high + scale, wide + 0.5, high - 2 * scale);
      }
    });
    pen.fillStyle = style.getPropertyValue("--quiet");
    for (const hour of [0, 6, 12, 18, 24]) {
      pen.textAlign = { 0: "left", 24: "right" }[hour] ?? "center";
      pen.fillText(`${hour}:00`, left + hour * 4 * wide, canvas.height - foot / 2);
    }
    pen.textAlign = "left";
    canvas.setAttribute("aria-label", this.schedule.length ? `Looks on ${this.hourWords()}` : "Looks always");
  }

  hourWords() {
    return this.schedule.map(({ days, start, end }) => `${days.join(", ")} ${start} to ${end}`).join("; ");
  }

  isOn(day, minute) {
    const minutes = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    return !this.schedule.length || this.schedule.some(({ days, start, end }) => {
      const [from, to] = [minutes(start), minutes(end)];
      const [today, yesterday] = [days.includes(DAYS[day]), days.includes(DAYS[(day + 6) % 7])];
      if (from < to) return today && from <= minute && minute < to;
      return (today && from <= minute) || (yesterday && minute < to);
    });
  }

  get document() {
    return { masks: this.masks.map(textOf), schedule: this.schedule };
  }

  async preview() {
    const turn = ++this.asked;
    await pause(QUIET_MS);
    if (turn !== this.asked || this.camera.ended) return;
    try {
      const found = await ask(`${this.camera.path}/area-preview?${this.query()}`);
      if (turn === this.asked) this.showPreview(found);
    } catch (error) {
      if (turn !== this.asked) return;
      this.find(".area-said").textContent = `✗ ${error.message}`;
      this.find(".area-apply").disabled = true;
    }
  }

  query() {
    return new URLSearchParams({ asked: JSON.stringify(this.document) });
  }

  showPreview(found) {
    const words = [];
    if (found.masked_count) words.push(`${amount(found.masked_count, "person", "people")} would be under a mask.`);
    if (found.unmasked) words.push(`${amount(found.unmasked, "face")} would be under a mask no more.`);
    if (found.outside) words.push(`${amount(found.outside, "face was", "faces were")} seen outside of the hours.`);
    const none = found.changes.length ? `None of the last ${amount(found.faces, "face")} would change.` : "This is in effect.";
    this.find(".area-said").textContent = words.length ? `Of the last ${amount(found.faces, "face")}: ${words.join(" ")}` : none;
    showFaces(this.find(".area-masked"), found.masked, { camera: this.camera, forwarded: false });
    this.find(".area-yaml").textContent = found.yaml;
    this.find(".area-apply").disabled = !found.changes.length;
    this.find(".area-back").disabled = !found.changes.length;
  }

  async apply() {
    const isRead = await apply(this, {
      question: `area-change?${this.query()}`,
      title: `${this.camera.name}: other masks and hours?`,
      place: "apply-area",
      asked: this.document,
      done: "",
    });
    if (isRead) this.preview();
  }
}

function made(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function button(words, label, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "plain";
  element.textContent = words;
  element.setAttribute("aria-label", label);
  element.addEventListener("click", act);
  return element;
}
