/** Uploads of images: presigned forms from Argus, the bytes to S3, then polling until they are processed. */

import {h} from "../dom.js";
import {size} from "../format.js";
import {poll} from "../polling.js";
import {send} from "../upload.js";
import {words, wordFor} from "../words.js";
import {problemBox} from "./components.js";

const BATCH_SIZE = 100; // the limit of files in a request
const FINAL_STATES = ["ready", "rejected"];

/** @param {import("./components.js").Context} context @param {() => void} onReady called for each image that is ready */
export function uploadForm(context, onReady) {
  const {api, signal, attempt, pauseUntilChange} = context;
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
    for (let begin = 0; begin < chosen.length; begin += BATCH_SIZE) {
      const batch = chosen.slice(begin, begin + BATCH_SIZE);
      const files = batch.map((file) => ({name: file.name, size: file.size, content_type: contentType(file)}));
      const targets = await api.post("/uploads", {...survey, files}, {signal});
      for (const [index, file] of batch.entries()) await transfer(file, targets.items[index]);
    }
    form.reset();
  }

  /** Uploads are sequential: the bandwidth is the bottleneck. Argus processes uploaded files in the meantime.
   * @param {File} file @param {{image_id: string, upload: UploadTarget}} target */
  async function transfer(file, target) {
    const bar = h("progress", {max: 1, value: 0, "aria-label": file.name});
    const state = h("span", {}, words.upload.uploading);
    const line = h("li", {}, h("span", {}, `${file.name} (${size(file.size)})`), bar, state);
    progress.append(line);
    try {
      await send(target.upload, file, (share) => (bar.value = share), signal);
      bar.removeAttribute("value"); // the time to process it is unknown
      follow(target.image_id, bar, state).catch((error) => signal.aborted || line.append(problemBox(error)));
    } catch (error) {
      bar.remove();
      state.replaceWith(problemBox(error));
    }
  }

  /** @param {string} id @param {HTMLProgressElement} bar @param {HTMLElement} state */
  async function follow(id, bar, state) {
    /** @type {ThermalImage} */
    const image = await poll(() => api.get(`/images/${id}`, {signal}), {
      isFinal: (current) => FINAL_STATES.includes(current.state),
      onValue: (current) => (state.textContent = wordFor(words.images.state, current.state)),
      signal,
      wait: pauseUntilChange(id),
    });
    bar.value = 1;
    if (image.reason) state.textContent = `${wordFor(words.images.state, image.state)}: ${image.reason}`;
    else onReady();
  }
}

/** Browsers have no media type for .fff. @param {File} file */
const contentType = (file) => file.type || "application/octet-stream";
