// Which kinds of artifact the generation on the screen shows: buttons, and a field for another.
import { byId } from "./send.js";

const FIRST = 4; // keys 1 to 3 are verdicts
const LAST = 9;
const known = JSON.parse(byId("kinds").dataset.known);
let on = new Set();

export const chosen = () => [...on];

export function load(kinds) {
  on = new Set(kinds);
  show();
}

// The kind of a key, switched on or off; false where no kind has it.
export function toggle(key) {
  const place = Number(key) - FIRST;
  if (!(place >= 0 && place <= LAST - FIRST && place < known.length)) return false;
  flip(known[place]);
  return true;
}

function flip(kind) {
  if (!on.delete(kind)) on.add(kind);
  show();
}

function button(kind, place) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = kind;
  if (place + FIRST <= LAST) {
    const key = document.createElement("kbd");
    key.textContent = place + FIRST;
    made.append(" ", key);
  }
  made.addEventListener("click", () => {
    flip(kind);
    byId("named").children[place].focus();
  });
  return made;
}

function show() {
  known.push(...[...on].filter((kind) => !known.includes(kind)));
  byId("named").replaceChildren(...known.map(button));
  known.forEach((kind, place) => {
    byId("named").children[place].setAttribute("aria-pressed", String(on.has(kind)));
  });
}

byId("kinds").addEventListener("submit", (event) => {
  event.preventDefault();
  const kind = byId("kind").value.split(/\s+/).filter(Boolean).join(" ").toLowerCase();
  const wrong = /[,;]/.test(kind) ? "The name of a kind has no , or ;" : "";
  byId("kind").setCustomValidity(wrong);
  if (wrong) return byId("kind").reportValidity();
  if (kind) on.add(kind);
  byId("kind").value = "";
  byId("kind").blur(); // keys are the page's again
  show();
});
byId("kind").addEventListener("input", () => byId("kind").setCustomValidity(""));
