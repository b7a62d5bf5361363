// The whole page: asks the gate once a second how it is, and keeps one card for each camera.
import { Camera } from "/camera.js";
import { ask, pause } from "/live.js";

const EVERY_MS = 1000;
const cards = new Map();

function fact(words, css = "") {
  const item = document.createElement("li");
  item.textContent = words;
  item.className = css;
  return item;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function outboxFact(outbox) {
  if (outbox.problem) return fact(`✗ outbox: ${outbox.problem}`, "bad");
  const oldest = !outbox.waiting ? "" : `, the oldest for ${duration(outbox.oldest_s)}`;
  const dead = outbox.dead ? `, ${outbox.dead} refused for good` : "";
  const css = outbox.dead || outbox.oldest_s > 60 ? "warn" : "";
  return fact(`${css ? "⚠ " : ""}outbox: ${outbox.waiting} waiting${oldest}${dead}`, css);
}

function sinkFact(sink) {
  if (sink.error) return fact(`✗ ${sink.name}: ${sink.error}`, "bad");
  return fact(`${sink.name}: ${sink.delivered} delivered`);
}

function showFacts(state) {
  const up = state.cameras.filter((camera) => camera.state === "streaming").length;
  const all = up === state.cameras.length;
  const facts = [
    fact(`${all ? "" : "⚠ "}${up} of ${state.cameras.length} cameras stream`, all ? "" : "warn"),
    outboxFact(state.outbox),
    ...state.sinks.map(sinkFact),
  ];
  if (state.overload) {
    facts.push(fact(`⚠ overloaded: looking ${state.overload.toFixed(1)} times less often`, "warn"));
  }
  const list = document.getElementById("facts");
  if (list.textContent !== facts.map((item) => item.textContent).join("")) {
    list.replaceChildren(...facts);
  }
}

function showCameras(state) {
  const main = document.getElementById("cameras");
  document.getElementById("waiting")?.remove();
  for (const camera of state.cameras) {
    if (!cards.has(camera.name)) {
      const card = new Camera(camera.name);
      cards.set(camera.name, card);
      main.append(card.element);
      card.run();
    }
    cards.get(camera.name).show(camera, state);
  }
  const names = state.cameras.map((camera) => camera.name);
  for (const name of [...cards.keys()].filter((known) => !names.includes(known))) {
    cards.get(name).end();
    cards.delete(name);
  }
  showLinks(names);
}

function showLinks(names) {
  const nav = document.getElementById("cameras-list");
  if (nav.dataset.names === names.join(" ")) return;
  nav.dataset.names = names.join(" ");
  const links = names.length < 2 ? [] : names.map((name) => {
    const link = document.createElement("a");
    link.href = `#camera-${name}`;
    link.textContent = name;
    return link;
  });
  nav.replaceChildren(...links);
}

function showProblem(words) {
  const problem = document.getElementById("problem");
  problem.textContent = words;
  problem.hidden = !words;
}

async function run() {
  for (;;) {
    try {
      const state = await ask("/api/state");
      showProblem("");
      document.getElementById("logout").hidden = !state.login;
      showFacts(state);
      showCameras(state);
    } catch (error) {
      showProblem(`✗ The gate does not answer; the page goes on asking. (${error.message})`);
    }
    await pause(EVERY_MS);
  }
}

run();
