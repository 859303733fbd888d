import { VERDICTS, byId, onKey, send, showProgress, stuck } from "./send.js";

const tiles = [...document.querySelectorAll("#tiles a")];
const click = () => document.querySelector('[name="click"]:checked').value;

function mark(tile, verdict) {
  tile.dataset.verdict = verdict;
  tile.querySelector("b").textContent = verdict === "unlabelled" ? "" : verdict;
}

async function give(tile, verdict) {
  if (stuck()) return;
  const id = Number(tile.dataset.id);
  mark(tile, verdict);
  tile.classList.add("waiting");
  const { progress } = await send("/verdicts", { id, verdict });
  tile.classList.remove("waiting");
  showProgress(progress);
  byId("said").textContent = `Generation ${id}: ${verdict}. Saved.`;
}

async function undo() {
  if (stuck()) return;
  const { id, progress } = await send("/undo", {});
  if (id === null) return (byId("said").textContent = "There is nothing to take back.");
  showProgress(progress);
  byId("said").textContent = `Generation ${id}: verdict taken back.`;
  const tile = tiles.find((other) => Number(other.dataset.id) === id);
  if (!tile) return;
  mark(tile, "unlabelled");
  tile.focus();
}

// How many tiles a row has, as laid out now.
function columns() {
  const top = tiles[0].offsetTop;
  const next = tiles.findIndex((tile) => tile.offsetTop !== top);
  return next < 0 ? tiles.length : next;
}

onKey((key) => {
  if (key === "z" || key === "Backspace") return undo(), true;
  if (!tiles.length || document.activeElement?.type === "radio") return false;
  const here = tiles.indexOf(document.activeElement);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() };
  if (key in steps) {
    const to = here < 0 ? 0 : here + steps[key];
    tiles[Math.min(tiles.length - 1, Math.max(0, to))].focus();
    return true;
  }
  if (!VERDICTS[key] || here < 0) return false;
  give(tiles[here], VERDICTS[key]);
  tiles[here + 1]?.focus();
  return true;
});

for (const tile of tiles) {
  tile.addEventListener("click", (event) => {
    if (click() === "open" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    give(tile, click());
  });
}
byId("undo").addEventListener("click", undo);
// On a phone nothing is in focus: there are no keys, and the page would scroll.
if (innerWidth > 800) tiles.find((tile) => tile.dataset.verdict === "unlabelled")?.focus();
