// Without a script the two pictures stand side by side; with it the second lies on the first.
const figure = document.querySelector(".compare");
const slider = figure.querySelector("input");
const show = () => {
  figure.style.setProperty("--share", slider.value + "%");
  slider.ariaValueText = slider.value + " % original";
};
slider.addEventListener("input", show);
show();
figure.classList.add("live");
for (const button of document.querySelectorAll(".pair")) {
  button.disabled = false;
  button.addEventListener("click", () => {
    const chosen = button.querySelectorAll(".picture");
    figure.querySelectorAll(".picture").forEach((place, n) =>
      place.replaceChildren(...chosen[n].cloneNode(true).childNodes));
    document.querySelectorAll(".pair").forEach((one) => { one.ariaPressed = one === button; });
    figure.querySelector(".which").textContent = button.dataset.id;
  });
}
