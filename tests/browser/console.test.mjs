/** The console in a real browser, with the complete system and the demo survey. `make browser`. */

import assert from "node:assert/strict";
import {after, afterEach, before, beforeEach, test} from "node:test";

import {PASSWORD, startBrowser, startStack} from "./stack.mjs";

const TIMEOUT_MS = 120_000; // long enough for a busy machine
const HOTTEST = "NORTH_P01_0004_T.JPG";

let stack, browser, context, page, consoleErrors, expected;

before(async () => {
  stack = await startStack();
  browser = await startBrowser();
}, {timeout: 5 * TIMEOUT_MS});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

beforeEach(async () => {
  context = await browser.newContext();
  context.setDefaultTimeout(TIMEOUT_MS);
  page = await context.newPage();
  consoleErrors = [];
  expected = [];
  // The browser's console has script errors, failed requests and violations of the content security policy.
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && consoleErrors.push(message.text()));
  page.on("pageerror", (error) => consoleErrors.push(String(error)));
});

afterEach(async () => {
  await context.close();
  assert.deepEqual(consoleErrors.filter((text) => !expected.some((known) => text.includes(known))), []);
});

async function signIn(email, password = PASSWORD) {
  await page.goto(stack.console);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", {name: "Sign in"}).click();
}

/** Open the scan of an image. */
async function openScan(name) {
  await page.getByRole("link", {name: "Scans"}).click();
  await page.getByRole("link", {name}).click();
  await page.getByRole("heading", {name, level: 1}).waitFor();
}

/** The colour of the upper left pixel of a picture that has loaded. */
const colourOf = (picture) =>
  picture.evaluate(async (image) => {
    await image.decode();
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.drawImage(image, 0, 0);
    return image.src.startsWith("blob:") ? [...canvas.getImageData(0, 0, 1, 1).data] : null; // others taint the canvas
  });

test("a wrong password shows a message", async () => {
  expected.push("status of 400");
  await signIn("owner@north.example", "Wrong-horse-9-battery");
  await page.getByText("Wrong email or password.").waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
});

test("an owner sees the survey, and the temperature of a pixel is the API's", async () => {
  await signIn("owner@north.example");
  await page.getByRole("heading", {name: "Images"}).waitFor();
  await page.locator(".gallery li").nth(5).waitFor();
  assert.equal(await page.locator(".gallery li").count(), 6);
  await page.getByAltText(`Thermal preview of ${HOTTEST}`).and(page.locator("img[src]")).waitFor();
  await page.getByRole("link", {name: HOTTEST}).click();
  await page.getByRole("heading", {name: HOTTEST}).waitFor();

  const picture = page.locator(".canvas img");
  await picture.evaluate((image) => image.decode()); // its size is final then
  const spot = await page.locator("polygon.region.critical").boundingBox();
  const response = page.waitForResponse((response) => response.url().includes("/temperature?"));
  await page.mouse.click(spot.x + spot.width / 2, spot.y + spot.height / 2);
  const {celsius} = await (await response).json();
  const readout = page.locator(".readout strong");
  await readout.waitFor();
  assert.equal(await readout.textContent(), `${celsius.toFixed(1)} °C`);
  assert.ok(celsius > 60, `${celsius} °C is not a hot spot`);
});

test("pixels that the camera could not measure are counted, and say so when they are read", async () => {
  await page.route(/\/api\/v1\/images\/img_[^/?]+$/, async (route) => {
    const response = await route.fetch();
    const image = await response.json();
    const pixels = {...image.pixels, below_range: 4936, out_of_range: 4936, outside_set_range: 565};
    await route.fulfill({response, json: {...image, pixels}});
  });
  await page.route(/\/temperature\?/, (route) => route.fulfill({json: {celsius: null, state: "below_range"}}));
  await signIn("owner@north.example");
  await page.getByRole("link", {name: HOTTEST}).click();
  await page.getByText("4936 pixels: below -60.0 °C, out of range").waitFor();
  await page.getByText("565 pixels are outside the range to which the camera was set (-40.0 °C – 150.0 °C)").waitFor();
  const canvas = page.getByRole("application");
  await canvas.focus();
  await canvas.press("Enter");
  await page.locator(".readout").getByText("below -60.0 °C, out of range").waitFor();
});

test("arrow keys and Enter read a temperature without a mouse", async () => {
  await signIn("owner@north.example");
  await page.getByRole("link", {name: HOTTEST}).click();
  const canvas = page.getByRole("application");
  await canvas.focus();
  await canvas.press("Shift+ArrowRight");
  await canvas.press("ArrowUp");
  await canvas.press("Enter");
  await page.getByText("at 330, 255").waitFor();
});

test("selecting a palette changes the image and the legend", async () => {
  await signIn("owner@north.example");
  const legendRequests = [];
  page.on("request", (request) => /\/colour_bar\/|\/pictures\?/.test(request.url()) && legendRequests.push(request.url()));
  await page.getByRole("link", {name: HOTTEST}).click();
  await page.getByAltText("Colour scale of the palette iron").waitFor();
  const picture = page.locator(".canvas img");
  const before = await colourOf(picture);
  assert.deepEqual(await colourOf(page.locator(".legend")), [255, 255, 255, 255]); // paper
  assert.deepEqual(legendRequests, []); // the preview contains it
  const requests = [];
  page.on("request", (request) => request.url().startsWith("blob:") || requests.push(request.url()));
  await page.getByLabel("Palette").selectOption("rainbow");
  await page.getByAltText("Colour scale of the palette rainbow").waitFor();
  assert.notDeepEqual(await colourOf(picture), before);
  assert.deepEqual(requests, []);
});

