/** The API explorer: Swagger UI, and the steps that lead from signing in to a finished scan. */

import {keepRepaired} from "./repairs.js";

const API = "api/v1";
const POLL_MS = 1000;
const ARRIVAL_MS = 20_000; // after which a file that S3 accepted has been noticed

const at = (selector) => document.querySelector(selector);

/** What the user has done so far. */
const state = {token: "", upload: null, credentials: {}};

/** Show a sentence; `bad` marks an error. */
function say(element, text, bad = false) {
  element.textContent = text;
  element.classList.toggle("bad", bad);
}

/** Send a request. Raises an Error with this sentence if there is no response. */
async function reach(url, options, sentence) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Error(sentence);
  }
}

/** The JSON of a response; empty for an error page of a gateway. */
const jsonOf = (response) => response.json().catch(() => ({}));

/** JSON of the API. Raises an Error with the sentence of the problem. */
async function read(path, headers = {}) {
  const response = await reach(`${API}/${path}`, {headers}, "The API cannot be reached.");
  const body = await jsonOf(response);
  if (!response.ok) throw new Error(body.detail ?? `The API responded with HTTP ${response.status}.`);
  return body;
}

/** Run an action with its button disabled, and show its error. */
async function attempt(button, element, action) {
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    say(element, error.message, true);
  } finally {
    button.disabled = false;
  }
}

// ---------------------------------------------------------------- Swagger UI

const dark = matchMedia("(prefers-color-scheme: dark)");
const followColours = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followColours);
followColours();

const spec = await read("openapi.json").catch((error) => {
  say(at("#who"), `${error.message} Load this page again.`, true);
  throw error;
});
// Swagger UI would send the examples of parameters: filters and ids of other resources.
for (const path of Object.values(spec.paths))
  for (const part of Object.values(path))
    for (const parameter of Array.isArray(part) ? part : (part.parameters ?? [])) delete parameter.example;
const ui = SwaggerUIBundle({
  spec: {...spec, servers: [{url: new URL(".", location.href).href.replace(/\/$/, "")}]},
  dom_id: "#explorer",
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false, // it would keep the token in localStorage
  validatorUrl: null,
  syntaxHighlight: {theme: "obsidian"}, // the default theme has too little contrast
  requestInterceptor: (request) => {
    const {headers} = request;
    if (headers["X-API-Key"]) delete headers.Authorization; // the API accepts one of them
    const names = ["Authorization", "X-API-Key"].filter((name) => headers[name]);
    state.credentials = Object.fromEntries(names.map((name) => [name, headers[name]]));
    return request;
  },
  responseInterceptor: (response) => {
    notice(response);
    return response;
  },
  plugins: [() => ({statePlugins: {auth: {wrapActions: {logout: () => forget}}}})],
});

keepRepaired(at("#explorer"));

/** Forget credentials and responses, which also the markup of Swagger UI contains. */
function forget() {
  at("#sign-in").reset();
  location.reload();
}

/** Show what follows from the response to an operation of the steps. */
function notice({url, status, text}) {
  const resource = new URL(url, location.href).pathname.split(`/${API}/`)[1];
  if (status === 201 && resource === "uploads") showForm(JSON.parse(text).items[0]);
  if (status === 202 && resource === "scans") showId("scan", JSON.parse(text).id);
}

for (const link of document.querySelectorAll("[data-operation]")) {
  const [path, method, operation] = operationOf(link.dataset.operation);
  link.textContent = `${method.toUpperCase()} ${path}`;
  link.href = `#/${operation.tags[0]}/${operation.operationId}`;
  link.addEventListener("click", () => open(`operations-${operation.tags[0]}-${operation.operationId}`));
}

function operationOf(id) {
  for (const [path, operations] of Object.entries(spec.paths))
    for (const [method, operation] of Object.entries(operations))
      if (operation.operationId === id) return [path, method, operation];
  throw new Error(`no operation ${id}`);
}

/** Open an operation of Swagger UI, which follows a link only when the page is loaded. */
function open(id) {
  const block = document.getElementById(id);
  if (!block.classList.contains("is-open")) block.querySelector(".opblock-summary-control").click();
  block.scrollIntoView();
}

for (const button of document.querySelectorAll("[data-copies]"))
  button.addEventListener("click", () => copy(button, at(`#${button.dataset.copies} pre`).textContent));

/** Copy a text, and say so on the button for a moment. */
async function copy(button, text) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select the text to copy it"; // browsers give the clipboard only to https and localhost
  }
  setTimeout(() => (button.textContent = label), 2000);
}

// ---------------------------------------------------------------- 1: sign in

const who = at("#who");
const {items: methods, error: unread} = await read("sign-in").catch((error) => ({items: [], error}));
const [method] = methods;
if (unread) {
  say(who, `${unread.message} Load this page again to sign in.`, true);
} else if (method) {
  at("#sign-in").hidden = at("#call").hidden = false;
  at("#call pre").textContent = [
    `curl ${quoted(method.endpoint)} \\`,
    "  -H 'X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth' \\",
    "  -H 'Content-Type: application/x-amz-json-1.1' \\",
    `  -d ${quoted(JSON.stringify(initiate("<email>", "<password>")))}`,
  ].join("\n");
} else {
  say(who, "Users of this server sign in elsewhere. Ask its operators for a token, then choose Authorize below.");
}

