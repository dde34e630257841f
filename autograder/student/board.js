// A pad to draw on: sends the ink after each stroke and shows what was read.
// No string goes over several lines: the set-up cell holds this file without indentation.
// Two pixels for each value of the ink, on both axes.
const SIDE = 224;

function add(parent, tag, style, text = "") {
  const element = parent.appendChild(document.createElement(tag));
  element.className = style;
  element.textContent = text;
  return element;
}

function canvas(parent, style, label) {
  const part = add(parent, "div", "");
  add(part, "p", "", label);
  const element = add(part, "canvas", style);
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  return element;
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;

export default {
  render({ model, el }) {
    const labels = model.get("labels");
    const board = add(el, "div", "lk-board");
    const pad = canvas(board, "pad", labels.draw);
    const seen = canvas(board, "seen", labels.sees);
    const answers = add(board, "div", "");
    add(answers, "p", "", labels.answers);
    const bars = add(answers, "div", "");
    // The line below says the same in words.
    bars.setAttribute("aria-hidden", "true");
    const said = add(answers, "p", "said");
    said.setAttribute("role", "status");

    pad.width = pad.height = SIDE;
    const pen = pad.getContext("2d", { willReadFrequently: true });
    const wipe = () => {
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, SIDE, SIDE);
    };
    const send = () => {
      const { data } = pen.getImageData(0, 0, SIDE, SIDE);
      const side = SIDE / 2;
      const ink = new Uint8Array(side * side);
      ink.forEach((_, i) => {
        ink[i] = 255 - data[8 * (SIDE * Math.floor(i / side) + (i % side))];
      });
      model.send({}, undefined, [ink]);
    };

    // The finger, pen or mouse that draws; a second finger does not.
    let pointer = null;
    const at = (event) => {
      const scale = SIDE / pad.clientWidth;
      return [event.offsetX * scale, event.offsetY * scale];
    };
    const draw = (event) => {
      const [x, y] = at(event);
      // A line of length 0 would draw nothing.
      pen.lineTo(x + 0.01, y);
      pen.stroke();
    };
    const lift = (event) => {
      if (event.pointerId === pointer) {
        pointer = null;
        send();
      }
    };
    pad.onpointerdown = (event) => {
      if (event.button || pointer !== null) return;
      event.preventDefault();
      pointer = event.pointerId;
      pad.setPointerCapture(pointer);
      pen.beginPath();
      pen.moveTo(...at(event));
      draw(event);
    };
    pad.onpointermove = (event) => {
      if (event.pointerId === pointer) draw(event);
    };
    pad.onpointerup = pad.onpointercancel = lift;
    pen.lineWidth = 18;
    pen.lineCap = pen.lineJoin = "round";
    wipe();

    const button = add(pad.parentElement, "button", "", labels.clear);
    button.type = "button";
    // Keys pressed here are not for JupyterLab, where D D would delete the cell.
    button.setAttribute("data-lm-suppress-shortcuts", "true");
    button.onclick = () => {
      wipe();
      send();
    };

    const show = () => {
      const { image, width, probabilities, error } = model.get("reading");
      const most = Math.max(...probabilities);
      bars.replaceChildren();
      probabilities.forEach((share, i) => {
        const bar = add(bars, "div", most && share === most ? "bar first" : "bar");
        add(bar, "span", "", i);
        add(add(bar, "div", "whole"), "div", "share").style.width = `${100 * share}%`;
        add(bar, "span", "", most ? percent(share) : "");
      });
      said.classList.toggle("error", Boolean(error));
      said.textContent = error || (most ? `${probabilities.indexOf(most)}: ${percent(most)}` : "");
      seen.width = width;
      seen.height = image.length / width;
      const picture = new ImageData(width, seen.height);
      image.forEach((ink, i) => picture.data.set([255 - ink, 255 - ink, 255 - ink, 255], 4 * i));
      seen.getContext("2d").putImageData(picture, 0, 0);
    };
    model.on("change:reading", show);
    show();
    return () => model.off("change:reading", show);
  },
};
