/** What several views show. */

import {Problem} from "../problem.js";
import {h} from "../dom.js";
import {words} from "../words.js";

/**
 * What every view is given.
 * @typedef {{
 *   api: import("../api.js").Api,
 *   me: Me,
 *   signal: AbortSignal,
 *   pauseOn: (id: string) => typeof import("../polling.js").pause,
 *   attempt: <T>(action: () => Promise<T>, button?: HTMLButtonElement) => Promise<T | undefined>,
 * }} Context `signal` ends with the view; `attempt` runs what a person asked for and shows what went wrong
 */

/** @param {Context} context @param {string} scope */
export const may = (context, scope) => context.me.scopes.includes(scope);

/** @param {unknown} error */
export function problemBox(error) {
  const {title, detail, requestId} =
    error instanceof Problem ? error : {title: words.errors.unexpected, detail: String(error), requestId: ""};
  return h(
    "div",
    {class: "problem", role: "alert"},
    h("strong", {}, title),
    detail && h("p", {}, detail),
    requestId && h("small", {}, words.requestId(requestId)),
  );
}

/** @param {string} title @param {string} hint */
export const emptyBox = (title, hint) => h("div", {class: "empty"}, h("strong", {}, title), h("p", {}, hint));

/** @param {string} text @param {string} kind a class of the style sheet */
export const badge = (text, kind) => h("span", {class: `badge ${kind}`}, text);

/**
 * A list that grows by pages.
 * @template T
 * @param {Context} context
 * @param {{path: string, limit: number, list: HTMLElement, row: (item: T) => Node, empty: () => Node}} options
 * @returns {Promise<HTMLElement>}
 */
export async function paged({api, signal, attempt}, {path, limit, list, row, empty}) {
  const more = h("button", {type: "button", class: "quiet", onclick: () => attempt(load, more)}, words.more);
  const box = h("div", {}, list, more);
  /** @type {string | null} */
  let cursor = null;
  async function load() {
    /** @type {Page<T>} */
    const page = await api.get(path, {query: {limit, cursor}, signal});
    list.append(...page.items.map(row));
    cursor = page.next_cursor;
    more.hidden = cursor === null;
  }
  await load();
  if (!list.hasChildNodes()) box.replaceChildren(empty());
  return box;
}
