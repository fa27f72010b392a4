/** Names, levels and focus that the markup of Swagger UI lacks, added as attributes whenever it renders. */

/** What to set on the elements of each selector. @type {[string, (element: Element) => Record<string, string>][]} */
const ATTRIBUTES = [
  // All content is in a landmark. Swagger UI's `main` contains only the operations.
  [".information-container", () => ({role: "region", "aria-label": "About the API"})],
  [".scheme-container", () => ({role: "region", "aria-label": "Server and authorization"})],
  [".info .title", () => ({"aria-level": "2"})],
  [".auth-container h6", () => ({"aria-level": "5"})],
  ["#servers", () => ({"aria-label": "Server"})],
  [".close-modal", () => ({"aria-label": "Close"})],
  ["textarea.body-param__text", () => ({"aria-label": "Request body"})],
  [
    "tr[data-param-name] :is(input, select, textarea)",
    (control) => ({"aria-label": control.closest("tr").dataset.paramName}),
  ],
  [".opblock table[role=region]", (table) => ({"aria-label": `Responses of ${operationOf(table)}`})],
  ["pre.microlight", () => ({tabindex: "0"})], // it scrolls
  // The name of a button must contain its text.
  [".modal-btn.auth", (button) => ({"aria-label": named(button.textContent, button.getAttribute("aria-label") ?? "")})],
];

/** Keep an element of the page, in which Swagger UI renders, repaired. */
export function keepRepaired(root) {
  repair(root);
  new MutationObserver(() => repair(root)).observe(root, {childList: true, subtree: true});
}

function repair(root) {
  for (const [selector, attributesOf] of ATTRIBUTES)
    for (const element of root.querySelectorAll(selector))
      for (const [name, value] of Object.entries(attributesOf(element))) element.setAttribute(name, value);
  // A button must not contain a link. Opening the operation shows the same URL in the address bar.
  for (const link of root.querySelectorAll("button.opblock-summary-control a[href]")) link.removeAttribute("href");
}

function operationOf(element) {
  const summary = element.closest(".opblock").querySelector(".opblock-summary");
  const [method, path] = [".opblock-summary-method", "[data-path]"].map((part) => summary.querySelector(part));
  return `${method.textContent} ${path.dataset.path}`;
}

function named(text, label) {
  return label.startsWith(text) ? label : [text, label].filter(Boolean).join(": ");
}
