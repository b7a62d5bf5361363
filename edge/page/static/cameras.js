// The list of all cameras at a glance, the worst first; each takes one or two lines.
import { amount, number } from "/amounts.js";

const SIGNS = { good: "●", warn: "⚠", bad: "✗", ended: "■" };

export const sign = (kind) => SIGNS[kind] ?? "·";

function words(camera) {
  const counts = `${amount(camera.faces, "face")}, ${number(camera.forwarded)} forwarded`;
  if (camera.state !== "streaming") return camera.error ? `${camera.state}: ${camera.error}` : camera.words;
  if (camera.notices.length) return camera.notices.join(" ");
  return camera.mode === "observe" ? `${counts}; observing only` : counts;
}

export class Cameras {
  constructor(list) {
    this.list = list;
    this.items = new Map();
  }

  show(state) {
    const names = state.cameras.map((camera) => camera.name);
    for (const name of [...this.items.keys()].filter((known) => !names.includes(known))) {
      this.items.get(name).remove();
      this.items.delete(name);
    }
    state.cameras.forEach((camera, place) => {
      const item = this.items.get(camera.name) ?? this.made(camera.name);
      this.fill(item, camera, state.newest[camera.name] ?? []);
      this.put(item, place);
    });
  }

  // Moving what has the focus would take it away.
  put(item, place) {
    if (this.list.children[place] === item) return;
    const focused = item.contains(document.activeElement) ? document.activeElement : null;
    this.list.insertBefore(item, this.list.children[place] ?? null);
    focused?.focus();
  }

  made(name) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#/${name}`;
    for (const css of ["sign", "name", "words", "thumbs"]) {
      const part = document.createElement("span");
      part.className = css;
      link.append(part);
    }
    item.append(link);
    this.items.set(name, item);
    return item;
  }

  fill(item, camera, newest) {
    const link = item.firstElementChild;
    link.className = camera.sign;
    const [mark, name, said, thumbs] = link.children;
    const line = words(camera);
    for (const [part, text] of [[mark, sign(camera.sign)], [name, camera.name], [said, line]]) {
      if (part.textContent !== text) part.textContent = text;
    }
    link.title = line;
    mark.setAttribute("aria-hidden", "true");
    this.thumbs(thumbs, camera.name, camera.state === "streaming" ? newest : []);
  }

  thumbs(place, name, numbers) {
    if (place.dataset.numbers === numbers.join()) return;
    place.dataset.numbers = numbers.join();
    place.replaceChildren(...numbers.map((each) => {
      const image = document.createElement("img");
      image.alt = "";
      image.src = `/api/cameras/${encodeURIComponent(name)}/face?number=${each}`;
      return image;
    }));
  }

  mark(name, isChosen) {
    for (const [each, item] of this.items) {
      const link = item.firstElementChild;
      link.classList.toggle("shown", each === name);
      if (each === name) link.setAttribute("aria-current", isChosen ? "page" : "true");
      else link.removeAttribute("aria-current");
    }
  }
}
