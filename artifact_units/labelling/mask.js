// The pixels that are marked, drawn over the image at its own resolution.
export class Mask {
  tool = "look";

  constructor(canvas, side, changed) {
    this.canvas = canvas;
    this.side = side;
    this.changed = changed;
    this.pixels = new Uint8Array(side * side);
    this.radius = Math.max(1, side / 48);
    canvas.addEventListener("pointerdown", (event) => this.start(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => (this.from = null));
    }
  }

  load(runs) {
    this.from = null;
    this.pixels.fill(0);
    for (let i = 0; runs && i < runs.length; i += 2) {
      this.pixels.fill(1, runs[i], runs[i] + runs[i + 1]);
    }
    this.draw();
  }

  clear() {
    this.load(null);
  }

  // Starts and lengths of the marked runs in reading order; null where nothing is marked.
  runs() {
    const found = [];
    for (let i = 0; i < this.pixels.length; i++) {
      if (!this.pixels[i]) continue;
      if (i && this.pixels[i - 1]) found[found.length - 1]++;
      else found.push(i, 1);
    }
    return found.length ? found : null;
  }

  start(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.from = this.place(event);
    this.base = this.pixels.slice();
    this.move(event);
  }

  move(event) {
    if (!this.from) return;
    const to = this.place(event);
    if (this.tool === "box") this.box(this.from, to);
    else this.stroke(this.from, to);
    if (this.tool !== "box") this.from = to;
    this.draw();
  }

  place(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const inside = (at) => Math.min(this.side - 1e-6, Math.max(0, (at * this.side) / width));
    return [inside(event.clientX - left), inside(event.clientY - top)];
  }

  box([x0, y0], [x1, y1]) {
    this.pixels.set(this.base);
    const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)].map(Math.floor);
    const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)].map(Math.floor);
    for (let y = top; y <= bottom; y++) {
      this.pixels.fill(1, y * this.side + left, y * this.side + right + 1);
    }
  }

  stroke([x0, y0], [x1, y1]) {
    const steps = Math.ceil(Math.hypot(x1 - x0, y1 - y0)) + 1;
    for (let step = 0; step <= steps; step++) {
      this.dot(x0 + ((x1 - x0) * step) / steps, y0 + ((y1 - y0) * step) / steps);
    }
  }

  dot(x, y) {
    const value = this.tool === "erase" ? 0 : 1;
    const last = this.side - 1;
    const range = (at) => [Math.max(0, Math.floor(at - this.radius)), Math.min(last, Math.floor(at + this.radius))];
    const [[left, right], [top, bottom]] = [range(x), range(y)];
    for (let row = top; row <= bottom; row++) {
      for (let col = left; col <= right; col++) {
        const near = Math.hypot(col + 0.5 - x, row + 0.5 - y) <= this.radius;
        if (near) this.pixels[row * this.side + col] = value;
      }
    }
  }

  // A bright edge and a chequered veil: they show on any image, and without colour.
  draw() {
    const { side } = this;
    const at = (row, col) =>
      row >= 0 && col >= 0 && row < side && col < side && this.pixels[row * side + col];
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(side, side);
    let count = 0;
    for (let i = 0; i < this.pixels.length; i++) {
      if (!this.pixels[i]) continue;
      count++;
      const [row, col] = [Math.floor(i / side), i % side];
      const inner = at(row - 1, col) && at(row + 1, col) && at(row, col - 1) && at(row, col + 1);
      if (!inner || (row + col) % 2) image.data.set([255, 60, 220, inner ? 110 : 235], 4 * i);
    }
    context.putImageData(image, 0, 0);
    this.changed(count);
  }
}
