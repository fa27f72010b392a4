/** The console: who is signed in, which view is shown, and what went wrong. */

import {Api} from "./api.js";
import {Changes} from "./changes.js";
import {h} from "./dom.js";
import {pause} from "./polling.js";
import {Problem} from "./problem.js";
import {NotSignedIn, Session} from "./session.js";
import {Visitor} from "./visitor.js";
import {language, words} from "./words.js";
import {imageView} from "./views/image.js";
import {imagesView} from "./views/images.js";
import {problemBox} from "./views/pieces.js";
import {scanView} from "./views/scan.js";
import {scansView} from "./views/scans.js";
import {signInView} from "./views/sign_in.js";

/** Address, view, and the entry of the menu that it belongs to. */
const PLACES = /** @type {[RegExp, (context: any, id: string) => Promise<HTMLElement>, string][]} */ ([
  [/^#\/images$/, imagesView, "images"],
  [/^#\/images\/(img_\w+)$/, imageView, "images"],
  [/^#\/scans$/, scansView, "scans"],
  [/^#\/scans\/(scan_\w+)$/, scanView, "scans"],
]);

const page = {
  main: /** @type {HTMLElement} */ (document.querySelector("main")),
  header: /** @type {HTMLElement} */ (document.querySelector("header")),
  alerts: /** @type {HTMLElement} */ (document.querySelector("#alerts")),
  status: /** @type {HTMLElement} */ (document.querySelector("#status")),
};

/** @type {Config} */
const config = await (await fetch("config.json", {cache: "no-cache"})).json();
const session = new Session(config, {storage: sessionStorage, fetch: fetch.bind(window), now: Date.now});
const api = new Api(config.api_url, {
  session,
  fetch: fetch.bind(window),
  pause,
  tell: (message) => page.status.replaceChildren(message),
});
const changes = config.socket_url ? new Changes(config.socket_url, session) : null;

/** How to wait for a change of `id`: until a hint or for a while, or just for a while. @param {string} id */
const pauseOn = (id) =>
  changes ? (/** @type {number} */ ms, /** @type {AbortSignal} */ signal) => changes.pause(id, ms, signal) : pause;

const visitor = new Visitor(async (signedIn) => {
  const me = await api.get("/me");
  changes?.listen(signedIn);
  return me;
});
let shown = new AbortController();

/** Run what a person asked for; show what went wrong. A view that was left has nothing to say any more. */
const attemptIn =
  (/** @type {AbortSignal} */ signal) =>
  async (/** @type {() => Promise<any>} */ action, /** @type {HTMLButtonElement} */ button) => {
    if (button) button.disabled = true;
    page.alerts.replaceChildren();
    try {
      return await action();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof NotSignedIn) askToSignIn(error.message);
      else page.alerts.replaceChildren(problemBox(error));
      return undefined;
    } finally {
      if (button) button.disabled = false;
    }
  };

async function show() {
  shown.abort();
  shown = new AbortController();
  const {signal} = shown;
  page.alerts.replaceChildren();
  page.status.replaceChildren();
  if (!session.signedIn) return askToSignIn();
  const {hash} = location;
  const [pattern, view, entry] = PLACES.find(([known]) => known.test(hash)) ?? [];
  if (hash === "" || hash === "#/") return location.replace("#/images");
  page.main.replaceChildren(h("p", {class: "loading"}, words.loading));
  try {
    const me = await visitor.me();
    drawHeader(me, entry);
    if (!pattern || !view) throw new Problem(words.nowhere);
    const context = {api, me, signal, pauseOn, attempt: attemptIn(signal)};
    place(await view(context, pattern.exec(hash)?.[1] ?? ""), signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof NotSignedIn) return askToSignIn(error.message);
    place(problemBox(error), signal);
  }
  return undefined;
}

/** @param {string} [notice] */
function askToSignIn(notice) {
  shown.abort();
  visitor.leave();
  page.header.hidden = true;
  page.alerts.replaceChildren();
  place(signInView(session, show, notice), new AbortController().signal);
}

/** @param {HTMLElement} view @param {AbortSignal} signal */
function place(view, signal) {
  if (signal.aborted) return; // another view was asked for meanwhile
  page.main.replaceChildren(view);
  const heading = view.querySelector("h1");
  document.title = heading ? `${heading.textContent} · ${words.product}` : words.product;
  heading?.focus({preventScroll: true}); // who listens to the page hears where they are
  window.scrollTo(0, 0);
}

/** @param {Me} who @param {string | undefined} entry */
function drawHeader({organisation, role}, entry) {
  const links = /** @type {("images" | "scans")[]} */ (["images", "scans"]).map((name) =>
    h("a", {href: `#/${name}`, "aria-current": name === entry && "page"}, words.nav[name]),
  );
  page.header.hidden = false;
  page.header.replaceChildren(
    h("a", {class: "brand", href: "#/images"}, h("img", {src: logo(), alt: "", width: 28, height: 28}), words.product),
    h("nav", {"aria-label": words.nav.label}, ...links),
    h("span", {class: "who"}, organisation.name, h("small", {}, role)),
    h("button", {type: "button", class: "quiet", onclick: signOut}, words.signIn.out),
  );
}

/** The build gives files other names; the page's own icon has the right one. */
const logo = () => document.querySelector('link[rel="icon"]')?.getAttribute("href");

async function signOut() {
  askToSignIn();
  await session.signOut();
}

window.addEventListener("hashchange", show);
document.documentElement.lang = language;
await show();
