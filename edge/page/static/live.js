// Asking the gate, and drawing what a camera sees with a box around each face.
import { amount } from "/amounts.js";

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function granted(answer) {
  if (answer.status === 401) {
    location.assign("/login");
    throw new Error("a token is needed");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer;
}

export async function ask(path, options = {}) {
  const answer = await granted(await fetch(path, options));
  return answer.json();
}

export function order(path, document) {
  return ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document),
  });
}

export async function askPicture(path, after) {
  const answer = await granted(await fetch(`${path}/frame?after=${after}`));
  if (answer.status === 204) return null;
  const frame = JSON.parse(answer.headers.get("X-Frame"));
  frame.picture = await createImageBitmap(await answer.blob());
  return frame;
}

// Colour, line and sign each tell the kind alone. On a picture, colours are the same day and night.
const KINDS = {
  good: { colour: "#3ddc84", dash: [], sign: "✓" },
  bad: { colour: "#ff6b5e", dash: [6, 4], sign: "✗" },
  seen: { colour: "#d5dbe2", dash: [2, 4], sign: "·" },
};
const NARROW = 500;
const ORDER = ["seen", "bad", "good"];

export function draw(canvas, frame) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale) || frame.picture.width;
  const height = Math.round((width * frame.height) / frame.width);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  pen.drawImage(frame.picture, 0, 0, width, height);
  // The best last, so that its label is on top.
  const faces = [...frame.faces].sort((a, b) => ORDER.indexOf(a[4]) - ORDER.indexOf(b[4]));
  for (const face of faces) box(pen, face, scale);
  canvas.setAttribute("aria-label", describe(frame.faces));
}

function box(pen, [left, top, right, bottom, kind, words], scale) {
  const { colour, dash, sign } = KINDS[kind];
  const { width, height } = pen.canvas;
  const [x, y, w, h] = [left * width, top * height, (right - left) * width, (bottom - top) * height];
  pen.lineWidth = 2.5 * scale;
  pen.setLineDash([]);
  pen.strokeStyle = "rgb(0 0 0 / .55)";
  pen.strokeRect(x, y, w, h);
  pen.setLineDash(dash.map((length) => length * scale));
  pen.strokeStyle = colour;
  pen.strokeRect(x, y, w, h);
  // Side by side on a phone, long labels would hide each other; the reasons stand below as well.
  const shown = width < NARROW * scale ? words.match(/^\d*/)[0] : words;
  if (kind !== "seen") label(pen, { words: `${sign} ${shown}`.trim(), colour, x, y, h }, scale);
}

function label(pen, { words, colour, x, y, h }, scale) {
  pen.font = `600 ${13 * scale}px system-ui, sans-serif`;
  const [wide, high] = [pen.measureText(words).width + 10 * scale, 19 * scale];
  const left = Math.max(0, Math.min(x - 1.25 * scale, pen.canvas.width - wide));
  const top = y >= high ? y - high : Math.min(y + h, pen.canvas.height - high);
  pen.setLineDash([]);
  pen.fillStyle = colour;
  pen.fillRect(left, top, wide, high);
  pen.fillStyle = "#000";
  pen.textBaseline = "middle";
  pen.fillText(words, left + 5 * scale, top + high / 2);
}

function describe(faces) {
  if (!faces.length) return "Live picture, no face";
  const words = faces.map(([, , , , kind, text]) => `${KINDS[kind].sign} ${text}`);
  return `Live picture, ${amount(faces.length, "face")}: ${words.join("; ")}`;
}