test("if the stored picture cannot be fetched, the links of the palettes are shown", async () => {
  expected.push("net::ERR_FAILED");
  await page.route(/\/products\/preview\/iron\.png/, (route) =>
    route.request().resourceType() === "fetch" ? route.abort() : route.continue(),
  );
  await signIn("owner@north.example");
  await page.getByRole("link", {name: HOTTEST}).click();
  await page.getByLabel("Palette").selectOption("rainbow");
  const picture = page.locator('.canvas img[src*="/api/v1/pictures?token="]');
  await picture.waitFor();
  await colourOf(picture);
});

test("findings are listed most severe first, and a focused row highlights its region", async () => {
  await signIn("owner@north.example");
  await openScan(HOTTEST);
  const rows = page.locator("tbody tr");
  await rows.first().waitFor();
  assert.deepEqual(await page.locator("tbody .badge").allTextContents(), ["critical", "high", "medium"]);
  await rows.first().focus();
  await page.locator("polygon.critical.highlighted").waitFor();
});

test("a failed scan says why each step failed", async () => {
  const reason = "These plugins did not finish: thermal_hotspots.";
  const why = "The plugin ran longer than the 45 s that its manifest allows.";
  await page.route(/\/api\/v1\/scans\/scan_\w+$/, async (route) => {
    const response = await route.fetch();
    const scan = await response.json();
    scan.steps = scan.steps.map((step) => ({...step, state: "failed", reason: why}));
    await route.fulfill({response, json: {...scan, state: "failed", reason}});
  });
  await signIn("owner@north.example");
  await openScan(HOTTEST);
  await page.getByText(reason).waitFor();
  assert.deepEqual(await page.locator("main li").allTextContents(), [`thermal_hotspots: ${why}`]);
});

test("a report is created in each format, and its link works", async () => {
  await signIn("owner@north.example");
  await openScan(HOTTEST);
  for (const format of ["PDF", "CSV", "JSON", "GeoJSON"]) {
    const saved = page.waitForEvent("download");
    await page.getByRole("button", {name: format, exact: true}).click();
    const link = page.getByRole("link", {name: `Open the ${format} report`});
    await link.waitFor();
    await (await saved).delete();
    const response = await context.request.get(await link.getAttribute("href"));
    assert.equal(response.status(), 200);
  }
});

test("an uploaded image is processed, and scanned on request", async () => {
  await signIn("owner@north.example");
  await page.getByRole("link", {name: HOTTEST}).click();
  const original = await page.getByRole("link", {name: "Original file"}).getAttribute("href");
  const bytes = await (await context.request.get(original)).body();

  await page.getByRole("link", {name: "Images"}).click();
  await page.getByText("Upload images").click();
  await page.getByLabel(/Radiometric images/).setInputFiles({name: "again.jpg", mimeType: "image/jpeg", buffer: bytes});
  await page.getByLabel("Site").fill("Browser");
  await page.getByRole("button", {name: "Upload"}).click();
  await page.getByRole("link", {name: "again.jpg"}).click();
  await page.getByRole("button", {name: "Scan for hot spots"}).click();
  await page.locator("tbody tr").nth(2).waitFor();
  assert.equal(await page.locator("polygon.region").count(), 3);
});

test("a viewer can only read", async () => {
  await signIn("viewer@north.example");
  await page.getByRole("link", {name: HOTTEST}).waitFor();
  assert.equal(await page.getByText("Upload images").count(), 0);
  await page.getByRole("link", {name: HOTTEST}).click();
  await page.getByRole("heading", {name: HOTTEST}).waitFor();
  assert.equal(await page.getByRole("button", {name: "Scan for hot spots"}).count(), 0);
  await openScan(HOTTEST);
  await page.locator("tbody tr").first().waitFor();
  assert.equal(await page.getByRole("button", {name: "PDF"}).count(), 0);
});

test("a reload keeps the session, sign-out ends it", async () => {
  expected.push("status of 500"); // the embedded Cognito does not support RevokeToken
  await signIn("owner@north.example");
  await page.getByRole("link", {name: HOTTEST}).waitFor();
  await page.reload();
  await page.getByRole("link", {name: HOTTEST}).waitFor();
  await page.getByRole("button", {name: "Sign out"}).click();
  await page.getByLabel("Email").waitFor();
  await page.reload();
  await page.getByLabel("Email").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

test("an image of another organisation is not found, with a request id", async () => {
  expected.push("status of 404");
  await signIn("owner@north.example");
  await page.getByRole("link", {name: HOTTEST}).click();
  await page.getByRole("heading", {name: HOTTEST}).waitFor();
  const {hash} = new URL(page.url());
  await page.getByRole("button", {name: "Sign out"}).click();
  expected.push("status of 500");
  await signIn("owner@south.example");
  await page.getByText("No images yet.").waitFor();
  await page.evaluate((fragment) => (location.hash = fragment), hash);
  const alert = page.getByRole("alert");
  await alert.getByText(/^Request /).waitFor();
});

test("a narrow screen does not scroll horizontally", async () => {
  await page.setViewportSize({width: 375, height: 740});
  await signIn("owner@north.example");
  const noOverflow = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  await page.getByRole("link", {name: HOTTEST}).waitFor();
  assert.ok(await noOverflow());
  await page.getByRole("link", {name: HOTTEST}).click();
  await page.locator("tbody tr").first().waitFor();
  assert.ok(await noOverflow());
});
