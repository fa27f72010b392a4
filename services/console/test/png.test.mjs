/** Pictures in another palette, and what is shown if they cannot be fetched. */

import assert from "node:assert/strict";
import {afterEach, test} from "node:test";
import {crc32, deflateSync} from "node:zlib";

import {pictureUrls} from "../src/pictures.js";
import {colourBarIn, withPalette} from "../src/png.js";

const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");
const IRON = "06030f".repeat(256);
const GREY = "7f7f80".repeat(256);
const BLUE = "0000ff".repeat(256);

function chunk(name, content) {
  const body = Buffer.concat([Buffer.from(name), content]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}

const png = (colours, ...others) => {
  const header = Buffer.from("00000001000000010803000000", "hex");
  const pixels = deflateSync(Buffer.from([0, 7]));
  const chunks = [["IHDR", header], ["PLTE", Buffer.from(colours, "hex")], ["tRNS", Buffer.from([0])], ["IDAT", pixels], ...others];
  return Buffer.concat([SIGNATURE, ...chunks.map(([name, content]) => chunk(name, content)), chunk("IEND", Buffer.alloc(0))]);
};

const BAR = png(IRON);
const PREVIEW = png(IRON, ["cbAR", BAR]);

const bytesAt = async (url) => Buffer.from(await (await realFetch(url)).arrayBuffer());
const realFetch = globalThis.fetch;
afterEach(() => (globalThis.fetch = realFetch));

test("a picture in another palette has its colours and checksum, and nothing else changed", () => {
  const stored = png(IRON);
  assert.deepEqual(Buffer.from(withPalette(stored, GREY)), png(GREY));
  assert.deepEqual(stored, png(IRON));
});

test("a preview contains its colour bar", () => {
  const pooled = Buffer.concat([Buffer.from("x"), PREVIEW]).subarray(1); // at an offset in its memory
  assert.deepEqual(Buffer.from(colourBarIn(pooled)), BAR);
  assert.deepEqual(Buffer.from(colourBarIn(withPalette(pooled, GREY))), BAR);
});

for (const [name, file] of [["empty", Buffer.alloc(0)], ["without a palette", Buffer.concat([SIGNATURE, chunk("IEND", Buffer.alloc(0))])], ["with fewer colours", png(IRON.slice(6))]]) {
  test(`a file ${name} is refused`, () => assert.throws(() => withPalette(file, GREY), /not a PNG with 256 colours/));
}

const links = {
  previews: {iron: {url: "https://s3/iron"}, grey: {url: "https://api/grey"}, new: {url: "https://api/new"}},
  colorbar: {iron: {url: "https://api/iron-bar"}, grey: {url: "https://api/grey-bar"}},
};
const palettes = [{name: "grey", preview_colours: GREY, colorbar_colours: BLUE}];
const api = {get: async (path) => (assert.equal(path, "/palettes"), {items: palettes, next_cursor: null})};

test("one file is fetched, and both pictures are recoloured; a palette without known colours has its link", async () => {
  const fetched = [];
  globalThis.fetch = async (url) => (fetched.push(url), new Response(PREVIEW));
  const urlOf = await pictureUrls(api, links, new AbortController().signal);
  assert.deepEqual(await bytesAt(urlOf("previews", "grey")), png(GREY, ["cbAR", BAR]));
  assert.deepEqual(await bytesAt(urlOf("colorbar", "grey")), png(BLUE));
  assert.equal(urlOf("previews", "new"), "https://api/new");
  assert.deepEqual(fetched, ["https://s3/iron"]);
});

for (const [name, response] of [["cannot be fetched", () => new Response("", {status: 403})], ["has no colour bar", () => new Response(png(IRON))]]) {
  test(`if the file ${name}, each palette has its link`, async () => {
    globalThis.fetch = async () => response();
    const urlOf = await pictureUrls(api, links, new AbortController().signal);
    assert.deepEqual([urlOf("previews", "iron"), urlOf("colorbar", "grey")], ["https://s3/iron", "https://api/grey-bar"]);
  });
}

test("after the view has been left, nothing is requested", async () => {
  globalThis.fetch = async () => Promise.reject(new Error("aborted"));
  const urlOf = await pictureUrls(api, links, AbortSignal.abort());
  assert.equal(urlOf("previews", "grey"), "");
});
