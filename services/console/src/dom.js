/** Creates elements from data. Text becomes text nodes, never markup; no module sets innerHTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes] functions are event listeners (`onclick`); attributes with false or null are omitted
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** Like `h`, for SVG. @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node | string)} children */
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** @template {Element} E @param {E} element @param {Record<string, any>} attributes @param {any[]} children */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child != null && child !== false).map(asNode));
  return element;
}

/** @param {Node | string | number} child */
const asNode = (child) => (child instanceof Node ? child : document.createTextNode(String(child)));

/** A list of names and values, without empty values. @param {[string, string | null | undefined][]} rows */
export const facts = (rows) =>
  h("dl", {class: "facts"}, ...rows.filter(([, value]) => value && value !== "–").flatMap(([name, value]) => [
    h("dt", {}, name),
    h("dd", {}, value),
  ]));