function initiate(email, password) {
  return {
    AuthFlow: "USER_PASSWORD_AUTH",
    ClientId: method.client_id,
    AuthParameters: {USERNAME: email, PASSWORD: password},
  };
}

at("#sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const {email, password} = form.elements;
  say(who, "Signing in …");
  attempt(form.querySelector("button"), who, async () => {
    const {AccessToken: token, ExpiresIn: seconds} = await signIn(email.value, password.value);
    const me = await read("me", {Authorization: `Bearer ${token}`});
    form.reset();
    state.token = token;
    ui.preauthorizeApiKey("bearer", token);
    const until = new Date(Date.now() + 1000 * seconds).toLocaleTimeString([], {timeStyle: "short"});
    const sentence = `You are ${me.role} of ${me.organisation.name}. Your user id is ${me.user.id}.`;
    say(who, `${sentence} Requests below send your token, until ${until}.`);
    at("#sign-in").hidden = true;
    at("#signed-in").hidden = false;
  });
});

/** Tokens of Cognito. Raises an Error with a sentence. */
async function signIn(email, password) {
  const request = {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    },
    body: JSON.stringify(initiate(email, password)),
  };
  const response = await reach(method.endpoint, request, "The issuer of tokens cannot be reached.");
  const body = await jsonOf(response);
  if (body.ChallengeName) throw new Error("Sign in to the console first: your account needs another step.");
  if (response.ok) return body.AuthenticationResult;
  const wrong = /NotAuthorizedException|UserNotFoundException/.test(body.__type);
  throw new Error(wrong ? "Wrong email or password." : `The issuer responded: ${body.message ?? response.status}`);
}

at("#copy-token").addEventListener("click", (event) => copy(event.target, state.token));
at("#sign-out").addEventListener("click", forget);

// ---------------------------------------------------------------- 2 and 3: upload

const fileInput = at("#file");
fileInput.addEventListener("change", () => {
  const [file] = fileInput.files;
  at("#request").hidden = !file;
  if (!file) return;
  const type = {tif: "image/tiff", tiff: "image/tiff", fff: "application/octet-stream"}[file.name.split(".").pop().toLowerCase()];
  const body = {files: [{name: file.name, size: file.size, content_type: type ?? "image/jpeg"}]};
  at("#request pre").textContent = JSON.stringify(body);
});

function showForm(item) {
  state.upload = item;
  at("#send-hint").hidden = true;
  at("#form").hidden = false;
  say(at("#sent"), "");
  const {url, fields} = item.upload;
  const parts = Object.entries(fields).map(([name, value]) => `  --form-string ${quoted(`${name}=${value}`)} \\`);
  const name = fileInput.files[0]?.name ?? "<file>";
  at("#form pre").textContent = [`curl ${quoted(url)} \\`, ...parts, `  -F ${quoted(`file=@"${name.replaceAll(/["\\]/g, "\\$&")}"`)}`].join("\n");
  showId("image", item.image_id);
}

at("#send").addEventListener("click", (event) => {
  const [file] = fileInput.files;
  const sent = at("#sent");
  if (!file) return say(sent, "Choose the file in step 2.", true);
  const {upload, image_id: id} = state.upload;
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
  form.append("file", file);
  say(sent, "Sending …");
  attempt(event.target, sent, async () => {
    // The bucket need not allow this origin, so the response cannot be read: the image shows what has arrived.
    await reach(upload.url, {method: upload.method, body: form, mode: "no-cors"}, "S3 cannot be reached.");
    await follow(id, sent);
  });
});

/** Show the state of an image until it is final, or until its file should have arrived. */
async function follow(id, element) {
  const start = Date.now();
  for (;;) {
    const image = await read(`images/${id}`, state.credentials);
    if (image.state === "ready") return say(element, "The image is ready.");
    if (image.state === "rejected") return say(element, `The image was rejected. ${image.reason}`, true);
    if (image.state === "awaiting_upload" && Date.now() - start > ARRIVAL_MS)
      return say(
        element,
        "No file has arrived. S3 refuses a file of another size than requested, and an expired form.",
        true,
      );
    say(element, image.state === "processing" ? "The image is being processed …" : "Waiting for the file to arrive …");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

// ---------------------------------------------------------------- 4 to 6: ids for the next requests

function showId(kind, id) {
  at(`[data-id=${kind}]`).textContent = `${kind}_id: ${id}`;
  if (kind === "image") showScan(id);
}

function showScan(imageId) {
  const body = {target: {kind: "image", id: imageId}, plugins: [{id: "thermal_hotspots"}]};
  at("#scan pre").textContent = JSON.stringify(body);
}
showScan("<image_id>");

/** A text as one word of a shell. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
