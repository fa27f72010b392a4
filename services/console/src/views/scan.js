/** One scan: its progress, then what it found, drawn over the picture, and reports about it. */

import {Problem} from "../problem.js";
import {h} from "../dom.js";
import {when} from "../format.js";
import {until} from "../polling.js";
import {words, wordFor} from "../words.js";
import {findingsTable} from "./findings.js";
import {pictureOf} from "./image.js";
import {badge, may} from "./pieces.js";

const UNFINISHED = ["queued", "running"];

/** @param {import("./pieces.js").Context} context @param {string} id */
export async function scanView(context, id) {
  const {api, signal, attempt, pauseOn} = context;
  const ask = () => api.get(`/scans/${id}`, {signal});
  /** @type {Scan} */
  const scan = await ask();
  const image = await imageOf(context, scan);
  const head = h(
    "div",
    {class: "head"},
    h("h1", {tabindex: -1}, image?.name ?? scan.target.value),
    image && h("a", {href: `#/images/${image.id}`}, words.scans.openImage),
  );
  const body = h("div", {});
  if (UNFINISHED.includes(scan.state)) attempt(follow);
  else body.append(...(await ended(scan)));
  return h("div", {}, head, h("p", {class: "hint"}, `${words.scans.when} ${when(scan.created_at)}`), body);

  async function follow() {
    const bar = h("progress", {max: 100, value: scan.progress, "aria-label": words.scans.progress});
    const state = h("span", {"aria-live": "polite"}, wordFor(words.scans.state, scan.state));
    body.replaceChildren(h("div", {class: "card following"}, bar, state));
    /** @type {Scan} */
    const last = await until(ask, {
      ended: (seen) => !UNFINISHED.includes(seen.state),
      seen: (seen) => {
        bar.value = seen.progress;
        state.textContent = wordFor(words.scans.state, seen.state);
      },
      signal,
      wait: pauseOn(id),
    });
    body.replaceChildren(...(await ended(last)));
  }

  /** @param {Scan} last */
  async function ended(last) {
    const state = badge(wordFor(words.scans.state, last.state), last.state);
    if (last.state !== "succeeded") return [h("p", {}, state, ` ${last.reason}`)];
    /** @type {Page<Finding>} */
    const found = await api.get(`/scans/${id}/findings`, {query: {limit: 100}, signal});
    const viewer = image?.state === "ready" ? pictureOf(context, image, found.items) : null;
    const table = findingsTable(found.items, viewer?.highlight ?? (() => {}));
    return [
      h(
        "div",
        {class: "columns"},
        h("div", {}, viewer?.element, h("h2", {}, words.image.findings), table),
        h("div", {class: "aside"}, may(context, "reports:write") && reports(context, id)),
      ),
    ];
  }
}

/** What was scanned, unless it is gone. @param {import("./pieces.js").Context} context @param {Scan} scan @returns {Promise<ThermalImage | null>} */
async function imageOf({api, signal}, {target}) {
  if (target.kind !== "image") return null;
  try {
    return await api.get(`/images/${target.value}`, {signal});
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** @param {import("./pieces.js").Context} context @param {string} scanId */
function reports({api, signal, attempt, pauseOn}, scanId) {
  const made = h("div", {class: "made", "aria-live": "polite"});
  const buttons = Object.entries(words.reports.formats).map(([format, label]) => {
    const button = h("button", {type: "button", onclick: () => attempt(() => make(format, label), button)}, label);
    return button; // named, since the listener disables it
  });
  return h("section", {class: "card reports"}, h("h2", {}, words.reports.title), h("p", {}, ...buttons), made);

  /** @param {string} format @param {string} label */
  async function make(format, label) {
    const line = h("p", {}, words.reports.making(label));
    made.append(line);
    try {
      /** @type {Report} */
      const queued = await api.post("/reports", {scan_id: scanId, format}, {signal});
      /** @type {Report} */
      const report = await until(() => api.get(`/reports/${queued.id}`, {signal}), {
        ended: (seen) => seen.state !== "queued",
        signal,
        wait: pauseOn(queued.id),
      });
      if (!report.link) throw new Problem({title: words.reports.failed, detail: report.reason});
      const link = h("a", {href: report.link.url}, words.reports.ready(label));
      line.replaceChildren(link);
      link.click(); // S3 answers with an attachment: the file is saved, the page stays
    } catch (error) {
      line.remove();
      throw error;
    }
  }
}
