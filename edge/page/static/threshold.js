// The slider: what another threshold would have done, the lines to paste, and applying them.
import { amount } from "/amounts.js";
import { apply } from "/apply.js";
import { showFaces } from "/faces.js";
import { ask, pause } from "/live.js";

const QUIET_MS = 80;
const COPIED_MS = 2000;
const percent = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(0)}\u00a0%` : "–");

function unscored(reasons) {
  const counted = Object.entries(reasons).sort((a, b) => b[1] - a[1]);
  if (!counted.length) return "";
  const words = counted.map(([reason, count]) => `${reason} ${count}`).join(", ");
  return ` Discarded at any threshold: ${words}.`;
}

export class Threshold {
  constructor(camera) {
    this.camera = camera;
    this.inEffect = null;
    this.asked = 0;
    this.range = camera.find("input[type=range]");
    this.number = camera.find("input[type=number]");
    this.notice = camera.find(".applied");
    this.range.setAttribute("aria-label", `Try a threshold for ${camera.name}`);
    this.range.addEventListener("input", () => this.move(this.range.value));
    this.number.addEventListener("input", () => this.typed());
    camera.find("form").addEventListener("submit", (event) => event.preventDefault());
    camera.find(".back").addEventListener("click", () => this.move(this.inEffect));
    camera.find(".apply").addEventListener("click", () => this.apply());
    camera.find(".copy").addEventListener("click", () => this.copy());
    // The histogram is drawn in the colours of day or night.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.preview());
  }

  get value() {
    return Number(this.range.value);
  }

  show(camera, state) {
    this.reload = state.reload;
    const decides = camera.threshold !== null;
    this.camera.find(".tune form").hidden = !decides;
    this.camera.find(".tune details").hidden = !decides;
    this.camera.find(".refused").hidden = decides;
    if (!decides) {
      this.camera.find(".refused").textContent =
        "shift_at_most decides for this camera; remove it from the configuration to use a threshold.";
      this.camera.find(".sides").hidden = true;
      return;
    }
    this.camera.find(".apply").hidden = !state.allow_apply;
    if (camera.threshold !== this.inEffect) {
      this.inEffect = camera.threshold;
      this.move(camera.threshold);
    } else if (camera.faces !== this.faces) {
      this.preview();
    }
    this.faces = camera.faces;
  }

  typed() {
    if (this.number.value !== "" && this.number.reportValidity()) this.move(this.number.value);
  }

  move(threshold) {
    this.range.value = threshold;
    if (this.number.value === "" || Number(this.number.value) !== Number(threshold)) {
      this.number.value = threshold;
    }
    this.range.setAttribute("aria-valuetext", `${threshold} of 100`);
    const moved = this.value !== this.inEffect;
    this.camera.find(".back").disabled = !moved;
    this.camera.find(".back").textContent = `Back to ${this.inEffect}`;
    this.camera.find(".apply").disabled = !moved;
    this.preview();
  }

  // Only the newest question counts, and one is asked when the hand has rested for a moment.
  async preview() {
    const turn = ++this.asked;
    await pause(QUIET_MS);
    if (turn !== this.asked || this.camera.ended) return;
    try {
      const found = await ask(`${this.camera.path}/preview?threshold=${this.value}`);
      if (turn === this.asked) this.draw(found);
    } catch (error) {
      if (turn === this.asked) this.camera.find(".verdict").textContent = `✗ ${error.message}`;
    }
  }

  draw(found) {
    this.tellFirst(found.lost_words, this.words(found));
    this.camera.find("pre").textContent = found.yaml;
    this.histogram(found.histogram, found.threshold);
    this.camera.find(".sides").hidden = !found.gained_count && !found.lost_count;
    this.side("gained", found.gained, found.gained_count, "reach the threshold as well");
    this.side("lost", found.lost, found.lost_count, "no longer reach it");
  }

  // Who gets no face counts for more than any share: in a line of its own.
  tellFirst(first, rest) {
    const lead = document.createElement("strong");
    lead.textContent = first;
    this.camera.find(".verdict").replaceChildren(...(first ? [lead] : []), rest);
  }

  words(found) {
    if (!found.faces) return "No face was assessed yet; the preview begins with the first one.";
    const what = (counted) =>
      `${counted.faces} of ${amount(found.faces, "face")} (${percent(counted.faces, found.faces)}), ` +
      `${counted.people} of ${amount(found.people, "track")}`;
    const rest = unscored(found.unscored);
    if (found.threshold === this.inEffect) {
      return `In effect: ${this.inEffect}. Of the faces assessed last it passes ${what(found.now)}.${rest}`;
    }
    return `At ${found.threshold}: ${what(found.then)}. In effect, at ${this.inEffect}: ${what(found.now)}.${rest}`;
  }

  side(name, faces, count, words) {
    this.camera.find(`.${name}`).parentElement.hidden = !count;
    this.camera.find(`.${name}-title`).textContent =
      `${amount(count, "track")} would ${words}` +
      (count > faces.length ? `; ${faces.length} of them, close to the threshold` : "");
    const forwarded = name === "gained";
    showFaces(this.camera.find(`.${name}`), faces, { camera: this.camera, forwarded });
  }

  histogram(counts, threshold) {
    const canvas = this.camera.find(".histogram");
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, canvas.clientWidth * scale);
    canvas.height = 70 * scale;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const [width, high] = [canvas.width, canvas.height - 2 * scale];
    // The middle of a range's thumb never reaches the ends of its track.
    const inset = 8 * scale;
    const at = (score) => inset + (score / 100) * (width - 2 * inset);
    const most = Math.max(...counts, 1);
    counts.forEach((count, bin) => {
      const [from, to] = [bin, bin + 1].map((edge) => (edge * 100) / counts.length);
      pen.fillStyle = style.getPropertyValue(from >= threshold ? "--good" : "--bar");
      const tall = (count / most) * (high - 4 * scale);
      pen.fillRect(at(from), high - tall, at(to) - at(from) - scale, tall);
    });
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(inset, high, width - 2 * inset, scale);
    mark(pen, at(this.inEffect), style.getPropertyValue("--quiet"), [3 * scale, 3 * scale]);
    mark(pen, at(threshold), style.getPropertyValue("--accent"), []);
  }

  apply() {
    const threshold = this.value;
    return apply(this, {
      question: `change?threshold=${threshold}`,
      title: `${this.camera.name}: threshold ${this.inEffect} → ${threshold}?`,
      place: "threshold",
      asked: { threshold },
      done: `: ${threshold}`,
    });
  }

  async copy() {
    const button = this.camera.find(".copy");
    const lines = this.camera.find("pre");
    try {
      await navigator.clipboard.writeText(lines.textContent);
      button.textContent = "Copied";
    } catch {
      // Without encryption a browser keeps its clipboard closed.
      getSelection().selectAllChildren(lines);
      button.textContent = "Selected: press Ctrl-C";
    }
    await pause(COPIED_MS);
    button.textContent = "Copy";
  }
}

function mark(pen, x, colour, dash) {
  pen.strokeStyle = colour;
  pen.lineWidth = 2 * (window.devicePixelRatio || 1);
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(x, 0);
  pen.lineTo(x, pen.canvas.height);
  pen.stroke();
}
