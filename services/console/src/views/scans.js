/** All scans, newest first. */

import {h} from "../dom.js";
import {counts, targetName, when} from "../format.js";
import {words, wordFor} from "../words.js";
import {badge, emptyBox, paged} from "./components.js";

const PAGE = 50;

/** @param {import("./components.js").Context} context */
export async function scansView(context) {
  /** @type {Page<ImageSummary>} */
  const recent = await context.api.get("/images", {query: {limit: 100}, signal: context.signal});
  const names = new Map(recent.items.map((image) => [image.id, image.name])); // older images are shown by their ids
  const list = await paged(context, {
    path: "/scans",
    limit: PAGE,
    list: h("ul", {class: "rows"}),
    row: (/** @type {Scan} */ scan) => row(scan, names.get(targetName(scan.target)) ?? targetName(scan.target)),
    empty: () => emptyBox(words.scans.empty, words.scans.emptyHint),
  });
  return h("div", {}, h("h1", {tabindex: -1}, words.scans.title), list);
}

/** @param {Scan} scan @param {string} name */
const row = (scan, name) =>
  h(
    "li",
    {},
    h(
      "a",
      {class: "card", href: `#/scans/${scan.id}`},
      h("strong", {}, name),
      h("span", {}, counts(scan.counts)),
      badge(wordFor(words.scans.state, scan.state), scan.state),
      h("small", {}, when(scan.created_at)),
    ),
  );
