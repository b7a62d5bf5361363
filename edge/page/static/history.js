// The last week of one camera by the hour, and what happened: events of all cameras or of one.
import { amount, number } from "/amounts.js";
import { ask } from "/live.js";

const SPANS = { "24 hours": 24, "3 days": 72, "7 days": 168 };
const COLOURS = ["--bar", "--warn", "--accent", "--bad", "--quiet"];
const HOUR_MS = 3600000;
const total = (counts) => Object.values(counts).reduce((sum, value) => sum + value, 0);
const dayAndHour = (hour) =>
  new Date(hour * HOUR_MS).toLocaleString("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export class History {
  constructor(camera) {
    this.camera = camera;
    this.span = 24;
    this.events = [];
    for (const [words, hours] of Object.entries(SPANS)) this.spanButton(words, hours);
    this.find(".event-camera").addEventListener("change", () => this.loadEvents());
    this.find(".event-reason").addEventListener("change", () => this.loadEvents());
    this.find(".older").addEventListener("click", () => this.loadEvents(this.events.at(-1).event_id));
    this.resizer = new ResizeObserver(() => { if (this.found) this.draw(); });
    this.resizer.observe(this.find(".charts"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.found && this.draw());
  }

  find(selector) {
    return this.camera.find(selector);
  }

  spanButton(words, hours) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = words;
    button.setAttribute("aria-pressed", hours === this.span);
    button.addEventListener("click", () => {
      this.span = hours;
      for (const each of this.find(".hours").children) each.setAttribute("aria-pressed", each === button);
      this.draw();
    });
    this.find(".hours").append(button);
  }

  async load() {
    this.found = await ask(`${this.camera.path}/history`);
    this.find(".since").textContent = this.found.is_kept
      ? "Kept for a week, without faces."
      : "Since the gate was started: name a file as page.history to keep a week.";
    this.draw();
    if (!this.isOlder) await this.loadEvents();
  }

  // All hours up to now, those without anything included.
  hours() {
    const known = new Map(this.found.hours.map((each) => [each.hour, each]));
    return Array.from({ length: this.span }, (_, place) => {
      const hour = this.found.newest - this.span + 1 + place;
      return known.get(hour) ?? { hour, reason: {}, score: {}, state: {} };
    });
  }

  draw() {
    const hours = this.hours();
    const reasons = this.reasons(hours);
    const forwarded = hours.map(({ reason }) => [reason.forwarded ?? 0]);
    const discarded = hours.map(({ reason }) => reasons.map((each) => reason[each] ?? 0));
    const scores = Array.from({ length: 10 }, (_, bin) => [
      hours.reduce((sum, { score }) => sum + (score[bin * 10] ?? 0), 0),
    ]);
    const up = hours.map(({ state }) => [total(state) ? (100 * (state.streaming ?? 0)) / total(state) : 0]);
    const whole = this.span === 24 ? "24 hours" : `${this.span / 24} days`;
    const sum = (rows) => rows.flat().reduce((all, value) => all + value, 0);
    const times = this.times(hours);
    bars(this.find(".by-forwarded"), forwarded, ["--good"], times, `${amount(sum(forwarded), "face")} forwarded in ${whole}`);
    bars(this.find(".by-reason"), discarded, COLOURS, times, `${amount(sum(discarded), "face")} discarded in ${whole}`);
    bars(this.find(".by-score"), scores, ["--bar"], ["0", "50", "100"], `${amount(sum(scores), "score")} in ${whole}`);
    bars(this.find(".by-state"), up, ["--good"], times, this.stateWords(hours), 100);
    this.keys(reasons, hours);
    this.table(hours, reasons);
  }

  times(hours) {
    const ends = [hours[0].hour, hours[Math.floor(hours.length / 2)].hour];
    return [...ends.map((hour) => dayAndHour(hour)), "now"];
  }

  // The most frequent ones by name, and all others together.
  reasons(hours) {
    const counts = new Map();
    for (const { reason } of hours) {
      for (const [name, count] of Object.entries(reason)) {
        if (name !== "forwarded") counts.set(name, (counts.get(name) ?? 0) + count);
      }
    }
    return [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  }

  stateWords(hours) {
    const states = {};
    for (const { state } of hours) {
      for (const [name, seconds] of Object.entries(state)) states[name] = (states[name] ?? 0) + seconds;
    }
    const all = total(states);
    if (!all) return "Not watched in this time";
    return Object.entries(states).map(([name, s]) => `${name} ${((100 * s) / all).toFixed(0)} %`).join(", ");
  }

  keys(reasons, hours) {
    const items = reasons.map((reason, place) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = `key key-${Math.min(place, COLOURS.length - 1)}`;
      const count = hours.reduce((sum, each) => sum + (each.reason[reason] ?? 0), 0);
      item.append(swatch, `${reason} ${number(count)}`);
      return item;
    });
    this.find(".keys").replaceChildren(...items);
  }

  table(hours, reasons) {
    const heads = ["Hour", "forwarded", ...reasons, "mean score", "streamed"];
    const rows = hours.filter(({ reason, state }) => total(reason) || total(state)).reverse();
    this.find("table").replaceChildren(row(heads, "th"), ...rows.map((each) => row([
      dayAndHour(each.hour), each.reason.forwarded ?? 0, ...reasons.map((name) => each.reason[name] ?? 0),
      meanScore(each.score), total(each.state) ? `${((100 * (each.state.streaming ?? 0)) / total(each.state)).toFixed(0)} %` : "–",
    ], "td")));
  }

  async loadEvents(before = 0) {
    this.fillCameras();
    const [camera, reason] = [".event-camera", ".event-reason"].map((each) => this.find(each).value);
    const asked = new URLSearchParams({ camera, reason, before });
    const found = await ask(`/api/events?${asked}`);
    this.isOlder = before > 0;
    this.events = before ? [...this.events, ...found.events] : found.events;
    fill(this.find(".event-reason"), [["", "all"], ...found.reasons.map((each) => [each, each])]);
    this.find(".older").hidden = !found.has_more;
    this.find(".event-list").replaceChildren(...this.events.map(eventItem));
  }

  fillCameras() {
    const select = this.find(".event-camera");
    const isFirst = !select.options.length;
    fill(select, [["", "all"], ...this.camera.names.map((name) => [name, name])]);
    if (isFirst) select.value = this.camera.name;
  }
}

