// The page of a fleet: asks how the gates are, and keeps one item for each, the worst first.
import { sign } from "/cameras.js";
import { ask, pause } from "/live.js";

const EVERY_MS = 2000;
const STATES = { good: "well", warn: "worth a look", bad: "needs somebody" };
const items = new Map();

function find(selector, within = document) {
  return within.querySelector(selector);
}

function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

function age(seconds) {
  if (seconds === null) return "–";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

// Never rounded up, so that a score below the threshold is not shown as one at it.
const score = (value) => (value === null ? "not scored" : String(Math.floor(value * 10) / 10));

function faceWords(face) {
  return face ? `${age(face.age_s)}, ${score(face.score)}` : "none yet";
}

function thresholdWords(values) {
  if (!values.length) return "–";
  return values.length === 1 ? String(values[0]) : `${values[0]} to ${values.at(-1)}`;
}

function itemOf(name) {
  if (!items.has(name)) {
    const item = find("#gate").content.firstElementChild.cloneNode(true);
    say(find("strong", item), name);
    items.set(name, item);
  }
  return items.get(name);
}

function lines(list, made) {
  if (list.textContent === made.map((line) => line.textContent).join("")) return;
  list.replaceChildren(...made);
}

function line(...parts) {
  const item = document.createElement("li");
  for (const [tag, words] of parts) {
    const part = document.createElement(tag);
    part.textContent = words;
    item.append(part);
  }
  return item;
}

function cameraLine(camera) {
  const decides = camera.threshold === null ? "shift_at_most decides" : `threshold ${camera.threshold}`;
  const mode = camera.mode === "observe" ? "; observing only" : "";
  const counts = `${count(camera.faces, "face", "faces")}, ${camera.forwarded.toLocaleString("en")} forwarded`;
  return line(
    ["b", `${sign(camera.sign)} ${camera.name}`],
    ["span", camera.state],
    ["span", decides + mode],
    ["span", counts],
    ["span", camera.last_face ? `last face ${faceWords(camera.last_face)}` : "no face forwarded yet"],
  );
}

function fill(item, gate) {
  const card = item.firstElementChild;
  card.className = `gate ${gate.sign}`;
  say(find(".sign", card), sign(gate.sign));
  item.setAttribute("aria-label", `${gate.name}: ${STATES[gate.sign]}`);
  say(find(".threshold dd", card), thresholdWords(gate.thresholds));
  say(find(".newest dd", card), gate.version === null ? "–" : faceWords(gate.last_face));
  say(find(".told dd", card), age(gate.age_s));
  say(find(".version dd", card), gate.version ?? "–");
  say(find(".pair dd", card), gate.pair_id ?? "–");
  lines(find(".troubles", card), gate.troubles.map((words) => line(["span", words])));
  const desired = find(".desired", card);
  desired.hidden = !gate.desired;
  say(desired, gate.desired ?? "");
  const details = find("details", card);
  details.hidden = !gate.cameras.length;
  const asTold = gate.is_online === false ? ", as it told last" : "";
  say(find("summary", card), count(gate.cameras.length, "camera", "cameras") + asTold);
  lines(find(".cameras", card), gate.cameras.map(cameraLine));
}

function showGates(gates) {
  const list = find("#gates");
  const names = gates.map((gate) => gate.name);
  for (const name of [...items.keys()].filter((known) => !names.includes(known))) {
    items.get(name).remove();
    items.delete(name);
  }
  gates.forEach((gate, place) => {
    const item = itemOf(gate.name);
    fill(item, gate);
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
}

function showVerdict({ gates, bad, warn }) {
  const words = [];
  if (bad) words.push(`${bad} of ${count(gates.length, "gate", "gates")} ${bad === 1 ? "needs" : "need"} somebody`);
  if (warn) words.push(bad ? `${warn} worth a look` : `${warn} of ${count(gates.length, "gate", "gates")} worth a look`);
  const verdict = find("#verdict");
  const well = gates.length === 1 ? "The gate is well" : `All ${count(gates.length, "gate", "gates")} are well`;
  say(verdict, !gates.length ? "" : words.length ? `⚠ ${words.join(" · ")}` : `✓ ${well}`);
  verdict.className = bad ? "bad" : warn ? "warn" : "good";
  document.title = `${words.length ? "⚠ " : ""}Fleet of face gates`;
}

// One version and one pair is how a fleet is meant to be; scores of two pairs are not comparable.
function shareLine(values, one, many) {
  const made = document.createElement("p");
  if (values.length === 1) {
    made.textContent = `${one}: ${values[0][0]}`;
  } else {
    made.className = "warn";
    made.textContent = `⚠ ${values.length} ${many}: ${values.map(([value, gates]) => `${value} (${count(gates, "gate", "gates")})`).join(", ")}`;
  }
  return made;
}

function showShares({ versions, pairs }) {
  const shares = find("#shares");
  shares.hidden = !versions.length;
  const made = [];
  if (versions.length) made.push(shareLine(versions, "Version everywhere", "versions"));
  if (pairs.length) made.push(shareLine(pairs, "Engine pair everywhere", "engine pairs, whose scores are not comparable"));
  lines(shares, made);
}

function show(fleet) {
  find("#waiting").hidden = true;
  find("#logout").hidden = !fleet.login;
  find("#empty").hidden = fleet.gates.length > 0 || fleet.problem !== null;
  say(find("#empty p"), `${fleet.broker}: ${fleet.hint}`);
  showProblem(fleet.problem ? `✗ ${fleet.problem}` : "");
  showVerdict(fleet);
  showShares(fleet);
  showGates(fleet.gates);
}

function showProblem(words) {
  const problem = find("#problem");
  say(problem, words);
  problem.hidden = !words;
}

for (;;) {
  try {
    show(await ask("/api/fleet"));
  } catch (error) {
    showProblem(`✗ 'edge-gate fleet' does not answer; the page goes on asking. (${error.message})`);
  }
  await pause(EVERY_MS);
}
