// One camera in detail: live picture, state, faces forwarded last and near misses.
import { amount, number } from "/amounts.js";
import { Area } from "/area.js";
import { sign } from "/cameras.js";
import { showFaces } from "/faces.js";
import { History } from "/history.js";
import { ask, askPicture, draw, pause } from "/live.js";
import { Threshold } from "/threshold.js";

const PICTURE_MS = 200;
const FACES_MS = 1000;
const HISTORY_MS = 10000;
const OLD_MS = 4000;
const SHOWN = { forwarded: 6, missed: 12 };
const NO_PICTURE = { starting: "Opening the camera …", stalled: "No frames come", lost: "No picture", disabled: "Ended" };
const ALL = "all reasons";
const VIEWS = { faces: "Faces", history: "History", area: "Masks and hours" };

export class Camera {
  constructor(name) {
    this.path = `/api/cameras/${encodeURIComponent(name)}`;
    this.name = name;
    const made = document.getElementById("camera").content.cloneNode(true);
    this.element = made.querySelector("article");
    this.element.id = `camera-${name}`;
    this.element.setAttribute("aria-label", `Camera ${name}`);
    this.find("h2").textContent = name;
    this.threshold = new Threshold(this);
    this.history = new History(this);
    this.area = new Area(this);
    this.view = "faces";
    this.makeViews();
    this.visible = true;
    this.ended = false;
    this.newest = 0;
    this.drawnAt = -Infinity;
    this.latest = { forwarded: [], missed: [] };
    this.all = { forwarded: false, missed: false };
    this.canvas = this.find(".screen canvas");
    this.watcher = new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; });
    this.watcher.observe(this.find(".watch"));
    this.resizer = new ResizeObserver(() => { if (this.frame) draw(this.canvas, this.frame); });
    this.resizer.observe(this.canvas);
    this.find(".reasons").addEventListener("change", () => this.showLatest());
    for (const kind of ["forwarded", "missed"]) {
      this.more(kind).addEventListener("click", () => {
        this.all[kind] = !this.all[kind];
        this.showLatest();
      });
    }
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  makeViews() {
    for (const [view, words] of Object.entries(VIEWS)) {
      const link = document.createElement("a");
      link.href = `#/${this.name}/${view}`;
      link.dataset.of = view;
      link.textContent = words;
      this.find(".views").append(link);
    }
  }

  showView(asked) {
    const view = asked in VIEWS ? asked : "faces";
    for (const link of this.find(".views").children) {
      if (link.dataset.of === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const part of this.element.querySelectorAll(".view")) part.hidden = part.dataset.view !== view;
    const isNew = view !== this.view;
    this.view = view;
    if (isNew && view === "history") this.history.load();
    if (isNew && view === "area") this.area.open();
  }

  more(kind) {
    return this.find(`.${kind}`).parentElement.querySelector(".more");
  }

  run() {
    this.repeat(PICTURE_MS, () => this.look());
    this.repeat(FACES_MS, () => this.list());
    this.repeat(HISTORY_MS, () => (this.view === "history" ? this.history.load() : null));
  }

  async repeat(everyMs, once) {
    while (!this.ended) {
      try {
        if (!document.hidden) await once();
      } catch {
        // The page's own question, once a second, tells of a gate that does not answer.
      }
      await pause(everyMs);
    }
  }

  end() {
    this.ended = true;
    this.watcher.disconnect();
    this.resizer.disconnect();
    this.frame?.picture.close();
    this.element.remove();
  }

  show(camera, state, view) {
    this.names = state.cameras.map((each) => each.name);
    this.showView(view);
    const words = this.find(".state");
    const mode = camera.mode === "observe" ? " · observing only, nothing is sent" : "";
    const text = `${sign(camera.sign)} ${camera.words}${mode}`;
    if (words.textContent !== text) words.textContent = text;
    words.className = `state ${camera.sign}`;
    this.notice(".error", camera.error);
    this.notice(".drift", camera.notices.map((each) => `⚠ ${each}`).join(" "));
    this.find(".baseline").textContent = camera.drift;
    this.showCounts(camera);
    this.state = camera.state;
    this.showAge();
    this.threshold.show(camera, state);
    this.area.show(state);
  }

  notice(selector, words) {
    const element = this.find(selector);
    element.hidden = !words;
    if (words && element.textContent !== words) element.textContent = words;
  }

  showCounts(camera) {
    const reasons = Object.entries(camera.reasons).sort((a, b) => b[1] - a[1]);
    const discarded = reasons.map(([reason, count]) => `${reason} ${number(count)}`).join(", ");
    this.find(".counts").textContent =
      `${amount(camera.frames, "frame")}, ${amount(camera.faces, "face")}: ` +
      `${number(camera.forwarded)} forwarded${discarded && `, ${discarded}`}`;
  }

  // A camera without a picture takes a line of words, not half a screen of black.
  showAge() {
    const dead = this.state !== "streaming";
    const old = dead || performance.now() - this.drawnAt > OLD_MS;
    this.element.classList.toggle("dark", ["lost", "disabled"].includes(this.state));
    for (const screen of this.element.querySelectorAll(".screen")) {
      screen.classList.toggle("old", old);
      screen.querySelector(".nothing").hidden = !old;
      screen.querySelector(".nothing").textContent = NO_PICTURE[this.state] ?? "Waiting for a picture …";
    }
  }

  async look() {
    if (this.view === "history" || (this.view === "faces" && !this.visible) || this.element.classList.contains("dark")) return;
    const frame = await askPicture(this.path, this.newest);
    if (!frame) return;
    this.frame?.picture.close();
    this.frame = frame;
    this.newest = frame.number;
    this.drawnAt = performance.now();
    if (this.view === "area") this.area.look(frame);
    else draw(this.canvas, frame);
    this.showAge();
  }

  async list() {
    if (this.view !== "faces") return;
    this.latest = await ask(`${this.path}/faces`);
    this.showReasons();
    this.showLatest();
  }

  showLatest() {
    const { forwarded, missed } = this.latest;
    const reason = this.find(".reasons").value || ALL;
    this.some("forwarded", forwarded);
    this.some("missed", missed.filter((face) => reason === ALL || face.reason === reason));
  }

  some(kind, faces) {
    const shown = this.all[kind] ? faces : faces.slice(0, SHOWN[kind]);
    showFaces(this.find(`.${kind}`), shown, { camera: this, forwarded: kind === "forwarded" });
    const button = this.more(kind);
    button.hidden = faces.length <= SHOWN[kind];
    button.textContent = this.all[kind] ? "Show fewer" : `Show all ${faces.length}`;
  }

  // Whatever reasons there are: a later release may know others.
  showReasons() {
    const counts = new Map([[ALL, this.latest.missed.length]]);
    for (const { reason } of this.latest.missed) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const select = this.find(".reasons");
    const told = [...counts].join();
    if (select.dataset.told === told) return;
    select.dataset.told = told;
    const chosen = select.value;
    select.replaceChildren(...[...counts].map(([reason, count]) => {
      const option = new Option(`${reason} (${count})`, reason);
      option.selected = reason === chosen;
      return option;
    }));
  }
}
