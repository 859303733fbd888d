// What the three pages share: who is at work, how a change is sent, and what is said of it.
export const { rater, px, version, corrected } = document.body.dataset;
export const byId = (id) => document.getElementById(id);

const token = document.querySelector('meta[name="post-token"]').content;
const trouble = byId("trouble");
const waiting = []; // not acknowledged yet, in order
let sending = false;

export const unsaved = () => waiting.map((change) => change.message.id);
export const stuck = () => !trouble.hidden;

// Changes are sent one after the other; one that fails stays first until it succeeds.
export function send(path, message) {
  return new Promise((resolve) => {
    waiting.push({ path, message, resolve });
    document.body.dataset.unsaved = waiting.length;
    drain();
  });
}

async function drain() {
  if (sending) return;
  sending = true;
  try {
    while (waiting.length) {
      const { path, message, resolve } = waiting[0];
      const answer = await post(path, { ...message, rater });
      waiting.shift();
      if (!waiting.length) delete document.body.dataset.unsaved;
      trouble.hidden = true;
      resolve(answer);
    }
  } catch (error) {
    trouble.querySelector("span").textContent = `Not saved. ${error.message}`;
    trouble.hidden = false;
  } finally {
    sending = false;
  }
}

async function post(path, message) {
  const headers = { "Content-Type": "application/json", "X-Token": token };
  return answerOf(fetch(path, { method: "POST", headers, body: JSON.stringify(message) }));
}

export async function answerOf(request) {
  const answer = await request.catch(() => {
    throw new Error("The server does not answer; start it again.");
  });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

trouble.querySelector("button").addEventListener("click", drain);
document.querySelector("main").inert = false; // until now a click would have been in vain
addEventListener("beforeunload", (event) => waiting.length && event.preventDefault());

export function showProgress({ labelled, total, yours, artifacts, decided }) {
  const share = decided ? `${Math.round((100 * artifacts) / decided)} % artifact` : "none decided";
  byId("progress").textContent =
    `${labelled} of ${total}, ${share}` + (yours === labelled ? "" : `, ${yours} by you`);
  byId("bar").value = labelled;
}

// A key that is meant for the page: not for a field, not the browser's own, not held down.
export function onKey(act) {
  addEventListener("keydown", (event) => {
    const typing = event.target.matches('input:not([type="radio"]), textarea, select');
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (act(event.key.length === 1 ? event.key.toLowerCase() : event.key)) event.preventDefault();
  });
}

export const VERDICTS = { 1: "artifact", 2: "normal", 3: "unsure" };
