/** The API explorer in a real browser: from nothing to a finished scan, with this page only. `make browser`. */

import assert from "node:assert/strict";
import {execFile} from "node:child_process";
import {mkdtemp, readFile, rm, writeFile} from "node:fs/promises";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {promisify} from "node:util";
import {after, afterEach, before, beforeEach, test} from "node:test";

import {PASSWORD, startBrowser, startStack} from "./stack.mjs";

const TIMEOUT_MS = 120_000;
const OWNER = "owner@north.example";
// axe-core is installed with the packages of the console.
const AXE = createRequire(new URL("../../services/console/package.json", import.meta.url)).resolve("axe-core/axe.min.js");

let stack, browser, context, page, consoleErrors, expected, image;

before(async () => {
  stack = await startStack();
  browser = await startBrowser();
  image = await originalOfTheDemo();
}, {timeout: 5 * TIMEOUT_MS});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

beforeEach(async () => {
  context = await browser.newContext({permissions: ["clipboard-read", "clipboard-write"]});
  context.setDefaultTimeout(TIMEOUT_MS);
  page = await context.newPage();
  consoleErrors = [];
  expected = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && consoleErrors.push(message.text()));
  page.on("pageerror", (error) => consoleErrors.push(String(error)));
});

afterEach(async () => {
  await context.close();
  assert.deepEqual(consoleErrors.filter((text) => !expected.some((known) => text.includes(known))), []);
});

/** A radiometric image, which a user would have. */
async function originalOfTheDemo() {
  const [{endpoint, client_id}] = (await json(`${stack.api}/api/v1/sign-in`)).items;
  const {AuthenticationResult} = await json(endpoint, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    },
    body: JSON.stringify({
      AuthFlow: "USER_PASSWORD_AUTH",
      ClientId: client_id,
      AuthParameters: {USERNAME: OWNER, PASSWORD},
    }),
  });
  const headers = {Authorization: `Bearer ${AuthenticationResult.AccessToken}`};
  const {items} = await json(`${stack.api}/api/v1/images`, {headers});
  const {links} = await json(`${stack.api}/api/v1/images/${items.find((each) => each.name.includes("_0004_")).id}`, {headers});
  return Buffer.from(await (await fetch(links.original.url)).arrayBuffer());
}

const json = async (url, options) => (await fetch(url, options)).json();

async function openExplorer() {
  await page.goto(`${stack.api}/docs`);
  await page.locator("#operations-images-request_uploads").waitFor();
}

async function signIn(password = PASSWORD) {
  await page.getByLabel("Email").fill(OWNER);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", {name: "Sign in"}).click();
}

/** Open an operation from the steps, fill in its body or its parameter, and execute it. The response. */
async function execute(id, {body, parameter}) {
  await page.locator(`[data-operation=${id}]`).first().click();
  const operation = page.locator(`[id$=-${id}].opblock`);
  if (body) await operation.locator("textarea.body-param__text").fill(body);
  if (parameter) await operation.locator("tr[data-param-in=path] input").fill(parameter);
  const responded = page.waitForResponse((response) => response.url().includes("/api/v1/"));
  await operation.getByRole("button", {name: "Execute"}).click();
  return responded;
}

/** Choose the image, execute the request of an upload with the body that the page shows, and copy it like a user. */
async function requestUpload(file = image, name = "mine.jpg") {
  await page.getByLabel("A radiometric image").setInputFiles({name, mimeType: "image/jpeg", buffer: file});
  await page.locator("#request").getByRole("button", {name: "Copy"}).click();
  const body = await page.evaluate(() => navigator.clipboard.readText());
  const response = await execute("request_uploads", {body});
  assert.equal(response.status(), 201);
  await page.getByRole("button", {name: "Send the file"}).waitFor();
}

test("from nothing to a finished scan", async () => {
  await openExplorer();
  await signIn();
  await page.getByText("You are owner of North Geothermal.").waitFor();
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  await requestUpload();
  assert.match(await page.locator("#form pre").textContent(), /^curl 'http.*--form-string 'policy=.*-F 'file=@"mine.jpg"'$/s);
  await page.getByRole("button", {name: "Send the file"}).click();
  await page.getByText("The image is ready.").waitFor();

  const id = (await page.locator("[data-id=image]").textContent()).replace("image_id: ", "");
  assert.equal((await (await execute("get_image", {parameter: id})).json()).name, "mine.jpg");
  const scan = await (await execute("request_scan", {body: await page.locator("#scan pre").textContent()})).json();
  assert.equal(scan.target.id, id);
  await page.getByText(`scan_id: ${scan.id}`).waitFor();
  let found;
  do found = await (await execute("get_scan", {parameter: scan.id})).json();
  while (["queued", "running"].includes(found.state));
  assert.equal(found.state, "succeeded", JSON.stringify(found));
  const findings = await execute("list_scan_findings", {parameter: scan.id});
  assert.equal((await findings.json()).items.length, 3);

});

