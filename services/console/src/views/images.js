/** All images of the organisation, newest first, with their previews. */

import {h} from "../dom.js";
import {celsius, survey, when} from "../format.js";
import {words, wordFor} from "../words.js";
import {badge, emptyBox, hasScope, paged} from "./components.js";
import {uploadForm} from "./uploads.js";

const PAGE = 24;

/** @param {import("./components.js").Context} context */
export async function imagesView(context) {
  const upload = hasScope(context, "images:write") && uploadForm(context, refresh);
  let list = await gallery(context);
  const view = h("div", {}, h("h1", {tabindex: -1}, words.images.title), upload, list);
  return view;

  async function refresh() {
    const fresh = await context.attempt(() => gallery(context));
    if (!fresh) return;
    list.replaceWith(fresh);
    list = fresh;
  }
}

/** @param {import("./components.js").Context} context */
function gallery(context) {
  const previews = lazyPreviews(context);
  return paged(context, {
    path: "/images",
    limit: PAGE,
    list: h("ul", {class: "gallery"}),
    row: (/** @type {ImageSummary} */ image) => card(image, previews),
    empty: () => emptyBox(words.images.empty, words.images.emptyHint),
  });
}

/** @param {ImageSummary} image @param {IntersectionObserver} previews */
function card(image, previews) {
  const ready = image.state === "ready";
  // With CORS, so that the page of the image can read the same response from the browser's cache.
  const attributes = {crossorigin: "anonymous", "data-image": image.id, hidden: true};
  const picture = h("img", {alt: words.images.preview(image.name), ...attributes});
  const frame = h("div", {class: "frame"}, picture);
  if (ready) previews.observe(frame);
  const facts = ready
    ? h("span", {class: "range"}, words.images.temperatures(celsius(image.stats?.min_c), celsius(image.stats?.max_c), image.pixels))
    : badge(image.reason ?? wordFor(words.images.state, image.state), image.state);
  return h(
    "li",
    {},
    h(
      "a",
      {class: "card", href: `#/images/${image.id}`},
      frame,
      h("strong", {}, image.name),
      facts,
      h("small", {}, survey(image.survey) || when(image.created_at)),
    ),
  );
}

/** Loads each preview when it becomes visible: listings have no links.
 * @param {import("./components.js").Context} context */
function lazyPreviews({api, signal, attempt}) {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const {target} of entries.filter((entry) => entry.isIntersecting)) {
        observer.unobserve(target);
        const picture = /** @type {HTMLImageElement} */ (target.querySelector("img"));
        attempt(() => load(picture));
      }
    },
    {rootMargin: "200px"},
  );
  signal.addEventListener("abort", () => observer.disconnect());
  return observer;

  /** @param {HTMLImageElement} picture */
  async function load(picture) {
    /** @type {ThermalImage} */
    const image = await api.get(`/images/${picture.dataset.image}`, {signal});
    const [preview] = Object.values(image.links?.previews ?? {});
    if (!preview) return;
    picture.src = preview.url;
    picture.hidden = false;
  }
}
