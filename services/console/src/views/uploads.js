/** Sending images: a place for each from Argus, the bytes to S3, then waiting until they are read. */

import {h} from "../dom.js";
import {size} from "../format.js";
import {until} from "../polling.js";
import {send} from "../upload.js";
import {words, wordFor} from "../words.js";
import {problemBox} from "./pieces.js";

const BATCH = 100; // what one request may ask for
const READ = ["ready", "rejected"];

/** @param {import("./pieces.js").Context} context @param {() => void} arrived called for each image that is ready */
export function uploadForm(context, arrived) {
  const {api, signal, attempt, pauseOn} = context;
  const files = h("input", {type: "file", multiple: true, required: true, accept: ".jpg,.jpeg,.rjpg,.fff,.tif,.tiff"});
  const levels = ["site", "sector", "period"].map((name) => h("input", {name, maxlength: 64}));
  const button = h("button", {class: "primary"}, words.upload.submit);
  const progress = h("ul", {class: "transfers", "aria-live": "polite"});
  const form = h(
    "form",
    {
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        attempt(upload, button);
      },
    },
    h("label", {class: "wide"}, words.upload.files, files),
    ...levels.map((input) => h("label", {}, words.upload[/** @type {"site"} */ (input.name)], input)),
    button,
  );
  return h("details", {class: "card upload"}, h("summary", {}, words.upload.title), form, progress);

  async function upload() {
    const chosen = [...(files.files ?? [])];
    const survey = Object.fromEntries(levels.map((input) => [input.name, input.value.trim()]));
    for (let begin = 0; begin < chosen.length; begin += BATCH) {
      const batch = chosen.slice(begin, begin + BATCH);
      const wanted = batch.map((file) => ({name: file.name, size: file.size, content_type: contentType(file)}));
      const places = await api.post("/uploads", {...survey, files: wanted}, {signal});
      for (const [index, file] of batch.entries()) await transfer(file, places.items[index]);
    }
    form.reset();
  }

  /** One after the other: the line is the bottleneck. Argus reads what has arrived meanwhile.
   * @param {File} file @param {{image_id: string, upload: UploadTarget}} place */
  async function transfer(file, place) {
    const bar = h("progress", {max: 1, value: 0, "aria-label": file.name});
    const state = h("span", {}, words.upload.sending);
    const line = h("li", {}, h("span", {}, `${file.name} (${size(file.size)})`), bar, state);
    progress.append(line);
    try {
      await send(place.upload, file, (share) => (bar.value = share), signal);
      bar.removeAttribute("value"); // how long reading takes is not known
      follow(place.image_id, bar, state).catch((error) => signal.aborted || line.append(problemBox(error)));
    } catch (error) {
      bar.remove();
      state.replaceWith(problemBox(error));
    }
  }

  /** @param {string} id @param {HTMLProgressElement} bar @param {HTMLElement} state */
  async function follow(id, bar, state) {
    /** @type {ThermalImage} */
    const image = await until(() => api.get(`/images/${id}`, {signal}), {
      ended: (seen) => READ.includes(seen.state),
      seen: (seen) => (state.textContent = wordFor(words.images.state, seen.state)),
      signal,
      wait: pauseOn(id),
    });
    bar.value = 1;
    if (image.reason) state.textContent = `${wordFor(words.images.state, image.state)}: ${image.reason}`;
    else arrived();
  }
}

/** Browsers know no type for .fff. @param {File} file */
const contentType = (file) => file.type || "application/octet-stream";
