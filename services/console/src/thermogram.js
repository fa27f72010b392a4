/** The temperature viewer: a thermal image, its findings, and the temperature of a pixel. */

import {h, svg} from "./dom.js";
import {moved, pixelAt, polygonPoints} from "./shapes.js";
import {words, wordFor} from "./words.js";

/**
 * @param {ThermalImage} image in the state ready
 * @param {Finding[]} findings
 * @param {{
 *   read: (pixel: {x: number, y: number}) => Promise<string>,
 *   urls: ReturnType<typeof import("./pictures.js").pictureUrls>,
 *   palette: string,
 * }} options
 */
export function thermogram(image, findings, {read, urls, palette}) {
  const size = {width: image.width ?? 1, height: image.height ?? 1};
  const picture = h("img", {alt: words.images.preview(image.name), onload: revoke, ...size});
  const legend = h("img", {class: "legend", alt: "", onload: revoke});
  const cross = svg("path", {class: "cross", d: "M-14 0H-4M4 0H14M0-14V-4M0 4V14", visibility: "hidden"});
  const shapes = new Map(findings.map((finding) => [finding.fingerprint, shape(finding)]));
  const drawing = svg(
    "svg",
    {viewBox: `0 0 ${size.width} ${size.height}`, preserveAspectRatio: "none", "aria-hidden": "true"},
    ...[...shapes.values()].filter((polygon) => polygon !== null),
    cross,
  );
  const readout = h("output", {class: "readout", "aria-live": "polite"}, words.image.pick);
  let shown = palette;
  let pixel = {x: Math.floor(size.width / 2), y: Math.floor(size.height / 2)};

  const canvas = h(
    "div",
    {
      class: "canvas",
      tabindex: 0,
      role: "application", // arrow keys move the cross, as in a drawing program
      "aria-label": words.image.viewer,
      onclick: (/** @type {MouseEvent} */ event) => {
        moveCross(pixelAt(event, drawing.getBoundingClientRect(), size));
        showTemperature();
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const next = moved(pixel, event, size);
        if (next) moveCross(next);
        else if (event.key === "Enter") showTemperature();
        else return;
        event.preventDefault();
      },
    },
    picture,
    drawing,
  );
  show(palette);

  /** @param {{x: number, y: number}} target */
  function moveCross(target) {
    pixel = target;
    cross.setAttribute("transform", `translate(${pixel.x + 0.5} ${pixel.y + 0.5})`);
    cross.setAttribute("visibility", "visible");
  }

  async function showTemperature() {
    const requested = pixel;
    readout.replaceChildren(words.image.reading);
    try {
      const text = await read(requested);
      if (requested !== pixel) return; // the user has selected another pixel
      readout.replaceChildren(h("strong", {}, text), ` ${words.image.at(requested.x, requested.y)}`);
    } catch {
      readout.replaceChildren(words.image.pick); // `read` has shown the error
    }
  }

  /** @param {string} name of a palette */
  async function show(name) {
    shown = name;
    const urlOf = await urls;
    if (shown !== name) return; // the user has selected another palette
    for (const before of [picture, legend]) URL.revokeObjectURL(before.src); // if it has not been loaded yet
    picture.src = urlOf("previews", name);
    legend.src = urlOf("colorbar", name);
    legend.alt = words.image.legend(name.replaceAll("_", " "));
  }

  return {
    element: h("div", {class: "thermogram"}, h("div", {class: "stage"}, canvas, legend), readout),
    show,
    /** @param {Finding} finding @param {boolean} on */
    highlight: (finding, on) => shapes.get(finding.fingerprint)?.classList.toggle("highlighted", on),
  };
}

/** The picture stays visible without its object URL. @param {Event} event */
const revoke = ({target}) => URL.revokeObjectURL(/** @type {HTMLImageElement} */ (target).src);

/** @param {Finding} finding */
function shape(finding) {
  const points = polygonPoints(finding.location.polygon);
  const label = `${wordFor(words.findings.levels, finding.severity)}: ${finding.title}`;
  return points === null
    ? null
    : svg("polygon", {points, class: `region ${finding.severity}`}, svg("title", {}, label));
}