function fill(select, options) {
  const told = options.join();
  if (select.dataset.told === told) return;
  select.dataset.told = told;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, words]) => new Option(words, value, false, value === chosen)));
}

function eventItem(event) {
  const item = document.createElement("li");
  const good = event.reason === "forwarded" || event.reason === "streaming";
  const parts = [
    ["time", new Date(event.wall_s * 1000).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" })],
    ["strong", event.camera],
    ["b", `${good ? "✓" : "✗"} ${event.reason}${event.score === null ? "" : ` ${Math.floor(event.score)}`}`],
    ["span", event.words === event.reason ? "" : event.words],
  ];
  for (const [name, words] of parts) {
    const part = document.createElement(name);
    part.textContent = words;
    item.append(part);
  }
  item.className = good ? "good" : "bad";
  return item;
}

function meanScore(scores) {
  const sum = Object.entries(scores).reduce((all, [low, count]) => all + (Number(low) + 5) * count, 0);
  return total(scores) ? (sum / total(scores)).toFixed(0) : "–";
}

function row(cells, kind) {
  const made = document.createElement("tr");
  for (const cell of cells) {
    const part = document.createElement(kind);
    part.textContent = cell;
    if (kind === "th") part.scope = "col";
    made.append(part);
  }
  return made;
}

// One column for each row of amounts, those of a row upon each other.
function bars(canvas, rows, colours, times, words, top = 0) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, canvas.clientWidth * scale);
  canvas.height = 140 * scale;
  canvas.setAttribute("aria-label", words);
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const most = top || Math.max(...rows.map((row) => row.reduce((sum, value) => sum + value, 0)), 1);
  const [head, foot] = [20 * scale, 18 * scale];
  const high = canvas.height - head - foot;
  const wide = canvas.width / rows.length;
  const gap = wide > 5 * scale ? scale : 0; // a week on a phone would be half gaps
  rows.forEach((row, place) => {
    let base = head + high;
    row.forEach((value, kind) => {
      const tall = (value / most) * high;
      pen.fillStyle = style.getPropertyValue(colours[Math.min(kind, colours.length - 1)]);
      pen.fillRect(place * wide, base - tall, wide - gap, tall);
      base -= tall;
    });
  });
  pen.fillStyle = style.getPropertyValue("--line");
  pen.fillRect(0, head + high, canvas.width, scale);
  pen.font = `${12 * scale}px system-ui, sans-serif`;
  pen.fillStyle = style.getPropertyValue("--quiet");
  pen.textBaseline = "top";
  pen.fillText(words, 0, 2 * scale);
  times.forEach((time, place) => {
    pen.textAlign = ["left", "center", "right"][place];
    pen.fillText(time, (place * canvas.width) / 2, head + high + 5 * scale);
  });
  pen.textAlign = "left";
}
