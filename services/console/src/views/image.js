/** One image: its temperatures, findings and metadata. */

import {facts, h} from "../dom.js";
import {celsius, number, size, survey, when} from "../format.js";
import {pictureUrls} from "../pictures.js";
import {thermogram} from "../thermogram.js";
import {words, wordFor} from "../words.js";
import {findingsTable} from "./findings.js";
import {badge, hasScope} from "./components.js";

const w = words.image;

/** @param {import("./components.js").Context} context @param {string} id */
export async function imageView(context, id) {
  const {api, signal, attempt} = context;
  /** @type {[ThermalImage, Page<Finding>]} */
  const [image, found] = await Promise.all([
    api.get(`/images/${id}`, {signal}),
    api.get("/findings", {query: {target: `image:${id}`, limit: 100}, signal}),
  ]);
  const scan = h("button", {type: "button", class: "primary", onclick: () => attempt(request, scan)}, w.scan);
  const head = h(
    "div",
    {class: "head"},
    h("h1", {tabindex: -1}, image.name),
    image.state === "ready" && hasScope(context, "scans:write") && scan,
  );
  if (image.state !== "ready") {
    const state = badge(image.reason ?? wordFor(words.images.state, image.state), image.state);
    return h("div", {}, head, h("p", {}, state), metadata(image));
  }
  const viewer = pictureOf(context, image, found.items);
  return h(
    "div",
    {},
    head,
    h(
      "div",
      {class: "columns"},
      h("div", {}, viewer.element, h("h2", {}, w.findings), findingsTable(found.items, viewer.highlight)),
      h("div", {class: "aside"}, temperatures(image), metadata(image)),
    ),
  );

  async function request() {
    /** @type {Scan} */
    const queued = await api.post("/scans", {target: {kind: "image", id}, plugins: [{id: "thermal_hotspots"}]}, {signal});
    location.hash = `#/scans/${queued.id}`;
  }
}

/** The viewer with a choice of palettes. @param {import("./components.js").Context} context @param {ThermalImage} image @param {Finding[]} findings */
export function pictureOf({api, signal, attempt}, image, findings) {
  const links = /** @type {NonNullable<ThermalImage["links"]>} */ (image.links); // of every image that is ready
  const palettes = Object.keys(links.previews);
  const viewer = thermogram(image, findings, {
    palette: palettes[0],
    urls: pictureUrls(api, links, signal),
    read: async ({x, y}) => {
      const response = await attempt(() => api.get(`/images/${image.id}/temperature`, {query: {x, y}, signal}));
      if (!response) throw new Error("not read");
      return pixelText(image, response);
    },
  });
  const choice = h(
    "select",
    {onchange: () => viewer.show(choice.value)},
    ...palettes.map((name) => h("option", {value: name}, name.replaceAll("_", " "))),
  );
  const element = h("div", {class: "card picture"}, h("label", {class: "palette"}, w.palette, choice), viewer.element);
  return {...viewer, element};
}

/** @param {ThermalImage} image @param {PixelTemperature} pixel */
function pixelText({limits}, {celsius: value, state}) {
  if (state === "below_range") return w.below(known(limits?.low_celsius));
  if (state === "above_range") return w.above(known(limits?.high_celsius));
  return value === null ? w.noTemperature : celsius(value);
}

/** A limit; null if the file does not state it. @param {number | null | undefined} limit */
const known = (limit) => (limit == null ? null : celsius(limit));

/** @param {Span | null} span */
const range = (span) => span && `${celsius(span.low_celsius)} – ${celsius(span.high_celsius)}`;

/** The pixels that the camera could not measure. @param {ThermalImage} image */
function unmeasured({pixels, limits}) {
  if (!pixels) return "";
  return [
    pixels.below_range && w.pixels(pixels.below_range, w.below(known(limits?.low_celsius))),
    pixels.above_range && w.pixels(pixels.above_range, w.above(known(limits?.high_celsius))),
    pixels.without && w.pixels(pixels.without, w.noTemperature),
  ]
    .filter(Boolean)
    .join(", ");
}

/** @param {ThermalImage["accuracy"]} accuracy */
function trust(accuracy) {
  if (!accuracy) return "–";
  const exact = accuracy.kind === "exact";
  if (accuracy.error_c == null) return exact ? w.exact : w.approximate;
  const error = `${accuracy.error_c} °C`;
  return exact ? w.exactWithin(error) : w.approximateWithin(error);
}

/** @param {number | null | undefined} value */
const metres = (value) => (value == null ? "–" : `${number(value)} m`);

/** @param {ThermalImage} image */
function temperatures(image) {
  const {stats, accuracy, links, set_range: setRange, pixels, notes} = image;
  const missing = unmeasured(image);
  return h(
    "section",
    {class: "card"},
    h("h2", {}, w.statistics),
    facts([
      [w.maximum, pixels?.above_range ? w.over(celsius(stats?.max_c)) : celsius(stats?.max_c)],
      [w.mean, celsius(stats?.mean_c)],
      [w.minimum, pixels?.below_range ? w.under(celsius(stats?.min_c)) : celsius(stats?.min_c)],
      [w.percentiles, `${celsius(stats?.p5_c)} – ${celsius(stats?.p95_c)}`],
      [w.accuracy, trust(accuracy)],
      ...(missing ? /** @type {[string, string][]} */ ([[w.unmeasured, missing]]) : []),
    ]),
    missing && h("p", {class: "hint"}, w.hatched),
    Boolean(pixels?.outside_set_range) &&
      h("p", {class: "hint"}, w.outsideSetRange(pixels?.outside_set_range ?? 0, range(setRange) ?? "–")),
    ...notes.map(({text}) => h("p", {class: "hint"}, text)),
    accuracy?.kind === "approximate" && h("p", {class: "hint"}, w.caution),
    links && h("p", {}, h("a", {href: links.cog.url}, w.cog)),
    links && h("p", {}, h("a", {href: links.original.url}, w.original)),
  );
}

/** @param {ThermalImage} image */
function metadata(image) {
  const {camera, parameters, position, flight} = image;
  const {gimbal, laser} = flight ?? {};
  const distance = metres(parameters?.distance_metres);
  return h(
    "section",
    {class: "card"},
    h("h2", {}, w.camera),
    facts([
      [w.survey, survey(image.survey)],
      [w.model, camera && [camera.make, camera.model].filter(Boolean).join(" ")],
      [w.lens, camera?.lens],
      [w.serial, camera?.serial],
      [w.taken, image.taken_at_local ? w.byCamera(image.taken_at_local.replace("T", " ")) : when(image.taken_at)],
      ...(image.georeference ? /** @type {[string, string][]} */ ([[w.map, `EPSG:${image.georeference.epsg}`]]) : []),
      [w.position, position && `${position.latitude.toFixed(5)}, ${position.longitude.toFixed(5)}`],
      [w.size, [image.width && `${image.width} × ${image.height}`, size(image.size_bytes)].filter(Boolean).join(" · ")],
      [w.emissivity, number(parameters?.emissivity)],
      [w.distance, parameters?.distance_source === "laser" ? w.fromLaser(distance) : distance],
      [w.reflected, celsius(parameters?.reflected_celsius)],
      [w.humidity, parameters?.relative_humidity == null ? null : `${number(100 * parameters.relative_humidity)} %`],
      [w.height, flight && metres(flight.altitude_above_takeoff_metres)],
      [w.direction, gimbal && w.directions(number(gimbal.yaw), number(gimbal.pitch))],
      [w.laser, laser && metres(laser.distance_metres)],
    ]),
  );
}
