// Faces in lists, and one of them opened with its record.
import { amount } from "/amounts.js";
import { ask, order } from "/live.js";

const dialog = document.getElementById("face");
const part = (selector) => dialog.querySelector(selector);
let opened = null;
let marked = {};

const timeOf = (face) => new Date(face.seen_s * 1000).toLocaleTimeString("en-GB");
const SENT = new Set(["forwarded", "best of track"]);

// 49.6 is below a threshold of 50, and must not look as if it were not.
const scoreOf = (face) => (face.score === null ? "" : String(Math.floor(face.score)));

export function headline(face, forwarded) {
  return `${forwarded ? "✓" : "✗"} ${scoreOf(face) || face.reason}`;
}

// What a preview would discard is forwarded as yet: beside a cross the reason alone would contradict.
const reasonOf = (face) => (SENT.has(face.reason) ? `${face.reason} now` : face.reason);

// Faces that are shown already stay as they are: their pictures are not asked for again.
export function showFaces(list, faces, { camera, forwarded }) {
  const known = new Map([...list.children].map((item) => [item.dataset.number, item]));
  const items = faces.map((face, place) => {
    const item = known.get(String(face.number)) ?? made(face, camera, forwarded);
    item.open = () => open(faces, place, { camera, forwarded });
    return item;
  });
  if (items.length !== list.children.length || items.some((item, n) => item !== list.children[n])) {
    const focused = document.activeElement;
    const had = list.contains(focused);
    list.replaceChildren(...items);
    if (had && focused.isConnected) focused.focus();
  }
}

function made(face, camera, forwarded) {
  const item = document.createElement("li");
  item.dataset.number = face.number;
  item.className = forwarded ? "good" : "bad";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "face";
  button.title = face.detail;
  button.addEventListener("click", () => item.open());
  const strong = document.createElement("strong");
  strong.textContent = headline(face, forwarded);
  const rest = document.createElement("span");
  const alike = face.alike ? ` · ${face.alike} more alike` : "";
  rest.textContent = `${scoreOf(face) && !forwarded ? `${reasonOf(face)} ` : ""}${timeOf(face)}${alike}`;
  button.append(picture(face, camera, forwarded), strong, rest);
  item.append(button);
  return item;
}

function picture(face, camera, forwarded) {
  const image = document.createElement("img");
  const score = scoreOf(face);
  image.alt = `Face, ${score ? `score ${score}, ` : ""}${forwarded ? "forwarded" : face.reason}`;
  image.src = `${camera.path}/face?${face.query}`;
  return image;
}

function open(faces, place, { camera, forwarded }) {
  opened = { faces, place, camera, forwarded };
  show();
  if (!dialog.open) dialog.showModal();
}

function step(by) {
  opened.place += by;
  show();
}

async function show() {
  const { faces, place, camera, forwarded } = opened;
  const face = faces[place];
  part("h2").textContent = `${camera.name}: ${headline(face, forwarded)}`;
  part(".large").src = `${camera.path}/face?${face.query}`;
  part(".large").alt = part("h2").textContent;
  part(".large").className = `large ${forwarded ? "good" : "bad"}`;
  part(".detail").textContent = `${face.detail}.`;
  part(".previous").disabled = place === 0;
  part(".next").disabled = place === faces.length - 1;
  showMark();
  facts([["Seen", new Date(face.seen_s * 1000).toLocaleString("en-GB")]]);
  part("details").hidden = true;
  try {
    const record = await ask(`${camera.path}/record?${face.query}`);
    if (face !== opened.faces[opened.place]) return;
    facts(factsOf(face, record));
    part("pre").textContent = JSON.stringify(record, null, 2);
    part("details").hidden = false;
  } catch (error) {
    facts([["Record", error.message]]);
  }
}

// What was said before is shown with the buttons; it is kept on the device, for edge-gate tune.
async function showMark() {
  const { faces, place, camera } = opened;
  const { person } = faces[place];
  part(".marks").hidden = faces[place].score === null;
  marked = await ask(`${camera.path}/marks`);
  if (person !== opened.faces[opened.place].person) return;
  const said = marked.people[person];
  part(".wanted").setAttribute("aria-pressed", said === true);
  part(".unwanted").setAttribute("aria-pressed", said === false);
  for (const button of dialog.querySelectorAll(".marks button")) button.disabled = !marked.is_kept;
  const count = marked.wanted + marked.unwanted;
  part(".said").textContent = marked.is_kept
    ? `${amount(count, "face")} marked here; edge-gate tune --marks takes them into account.`
    : "Name a file as page.history in the configuration, and marks are kept for edge-gate tune.";
}

async function mark(wanted) {
  const { faces, place, camera } = opened;
  const { person } = faces[place];
  const again = marked.people?.[person] === wanted;
  try {
    await order(`${camera.path}/mark`, { person, wanted: again ? null : wanted });
    await showMark();
  } catch (error) {
    part(".said").textContent = `✗ ${error.message}`;
  }
}

function factsOf(face, record) {
  const fixed = (value, digits) => (value === null ? "–" : value.toFixed(digits));
  return [
    ["Seen", new Date(face.seen_s * 1000).toLocaleString("en-GB")],
    ["Score", fixed(record.score, 1)],
    ["Embedding shift", fixed(record.shift, 4)],
    ["Between the eyes", `${fixed(record.inter_eye_distance, 0)} pixels`],
    ["Detector score", fixed(record.detector_score, 2)],
    ["Track", record.track_id ?? "–"],
    ["Engine pair", record.pair_id],
  ];
}

function facts(rows) {
  const cells = rows.flatMap(([name, value]) => {
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    said.textContent = value;
    return [term, said];
  });
  part("dl").replaceChildren(...cells);
}

part(".wanted").addEventListener("click", () => mark(true));
part(".unwanted").addEventListener("click", () => mark(false));
part(".close").addEventListener("click", () => dialog.close());
part(".previous").addEventListener("click", () => step(-1));
part(".next").addEventListener("click", () => step(1));
dialog.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by || event.target.matches("pre, input, select")) return;
  if (opened.faces[opened.place + by]) step(by);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // beside it
});
