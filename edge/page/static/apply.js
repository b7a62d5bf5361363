// Asking before the configuration file is written, and waiting until the gate has read it.
import { ask, order, pause } from "/live.js";

function confirmed(title, change) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector(".what").textContent = `What changes: ${change.words}.`;
  dialog.querySelector(".file").textContent =
    `Written into ${change.file}; everything else in it stays.`;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true });
  });
}

// Returns why the gate has refused what was written; null when it is in effect.
async function reloaded(asker, before) {
  while (asker.reload.number === before && !asker.camera.ended) await pause(200);
  return asker.reload.problem;
}

function tell(notice, words, css) {
  notice.hidden = false;
  notice.textContent = words;
  notice.classList.remove("good", "bad");
  if (css) notice.classList.add(css);
}

// The asker's notice tells how it goes. Returns whether the gate has read what was written.
export async function apply(asker, { question, title, place, asked, done }) {
  const { path } = asker.camera;
  const { notice } = asker;
  try {
    const change = await ask(`${path}/${question}`);
    if (!(await confirmed(title, change))) return false;
    const before = asker.reload.number;
    await order(`${path}/${place}`, { ...asked, words: change.words });
    tell(notice, "Written; the gate reads it …", "");
    const problem = await reloaded(asker, before);
    if (problem) tell(notice, `✗ Written, but not in effect: ${problem}`, "bad");
    else tell(notice, `✓ In effect${done}.`, "good");
    return true;
  } catch (error) {
    tell(notice, `✗ Not applied: ${error.message}`, "bad");
    return false;
  }
}
