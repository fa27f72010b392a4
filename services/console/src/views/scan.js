/** One scan: its progress, its findings in the image, and its reports. */

import {Problem} from "../problem.js";
import {h} from "../dom.js";
import {targetName, when} from "../format.js";
import {poll} from "../polling.js";
import {words, wordFor} from "../words.js";
import {findingsTable} from "./findings.js";
import {pictureOf} from "./image.js";
import {badge, hasScope} from "./components.js";

const UNFINISHED = ["queued", "running"];

/** @param {import("./components.js").Context} context @param {string} id */
export async function scanView(context, id) {
  const {api, signal, attempt, pauseUntilChange} = context;
  const read = () => api.get(`/scans/${id}`, {signal});
  /** @type {Scan} */
  const scan = await read();
  const image = await imageOf(context, scan);
  const head = h(
    "div",
    {class: "head"},
    h("h1", {tabindex: -1}, image?.name ?? targetName(scan.target)),
    image && h("a", {href: `#/images/${image.id}`}, words.scans.openImage),
  );
  const body = h("div", {});
  if (UNFINISHED.includes(scan.state)) attempt(follow);
  else body.append(...(await results(scan)));
  return h("div", {}, head, h("p", {class: "hint"}, `${words.scans.when} ${when(scan.created_at)}`), body);

  async function follow() {
    const bar = h("progress", {max: 100, value: scan.progress, "aria-label": words.scans.progress});
    const state = h("span", {"aria-live": "polite"}, wordFor(words.scans.state, scan.state));
    body.replaceChildren(h("div", {class: "card following"}, bar, state));
    /** @type {Scan} */
    const last = await poll(read, {
      isFinal: (current) => !UNFINISHED.includes(current.state),
      onValue: (current) => {
        bar.value = current.progress;
        state.textContent = wordFor(words.scans.state, current.state);
      },
      signal,
      wait: pauseUntilChange(id),
    });
    body.replaceChildren(...(await results(last)));
  }

  /** @param {Scan} last */
  async function results(last) {
    const state = badge(wordFor(words.scans.state, last.state), last.state);
    if (last.state !== "succeeded") {
      const steps = last.steps.filter((step) => step.reason);
      return [
        h("p", {}, state, ` ${last.reason}`),
        ...(steps.length > 0 ? [h("ul", {}, ...steps.map((step) => h("li", {}, `${step.plugin}: ${step.reason}`)))] : []),
      ];
    }
    /** @type {Page<Finding>} */
    const found = await api.get(`/scans/${id}/findings`, {query: {limit: 100}, signal});
    const viewer = image?.state === "ready" ? pictureOf(context, image, found.items) : null;
    const table = findingsTable(found.items, viewer?.highlight ?? (() => {}));
    return [
      h(
        "div",
        {class: "columns"},
        h("div", {}, viewer?.element, h("h2", {}, words.image.findings), table),
        h("div", {class: "aside"}, hasScope(context, "reports:write") && reports(context, id)),
      ),
    ];
  }
}

/** The scanned image, or null if it was deleted. @param {import("./components.js").Context} context @param {Scan} scan @returns {Promise<ThermalImage | null>} */
async function imageOf({api, signal}, {target}) {
  if (target.kind !== "image") return null;
  try {
    return await api.get(`/images/${target.id}`, {signal});
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** @param {import("./components.js").Context} context @param {string} scanId */
function reports({api, signal, attempt, pauseUntilChange}, scanId) {
  const created = h("div", {class: "created", "aria-live": "polite"});
  const buttons = Object.entries(words.reports.formats).map(([format, label]) => {
    const button = h("button", {type: "button", onclick: () => attempt(() => create(format, label), button)}, label);
    return button; // the listener refers to it
  });
  return h("section", {class: "card reports"}, h("h2", {}, words.reports.title), h("p", {}, ...buttons), created);

  /** @param {string} format @param {string} label */
  async function create(format, label) {
    const line = h("p", {}, words.reports.creating(label));
    created.append(line);
    try {
      /** @type {Report} */
      const queued = await api.post("/reports", {scan_id: scanId, format}, {signal});
      /** @type {Report} */
      const report = await poll(() => api.get(`/reports/${queued.id}`, {signal}), {
        isFinal: (current) => current.state !== "queued",
        signal,
        wait: pauseUntilChange(queued.id),
      });
      if (!report.link) throw new Problem({title: words.reports.failed, detail: report.reason});
      const link = h("a", {href: report.link.url}, words.reports.ready(label));
      line.replaceChildren(link);
      link.click(); // S3 responds with an attachment: the browser saves the file and stays on the page
    } catch (error) {
      line.remove();
      throw error;
    }
  }
}
