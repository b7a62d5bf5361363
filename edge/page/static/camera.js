// One camera's card: live picture, state, faces forwarded and discarded last.
import { ask, askPicture, draw, pause } from "/live.js";
import { Threshold } from "/threshold.js";

const PICTURE_MS = 200;
const FACES_MS = 1000;
const OLD_MS = 4000;
const SHOWN = 12;
const SIGNS = {
  streaming: ["●", "good"], starting: ["◌", "warn"], stalled: ["⚠", "warn"],
  lost: ["✗", "bad"], disabled: ["■", ""],
};
const NO_PICTURE = {
  starting: "Opening the camera …", stalled: "No frames come", disabled: "Ended",
  lost: "No picture: the camera is lost, and is tried again",
};

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
    this.visible = true;
    this.ended = false;
    this.newest = 0;
    this.drawnAt = -Infinity;
    this.canvas = this.find(".screen canvas");
    this.watcher = new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; });
    this.watcher.observe(this.find(".watch"));
    this.resizer = new ResizeObserver(() => { if (this.frame) draw(this.canvas, this.frame); });
    this.resizer.observe(this.canvas);
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  run() {
    this.repeat(PICTURE_MS, () => this.look());
    this.repeat(FACES_MS, () => this.list());
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
    this.element.remove();
  }

  show(camera, state) {
    const [sign, css] = SIGNS[camera.state];
    const words = this.find(".state");
    const text = `${sign} ${camera.words}`;
    if (words.textContent !== text) words.textContent = text;
    words.className = `state ${css}`;
    this.notice(".error", camera.error);
    this.notice(".drift", camera.notices.map((words) => `⚠ ${words}`).join(" "));
    this.showCounts(camera);
    this.state = camera.state;
    this.showAge();
    this.threshold.show(camera, state);
  }

  notice(selector, words) {
    const element = this.find(selector);
    element.hidden = !words;
    if (words && element.textContent !== words) element.textContent = words;
  }

  showCounts(camera) {
    const number = (value) => value.toLocaleString("en");
    this.find(".counts").textContent =
      `${number(camera.frames)} frames · ${number(camera.faces)} faces · ` +
      `${number(camera.forwarded)} forwarded` +
      (camera.mode === "observe" ? " · observing only, nothing is sent" : "");
  }

  showAge() {
    const dead = this.state !== "streaming";
    const old = dead || performance.now() - this.drawnAt > OLD_MS;
    this.find(".screen").classList.toggle("old", old);
    this.find(".nothing").hidden = !old;
    this.find(".nothing").textContent = NO_PICTURE[this.state] ?? "Waiting for a picture …";
  }

  async look() {
    if (!this.visible) return;
    const frame = await askPicture(this.path, this.newest);
    if (!frame) return;
    this.frame?.picture.close();
    this.frame = frame;
    this.newest = frame.number;
    this.drawnAt = performance.now();
    draw(this.canvas, frame);
    this.showAge();
  }

  async list() {
    const latest = await ask(`${this.path}/faces`);
    this.showFaces(this.find(".forwarded"), latest.forwarded.slice(0, SHOWN), true);
    this.showFaces(this.find(".discarded"), latest.discarded.slice(0, SHOWN), false);
  }

  // Faces that are shown already stay as they are: their pictures are not asked for again.
  showFaces(list, faces, forwarded) {
    const known = new Map([...list.children].map((item) => [item.dataset.number, item]));
    const items = faces.map((face) => known.get(String(face.number)) ?? this.face(face, forwarded));
    if (items.length !== list.children.length || items.some((item, n) => item !== list.children[n])) {
      list.replaceChildren(...items);
    }
  }

  face(face, forwarded) {
    const item = document.createElement("li");
    item.dataset.number = face.number;
    item.className = forwarded ? "good" : "bad";
    item.title = face.detail;
    const score = face.score === null ? "" : face.score.toFixed(0);
    const time = new Date(face.seen_s * 1000).toLocaleTimeString("en-GB");
    const image = document.createElement("img");
    image.alt = `Face, ${score ? `score ${score}, ` : ""}${forwarded ? "forwarded" : face.reason}`;
    image.src = `${this.path}/face?number=${face.number}`;
    const strong = document.createElement("strong");
    strong.textContent = `${forwarded ? "✓" : "✗"} ${score || face.reason}`;
    item.append(image, strong, score && !forwarded ? `${face.reason} ${time}` : time);
    return item;
  }
}
