/** A table of findings, which highlights their regions in the image. */

import {h} from "../dom.js";
import {celsius, number} from "../format.js";
import {words, wordFor} from "../words.js";
import {badge} from "./components.js";

const w = words.findings;

/**
 * @param {Finding[]} findings
 * @param {(finding: Finding, on: boolean) => void} highlight called while a row is hovered or has the focus
 */
export function findingsTable(findings, highlight) {
  if (!findings.length) return h("p", {class: "none"}, w.none);
  const heads = [w.severity, w.title, w.status, w.rise, w.peak, w.area];
  return h(
    "div",
    {class: "table"},
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", {scope: "col"}, head)))),
      h("tbody", {}, ...findings.map((finding) => row(finding, highlight))),
    ),
  );
}

/** @param {Finding} finding @param {(finding: Finding, on: boolean) => void} highlight */
function row(finding, highlight) {
  const on = () => highlight(finding, true);
  const off = () => highlight(finding, false);
  const {delta_celsius: rise, peak_celsius: peak, area_pixels: area} = finding.evidence;
  return h(
    "tr",
    {tabindex: 0, onmouseenter: on, onmouseleave: off, onfocus: on, onblur: off},
    h("td", {}, badge(wordFor(w.levels, finding.severity), finding.severity)),
    h("td", {}, finding.title),
    h("td", {}, wordFor(w.states, finding.status)),
    h("td", {class: "number"}, celsius(rise)),
    h("td", {class: "number"}, celsius(peak)),
    h("td", {class: "number"}, area == null ? "–" : `${number(area)} px`),
  );
}
