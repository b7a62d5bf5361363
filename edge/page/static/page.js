// The whole page: asks the gate once a second how it is, and shows one camera beside the list of all.
import { amount } from "/amounts.js";
import { Camera } from "/camera.js";
import { Cameras, sign } from "/cameras.js";
import { ask, pause } from "/live.js";

const EVERY_MS = 1000;
const list = new Cameras(document.getElementById("cameras"));
let shown = null;
let newest = null;

function find(selector) {
  return document.querySelector(selector);
}

// #/door/history: the camera and what of it; neither where nothing was chosen.
function chosen() {
  const [, name, view] = location.hash.split("/");
  return { name: name ? decodeURIComponent(name) : "", view: view ?? "" };
}

// Without a choice the first that can be looked at: cameras come the worst first.
function cameraToShow(state) {
  const { name } = chosen();
  const known = state.cameras.find((camera) => camera.name === name);
  if (known) return known;
  const before = state.cameras.find((camera) => camera.name === shown?.name);
  return before ?? state.cameras.find((camera) => camera.state === "streaming") ?? state.cameras[0];
}

function showCamera(state) {
  const camera = cameraToShow(state);
  const isOnly = state.cameras.length === 1;
  const isChosen = camera && chosen().name === camera.name;
  document.body.dataset.view = isChosen || isOnly ? "one" : "all";
  document.body.classList.toggle("only", isOnly);
  if (shown && shown.name !== camera?.name) {
    shown.end();
    shown = null;
  }
  if (!camera) return;
  if (!shown) {
    shown = new Camera(camera.name);
    find("#one").append(shown.element);
    shown.run();
  }
  shown.show(camera, state, chosen().view);
  list.mark(camera.name, isChosen || isOnly);
}

function said(element, words, css) {
  if (element.textContent !== words) element.textContent = words;
  element.className = css;
}

function showVerdict(state) {
  const troubled = state.cameras.filter((camera) => ["bad", "warn"].includes(camera.sign)).length;
  const failing = state.sinks.filter((sink) => sink.sign === "bad").map((sink) => sink.name);
  const all = state.cameras.length;
  const words = [];
  if (troubled) words.push(`${troubled} of ${amount(all, "camera needs", "cameras need")} a look`);
  if (failing.length) words.push(`${failing.join(", ")} takes no faces`);
  if (state.outbox.problem) words.push("faces wait in memory only");
  if (state.overload) words.push(`overloaded: looking ${state.overload.toFixed(1)} times less often`);
  const well = all === 1 ? "The camera streams" : `All ${amount(all, "camera")} stream`;
  said(find("#verdict"), words.length ? `⚠ ${words.join(" · ")}` : `✓ ${well}`, words.length ? "warn" : "good");
  document.title = `${words.length ? "⚠ " : ""}Face gate`;
}

function sinkItem(sink) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = `${sign(sink.sign)} ${sink.name}`;
  name.className = sink.sign;
  item.append(name, ` ${sink.words}`);
  for (const [words, css] of [[sink.error, "bad"], [sink.last_error && `Last error: ${sink.last_error}`, "quiet"]]) {
    if (!words) continue;
    const line = document.createElement("p");
    line.textContent = words;
    line.className = css;
    item.append(line);
  }
  return item;
}

function outboxWords(outbox) {
  if (outbox.problem) return `✗ Outbox: ${outbox.problem}`;
  if (!outbox.kept) return "No outbox: what a sink does not take at once is lost. Name delivery.outbox to keep it.";
  if (outbox.faces === null) return "The outbox cannot be read now.";
  return `The outbox holds ${outbox.faces.toLocaleString("en")} ${outbox.faces === 1 ? "face" : "faces"}.`;
}

function showGate(state) {
  const items = state.sinks.map(sinkItem);
  const sinks = find("#sinks");
  if (sinks.textContent !== items.map((item) => item.textContent).join("")) sinks.replaceChildren(...items);
  said(find("#outbox"), outboxWords(state.outbox), state.outbox.problem ? "bad" : "quiet");
}

function showProblem(words) {
  const problem = find("#problem");
  if (problem.textContent !== words) problem.textContent = words;
  problem.hidden = !words;
}

function show(state) {
  find("#waiting").hidden = true;
  find(".frame").hidden = false;
  find("#logout").hidden = !state.login;
  showVerdict(state);
  showGate(state);
  list.show(state);
  showCamera(state);
}

async function run() {
  for (;;) {
    try {
      newest = await ask("/api/state");
      showProblem("");
      show(newest);
    } catch (error) {
      showProblem(`✗ The gate does not answer; the page goes on asking. (${error.message})`);
    }
    await pause(EVERY_MS);
  }
}

find(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which camera is shown
  find("#one").focus();
});
window.addEventListener("hashchange", () => {
  if (newest) showCamera(newest);
  scrollTo(0, 0);
});
run();
