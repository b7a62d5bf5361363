// Asking before the configuration file is written, and waiting until the gate has read it.
import { pause } from "/live.js";

export function confirmed(title, change) {
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
export async function reloaded(asker, before) {
  while (asker.reload.number === before && !asker.camera.ended) await pause(200);
  return asker.reload.problem;
}