test("signing out, and logging out in the dialog of Swagger UI, forget the token and the responses", async () => {
  expected.push("escaping deep link whitespace"); // Swagger UI's, for the operation that is open when the page reloads
  await openExplorer();
  for (const leave of [signOut, logOutInTheDialog]) {
    await signIn();
    await page.getByText("You are owner of North Geothermal.").waitFor();
    await requestUpload();
    await execute("list_images", {});
    await page.locator("#operations-images-list_images .live-responses-table").getByText("_0004_").first().waitFor();
    const before = await page.content();
    assert.ok(before.includes("eyJ") && before.includes("x-amz-signature"));
    await Promise.all([page.waitForEvent("load"), leave()]);
    await page.locator("#operations-images-list_images").waitFor();
    await page.getByRole("button", {name: "Sign in"}).waitFor();
    const html = await page.content();
    assert.ok(!html.includes("eyJ") && !html.includes("x-amz-signature") && !html.includes("_0004_"));
    assert.ok(await page.locator("#form").isHidden());
    assert.equal(await page.getByLabel("Email").inputValue(), "");
  }
  expected.push("status of 401");
  assert.equal((await execute("list_images", {})).status(), 401);
});

const signOut = () => page.getByRole("button", {name: "Sign out"}).click();

async function logOutInTheDialog() {
  await page.locator(".auth-wrapper .btn.authorize").click();
  await page.locator(".modal-ux").getByRole("button", {name: "Logout"}).click();
}

test("an API key that is authorised after signing in is sent instead of the token", async () => {
  await openExplorer();
  await signIn();
  await page.getByText("You are owner of North Geothermal.").waitFor();
  const body = JSON.stringify({name: "explorer", scopes: ["images:read"], expires_in_days: 1});
  const {key} = await (await execute("create_api_key", {body})).json();
  await page.locator(".auth-wrapper .btn.authorize").click();
  const dialog = page.locator(".modal-ux .auth-container").filter({hasText: "X-API-Key"});
  await dialog.locator("input").fill(key);
  await dialog.getByRole("button", {name: "Apply credentials"}).click();
  await dialog.getByRole("button", {name: "Close"}).click();
  const response = await execute("list_images", {});
  assert.equal(response.status(), 200);
  const sent = response.request().headers();
  assert.deepEqual([sent["x-api-key"], sent.authorization], [key, undefined]);
});

test("a form that is submitted without its button signs in", async () => {
  await openExplorer();
  await page.getByLabel("Email").fill(OWNER);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.locator("#sign-in").evaluate((form) => form.requestSubmit());
  await page.getByText("You are owner of North Geothermal.").waitFor();
});

test("a document that cannot be loaded shows a message", async () => {
  expected.push("status of 503", "The API responded with HTTP 503.");
  await page.route(/openapi\.json$/, (route) => route.fulfill({status: 503, body: "<html>"}));
  await page.goto(`${stack.api}/docs`);
  await page.locator("#who.bad").getByText("The API responded with HTTP 503. Load this page again.").waitFor();
});

test("a wrong password shows a message", async () => {
  expected.push("status of 400");
  await openExplorer();
  await signIn("Wrong-horse-9-battery");
  await page.getByText("Wrong email or password.").waitFor();
});

test("an account that needs another step, and an issuer without a response, show a message", async () => {
  const answers = [
    (route) => route.fulfill({json: {ChallengeName: "NEW_PASSWORD_REQUIRED"}, headers: {"Access-Control-Allow-Origin": "*"}}),
    (route) => route.fulfill({status: 502, body: "<html>", headers: {"Access-Control-Allow-Origin": "*"}}),
    (route) => route.abort(),
  ];
  expected.push("status of 502", "net::ERR_FAILED");
  await openExplorer();
  await page.route((url) => url.pathname === "/" && url.origin !== stack.api, (route) => answers.shift()(route));
  for (const sentence of ["your account needs another step", "The issuer responded: 502", "cannot be reached"]) {
    await signIn();
    await page.locator("#who.bad").getByText(sentence).waitFor();
  }
});

test("a failure to read the issuers is not shown as another issuer", async () => {
  expected.push("status of 503");
  const problem = {detail: "A service that Argus depends on does not respond."};
  await page.route(/\/api\/v1\/sign-in$/, (route) => route.fulfill({status: 503, json: problem}));
  await openExplorer();
  await page.locator("#who.bad").getByText(`${problem.detail} Load this page again`).waitFor();
  assert.ok(await page.locator("#sign-in").isHidden());
  assert.match(await page.locator("#scan pre").textContent(), /thermal_hotspots/);
});

test("the page does not say that a file has arrived if it has not", async () => {
  expected.push("status of 403");
  await page.clock.install();
  await openExplorer();
  await signIn();
  await requestUpload();
  // The embedded S3 does not enforce the conditions of a form.
  await page.route((url) => url.pathname.includes("-media-"), (route) => route.fulfill({status: 403}));
  await page.getByRole("button", {name: "Send the file"}).click();
  await page.getByText("Waiting for the file to arrive").waitFor();
  await page.clock.fastForward(21_000);
  await page.locator("#sent.bad").getByText("No file has arrived.").waitFor();
});

