import * as page from "./send.js";
import { byId, px, rater } from "./send.js";
import { Mask } from "./mask.js";
import * as kinds from "./kinds.js";

const KEPT = 40; // pictures
const side = Number(px);
const [stage, frame, said] = ["stage", "frame", "said"].map(byId);
const verdictButtons = [...document.querySelectorAll(".verdicts [data-verdict]")];
const tools = [...document.querySelectorAll('[name="tool"]')];
const mask = new Mask(byId("paint"), side, showMarked);
const pictures = new Map(); // address -> picture, decoded before it is needed
let state = JSON.parse(byId("single").dataset.state);
let after = false; // the correction is shown
let zoom = 0; // screen pixels a pixel; 0: what fits

function picture(id, corrected) {
  const [folder, version] = corrected ? ["corrected", page.corrected] : ["images", page.version];
  const address = `/${folder}/${id}.png?v=${version}`;
  let found = pictures.get(address);
  if (!found) {
    found = new Image(side, side);
    found.alt = `Generation ${id}${corrected ? " after correction" : ""}`;
    found.draggable = false;
    found.src = address;
    found.ready = found.decode().catch(() => pictures.delete(address)); // asked for again
  }
  pictures.delete(address);
  pictures.set(address, found); // the last used is the last to go
  if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value);
  return found;
}

async function show(next) {
  state = next;
  mask.load(state.mask);
  kinds.load(state.kinds);
  for (const button of verdictButtons) {
    button.setAttribute("aria-pressed", String(button.dataset.verdict === state.verdict));
  }
  byId("id").value = state.id;
  if (byId("corrected")) {
    byId("corrected").disabled = !state.corrected;
    byId("corrected").setAttribute("aria-pressed", String(after && state.corrected));
  }
  history.replaceState(null, "", `/?${new URLSearchParams({ rater, id: state.id })}`);
  page.showProgress(state.progress ?? lastProgress);
  await paint();
  for (const card of state.queue) picture(card.id, after && card.corrected);
}

async function paint() {
  const shown = picture(state.id, after && state.corrected);
  const { id } = state;
  await shown.ready;
  if (id !== state.id) return; // gone on meanwhile
  frame.querySelector("img")?.remove();
  delete frame.dataset.shown;
  if (!shown.naturalWidth) {
    said.textContent = `The picture of generation ${id} did not come. Is the server running?`;
    return;
  }
  frame.prepend(shown);
  resize();
  frame.dataset.shown = id;
}

function resize() {
  const room = Math.min(stage.clientWidth, stage.clientHeight);
  const ratio = devicePixelRatio;
  const whole = Math.floor((room * ratio) / side) / ratio; // screen pixels are whole ones
  const scale = zoom || (whole > 0 ? whole : room / side);
  const shown = frame.querySelector("img");
  for (const layer of [frame, byId("paint"), ...(shown ? [shown] : [])]) {
    layer.style.width = layer.style.height = `${side * scale}px`;
  }
  shown?.classList.toggle("shrunk", scale * ratio < 1);
  byId("zoom").value = `${Number(scale.toFixed(2))}×`;
  return scale;
}

function enlarge(factor) {
  zoom = Math.min(64, Math.max(1, factor > 1 ? Math.floor(resize()) * 2 : Math.ceil(resize() / 2)));
  resize();
}

let lastProgress = state.progress;
async function give(verdict) {
  if (page.stuck() || page.unsaved().includes(state.id)) return;
  const { id } = state;
  if (frame.dataset.shown !== String(id)) return; // not seen yet
  const runs = verdict === "artifact" ? mask.runs() : null;
  const named = verdict === "artifact" ? kinds.chosen() : [];
  const more = { ...(runs && { mask: { px: side, runs } }), ...(named.length && { kinds: named }) };
  const saved = page.send("/verdicts", { id, verdict, ...more });
  const [next, ...later] = state.queue;
  if (next) show({ ...next, queue: later }); // the next one does not wait for the disk
  const answer = await saved;
  lastProgress = answer.progress;
  page.showProgress(answer.progress);
  const what = [verdict, ...named, ...(runs ? ["marked"] : [])].join(", ");
  said.textContent = `Generation ${id}: ${what}. Saved.`;
  const gone = new Set([...page.unsaved(), state.id]);
  const queue = answer.queue.filter((card) => !gone.has(card.id));
  if (!next && state.id === id) return goOn(id, queue);
  state.queue = queue;
  for (const card of queue) picture(card.id, after && card.corrected);
}

// From the last one known: its answer knows more, where keys were faster than answers.
function goOn(id, [next, ...queue]) {
  return next ? show({ ...next, queue }) : finish(id);
}

async function finish(id) {
  await open(id);
  if (!state.queue.length) said.textContent += " That was the last one.";
}

async function undo() {
  if (page.stuck()) return;
  const answer = await page.send("/undo", {});
  if (answer.id === null) return (said.textContent = "There is nothing to take back.");
  lastProgress = answer.progress;
  await show(answer);
  said.textContent = `Generation ${answer.id}: verdict taken back.`;
}

async function open(id) {
  const asked = fetch(`/generation?${new URLSearchParams({ id, rater })}`);
  try {
    await show(await page.answerOf(asked));
  } catch (error) {
    said.textContent = error.message;
    byId("id").value = state.id;
  }
}

function showMarked(count) {
  const share = ((100 * count) / side ** 2).toFixed(count * 20 < side ** 2 ? 1 : 0);
  byId("marked").textContent = count
    ? `${share} % of the image is marked. Press artifact to save it.`
    : "Nothing is marked. A mark is saved when you press artifact.";
  byId("clear").disabled = !count;
}

function choose(tool) {
  tools.find((input) => input.value === tool).checked = true;
  mask.tool = tool;
  frame.dataset.tool = tool;
}

function toggle() {
  after = !after;
  byId("corrected").setAttribute("aria-pressed", String(after));
  paint();
}

const keys = {
  z: undo,
  Backspace: undo,
  g: () => byId("id").select(),
  k: () => byId("kind").select(),
  c: () => byId("corrected") && !byId("corrected").disabled && toggle(),
  x: () => mask.clear(),
  Escape: () => choose("look"),
  "+": () => enlarge(2),
  "=": () => enlarge(2),
  "-": () => enlarge(0.5),
  0: () => ((zoom = 0), resize()),
  ArrowLeft: () => open(state.before),
  ArrowRight: () => open(state.after),
};
for (const input of tools) {
  keys[input.dataset.key.toLowerCase()] = () => choose(input.value);
  input.addEventListener("change", () => choose(input.value));
}
page.onKey((key) => {
  // Arrows belong to whoever has the focus, where it can use them.
  const busy = document.activeElement?.type === "radio" || (zoom && document.activeElement === stage);
  if (key.startsWith("Arrow") && busy) return false;
  if (page.VERDICTS[key]) give(page.VERDICTS[key]);
  else if (kinds.toggle(key)) return true;
  else if (keys[key]) keys[key]();
  else return false;
  return true;
});

for (const button of verdictButtons) {
  button.addEventListener("click", () => give(button.dataset.verdict));
}
const clicks = {
  undo: "z", before: "ArrowLeft", after: "ArrowRight", smaller: "-", larger: "+", fit: "0",
  corrected: "c", clear: "x",
};
for (const [id, key] of Object.entries(clicks)) byId(id)?.addEventListener("click", () => keys[key]());
byId("jump").addEventListener("submit", (event) => {
  event.preventDefault();
  open(byId("id").value);
  byId("id").blur();
});
addEventListener("resize", resize);
show(state);
