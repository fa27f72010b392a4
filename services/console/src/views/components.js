/** Components that several views share. */

import {Problem} from "../problem.js";
import {h} from "../dom.js";
import {words} from "../words.js";

/**
 * The context of a view.
 * @typedef {{
 *   api: import("../api.js").Api,
 *   me: Me,
 *   signal: AbortSignal,
 *   pauseUntilChange: (id: string) => typeof import("../polling.js").pause,
 *   attempt: <T>(action: () => Promise<T>, button?: HTMLButtonElement) => Promise<T | undefined>,
 * }} Context `signal` aborts when the view is left; `attempt` runs an action of the user and shows its error
 */

/** @param {Context} context @param {string} scope */
export const hasScope = (context, scope) => context.me.scopes.includes(scope);

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

/** @param {string} text @param {string} kind a CSS class */
export const badge = (text, kind) => h("span", {class: `badge ${kind}`}, text);

/**
 * A list that loads its pages on request.
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
