import { byId, send, showProgress, stuck } from "./send.js";

for (const card of document.querySelectorAll("#cards > li")) {
  for (const button of card.querySelectorAll("button")) {
    button.addEventListener("click", () => settle(card, button.dataset.verdict));
  }
  show(card);
}

async function settle(card, verdict) {
  if (stuck()) return;
  const { progress } = await send("/verdicts", { id: Number(card.dataset.id), verdict, final: true });
  card.dataset.final = verdict === "undo" ? "" : verdict;
  showProgress(progress);
  show(card);
  const open = document.querySelectorAll('#cards > li[data-final=""]').length;
  byId("said").textContent = `${open} to settle.`;
}

function show(card) {
  const { final } = card.dataset;
  card.querySelector(".settled").textContent = final ? `Settled: ${final}` : "Open";
  for (const button of card.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.verdict === final));
  }
  card.querySelector('[data-verdict="undo"]').hidden = !final;
}
