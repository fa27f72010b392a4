/** The console: the session, the routes, and error messages. */

import {Api} from "./api.js";
import {Changes} from "./changes.js";
import {CurrentUser} from "./current_user.js";
import {h} from "./dom.js";
import {pause} from "./polling.js";
import {Problem} from "./problem.js";
import {NotSignedIn, Session} from "./session.js";
import {language, words} from "./words.js";
import {imageView} from "./views/image.js";
import {imagesView} from "./views/images.js";
import {problemBox} from "./views/components.js";
import {scanView} from "./views/scan.js";
import {scansView} from "./views/scans.js";
import {signInView} from "./views/sign_in.js";

/** URL fragment, view, and menu entry. */
const ROUTES = /** @type {[RegExp, (context: any, id: string) => Promise<HTMLElement>, string][]} */ ([
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
  onStatus: (message) => page.status.replaceChildren(message),
});
const changes = config.socket_url ? new Changes(config.socket_url, session) : null;

/** A pause that ends early when `id` changes, if there is a WebSocket. @param {string} id */
const pauseUntilChange = (id) =>
  changes ? (/** @type {number} */ ms, /** @type {AbortSignal} */ signal) => changes.pause(id, ms, signal) : pause;

const currentUser = new CurrentUser(async (signedIn) => {
  const me = await api.get("/me");
  changes?.listen(signedIn);
  return me;
});
let viewController = new AbortController();

/** Run an action of the user, and show its error, unless the view was left in the meantime. */
const attemptFor =
  (/** @type {AbortSignal} */ signal) =>
  async (/** @type {() => Promise<any>} */ action, /** @type {HTMLButtonElement} */ button) => {
    if (button) button.disabled = true;
    page.alerts.replaceChildren();
    try {
      return await action();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof NotSignedIn) showSignIn(error.message);
      else page.alerts.replaceChildren(problemBox(error));
      return undefined;
    } finally {
      if (button) button.disabled = false;
    }
  };

async function show() {
  viewController.abort();
  viewController = new AbortController();
  const {signal} = viewController;
  page.alerts.replaceChildren();
  page.status.replaceChildren();
  if (!session.signedIn) return showSignIn();
  const {hash} = location;
  const [pattern, view, entry] = ROUTES.find(([fragment]) => fragment.test(hash)) ?? [];
  if (hash === "" || hash === "#/") return location.replace("#/images");
  page.main.replaceChildren(h("p", {class: "loading"}, words.loading));
  try {
    const me = await currentUser.get();
    drawHeader(me, entry);
    if (!pattern || !view) throw new Problem(words.pageNotFound);
    const context = {api, me, signal, pauseUntilChange, attempt: attemptFor(signal)};
    render(await view(context, pattern.exec(hash)?.[1] ?? ""), signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof NotSignedIn) return showSignIn(error.message);
    render(problemBox(error), signal);
  }
  return undefined;
}

/** @param {string} [notice] */
function showSignIn(notice) {
  viewController.abort();
  currentUser.clear();
  page.header.hidden = true;
  page.alerts.replaceChildren();
  render(signInView(session, show, notice), new AbortController().signal);
}

/** @param {HTMLElement} view @param {AbortSignal} signal */
function render(view, signal) {
  if (signal.aborted) return; // the user has opened another view in the meantime
  page.main.replaceChildren(view);
  const heading = view.querySelector("h1");
  document.title = heading ? `${heading.textContent} · ${words.product}` : words.product;
  heading?.focus({preventScroll: true}); // screen readers announce the new page
  window.scrollTo(0, 0);
}

/** @param {Me} user @param {string | undefined} entry */
function drawHeader({organisation, role}, entry) {
  const links = /** @type {("images" | "scans")[]} */ (["images", "scans"]).map((name) =>
    h("a", {href: `#/${name}`, "aria-current": name === entry && "page"}, words.nav[name]),
  );
  page.header.hidden = false;
  page.header.replaceChildren(
    h("a", {class: "brand", href: "#/images"}, h("img", {src: logo(), alt: "", width: 28, height: 28}), words.product),
    h("nav", {"aria-label": words.nav.label}, ...links),
    h("span", {class: "user"}, organisation.name, h("small", {}, role)),
    h("button", {type: "button", class: "quiet", onclick: signOut}, words.signIn.signOut),
  );
}

/** The build renames files, so the URL of the icon is read from the page. */
const logo = () => document.querySelector('link[rel="icon"]')?.getAttribute("href");

async function signOut() {
  showSignIn();
  await session.signOut();
}

window.addEventListener("hashchange", show);
document.documentElement.lang = language;
await show();