test("a lost connection shows which side cannot be reached", async () => {
  expected.push("net::ERR_FAILED");
  await openExplorer();
  await signIn();
  await requestUpload();
  await page.route(/\/api\/v1\/images\//, (route) => route.abort());
  await page.getByRole("button", {name: "Send the file"}).click();
  await page.locator("#sent.bad").getByText("The API cannot be reached.").waitFor();
  await page.route((url) => url.origin !== stack.api, (route) => route.abort());
  await page.getByRole("button", {name: "Send the file"}).click();
  await page.locator("#sent.bad").getByText("S3 cannot be reached.").waitFor();
});

test("the commands of the page work in a shell", async () => {
  const folder = await mkdtemp(join(tmpdir(), "explorer-"));
  const shell = async (command) => (await promisify(execFile)("sh", ["-c", command], {cwd: folder})).stdout;
  const name = `it's "$(mine)".jpg`;
  try {
    await writeFile(join(folder, name), image);
    await openExplorer();
    await page.locator("#call").waitFor(); // it has a text once the issuers are known
    const call = await page.locator("#call pre").textContent();
    const {AuthenticationResult} = JSON.parse(await shell(call.replace("<email>", OWNER).replace("<password>", PASSWORD)));
    await signIn();
    await requestUpload(image, name);
    await shell(`${await page.locator("#form pre").textContent()} --fail`);
    const id = (await page.locator("[data-id=image]").textContent()).replace("image_id: ", "");
    const headers = {Authorization: `Bearer ${AuthenticationResult.AccessToken}`};
    let found;
    do found = await json(`${stack.api}/api/v1/images/${id}`, {headers});
    while (["awaiting_upload", "processing"].includes(found.state));
    assert.deepEqual([found.state, found.name], ["ready", name]);
  } finally {
    await rm(folder, {recursive: true});
  }
});

test("a file that is no thermal image is rejected with the reason", async () => {
  await openExplorer();
  await signIn();
  await requestUpload(Buffer.from("no image"));
  await page.getByRole("button", {name: "Send the file"}).click();
  await page.getByText("The image was rejected.").waitFor();
});

test("a link to an operation opens it", async () => {
  expected.push("escaping deep link whitespace"); // Swagger UI's, for every underscore
  await page.goto(`${stack.api}/docs#/scans/request_scan`);
  await page.locator("#operations-scans-request_scan.is-open").waitFor();
});

test("an error of the API leads to its page", async () => {
  await openExplorer();
  expected.push("status of 401");
  const problem = await (await execute("get_image", {parameter: `img_${"0".repeat(26)}`})).json();
  await page.goto(problem.type);
  await page.getByRole("heading", {name: problem.title}).waitFor();
  await page.getByRole("link", {name: "All errors"}).click();
  await page.getByRole("link", {name: "no_such_image"}).waitFor();
});

test("a narrow screen does not scroll horizontally", async () => {
  await page.setViewportSize({width: 375, height: 740});
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  await openExplorer();
  await page.locator("[data-operation=list_images]").click();
  await page.locator("#operations-images-list_images .responses-table").waitFor();
  assert.ok(await fits());
  for (const path of ["errors", "errors/damaged"]) {
    await page.goto(`${stack.api}/docs/${path}`);
    assert.ok(await fits(), path);
  }
});

test("the colours follow the system while the page is open", async () => {
  await page.emulateMedia({colorScheme: "light"});
  await openExplorer();
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.emulateMedia({colorScheme: "dark"});
  await page.locator("html.dark-mode").waitFor();
  assert.notEqual(await background(), light);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing, also not in the markup of Swagger UI (${colorScheme})`, async () => {
    const source = await readFile(AXE, "utf8");
    const isAccessible = async (part) => {
      await page.evaluate(source);
      const {violations, passes} = await page.evaluate(() => globalThis.axe.run());
      const found = violations.flatMap(({id, nodes}) => nodes.map(({target, html}) => [id, target.join(" "), html.slice(0, 120)]));
      assert.deepEqual(found, [], part);
      assert.ok(passes.some(({id}) => id === "color-contrast"), part);
    };
    await page.emulateMedia({colorScheme});
    await openExplorer();
    assert.equal(await page.locator("html.dark-mode").count(), colorScheme === "dark" ? 1 : 0);
    await isAccessible("the page");
    expected.push("status of 400");
    await signIn("Wrong-horse-9-battery");
    await page.getByText("Wrong email or password.").waitFor();
    await isAccessible("an error");
    await signIn();
    await requestUpload();
    await page.locator("#operations-images-request_uploads .live-responses-table .microlight").first().waitFor();
    await page.getByText("The call itself").last().click();
    await isAccessible("a response");
    for (const id of ["list_images", "delete_image"])
      await page.locator(`[id$=-${id}] .opblock-summary-control`).click();
    await page.locator("#operations-images-delete_image .responses-table").waitFor();
    await isAccessible("several operations");
    await page.locator(".auth-wrapper .btn.authorize").click();
    await page.locator(".modal-ux .auth-container").first().waitFor();
    await isAccessible("the dialog");
    for (const path of ["errors", "errors/damaged"]) {
      await page.goto(`${stack.api}/docs/${path}`);
      await isAccessible(path);
    }
  });
}
