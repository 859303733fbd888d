// One pair at a time: three answers, and the next pair when the server says that they are saved.
const { rater, px, version } = document.body.dataset;
const side = Number(px);
const byId = (id) => document.getElementById(id);
const stages = [...document.querySelectorAll(".stage")];
const questions = [...document.querySelectorAll(".question")];
const token = document.querySelector('meta[name="post-token"]').content;
const trouble = byId("trouble");
const KEPT = 12; // pictures
const pictures = new Map(); // number -> picture, decoded before it is needed
const ARROWS = { ArrowLeft: "left", ArrowRight: "right" };
let state = JSON.parse(document.body.dataset.state);
let answers = []; // of each question, or nothing yet
let busy = true; // no key counts until both pictures are seen, nor while an answer is on its way
let again = null; // what failed, to be tried again

function picture(number) {
  let found = pictures.get(number);
  if (!found) {
    found = new Image(side, side);
    found.alt = number % 2 ? "The right picture" : "The left picture";
    found.draggable = false;
    found.src = `/pictures/${number}.png?${new URLSearchParams({ rater, v: version })}`;
    found.ready = found.decode();
    found.ready.catch(() => pictures.delete(number)); // asked for again when it is shown
  }
  pictures.delete(number);
  pictures.set(number, found); // the last used is the last to go
  if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value);
  return found;
}

const both = (pair) => [picture(2 * pair), picture(2 * pair + 1)];

async function show(next) {
  state = next;
  answers = questions.map(() => null);
  busy = true;
  byId("progress").textContent = `${state.judged} of ${state.total} pairs`;
  byId("bar").value = state.judged;
  byId("pair").hidden = state.pair === null;
  byId("done").hidden = state.pair !== null;
  if (state.pair !== null) {
    const shown = both(state.pair);
    try {
      await Promise.all(shown.map((image) => image.ready));
    } catch {
      return failed("A picture did not come. Is the server running?", () => show(state));
    }
    trouble.hidden = true;
    stages.forEach((stage, i) => stage.replaceChildren(shown[i]));
    resize();
    state.ahead.forEach(both);
  }
  busy = false;
  document.querySelector("main").inert = false; // until the first are seen a click is in vain
  mark();
  document.body.dataset.shown = state.pair ?? "done";
}

function resize() {
  const room = Math.min(...stages.map((stage) => Math.min(stage.clientWidth, stage.clientHeight)));
  const ratio = devicePixelRatio;
  const whole = Math.floor((room * ratio) / side) / ratio; // screen pixels are whole ones
  const scale = whole > 0 ? whole : room / side;
  for (const image of document.querySelectorAll(".stage img")) {
    image.style.width = image.style.height = `${side * scale}px`;
    image.classList.toggle("shrunk", scale * ratio < 1);
  }
}

const current = () => answers.indexOf(null);

function mark() {
  questions.forEach((question, i) => {
    question.classList.toggle("current", i === current());
    for (const button of question.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.value === answers[i]));
    }
  });
  byId("undo").disabled = !state.judged && answers.every((answer) => answer === null);
}

function choose(i, value) {
  if (busy || again || state.pair === null) return;
  answers[i] = value;
  byId("said").textContent = "";
  mark();
  if (current() < 0) save();
}

function save() {
  const [artifact, better, same] = answers;
  const pair = state.pair;
  send("/judgements", { pair, artifact, better, same: same === "yes" }, "Saved.");
}

async function send(path, message, words) {
  busy = true;
  try {
    const headers = { "Content-Type": "application/json", "X-Token": token };
    const body = JSON.stringify({ ...message, rater });
    const answer = await fetch(path, { method: "POST", headers, body }).catch(() => {
      throw new Error("The server does not answer; start it again.");
    });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    trouble.hidden = true;
    const next = await answer.json();
    byId("said").textContent = words;
    show(next);
  } catch (error) {
    failed(`Not saved. ${error.message}`, () => send(path, message, words));
  }
}

function failed(text, retry) {
  trouble.querySelector("span").textContent = text;
  trouble.hidden = false;
  again = retry;
}

// Back by one answer; before the first of a pair, back to the pair before.
function undo() {
  if (busy || again) return;
  const last = answers.findLastIndex((answer) => answer !== null);
  if (last < 0) return state.judged && send("/undo", {}, "Your last pair again.");
  answers[last] = null;
  byId("said").textContent = "";
  mark();
}

trouble.querySelector("button").addEventListener("click", () => {
  const retry = again;
  again = null;
  retry?.();
});
byId("undo").addEventListener("click", undo);
questions.forEach((question, i) => {
  for (const button of question.querySelectorAll("button")) {
    button.addEventListener("click", () => choose(i, button.dataset.value));
  }
});
addEventListener("keydown", (event) => {
  const typing = event.target.matches("input");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const choices = [...(questions[current()]?.querySelectorAll("button") ?? [])];
  const wanted = ARROWS[event.key];
  const button = wanted
    ? choices.find((choice) => choice.dataset.value === wanted)
    : choices[Number(event.key) - 1];
  if (button) choose(current(), button.dataset.value);
  else if (["z", "Z", "Backspace"].includes(event.key)) undo();
  else return;
  event.preventDefault();
});
addEventListener("beforeunload", (event) => again && event.preventDefault());
addEventListener("resize", resize);
show(state);
