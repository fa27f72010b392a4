/** Positions in an image, and formatted values. */

import assert from "node:assert/strict";
import {test} from "node:test";

import * as format from "../src/format.js";
import {moved, pixelAt, polygonPoints} from "../src/shapes.js";
import {wordFor} from "../src/words.js";

const PICTURE = {width: 640, height: 512};

test("a ring is converted to the points of a polygon", () => {
  assert.equal(polygonPoints([[50, 67], [54.5, 68], [55, 70]]), "50,67 54.5,68 55,70");
});

for (const ring of [undefined, [], [[1, 2], [3, 4]], [[1, 2], [3, 4], [5, null]], [[1, 2], [3, 4], ["5", 6]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "M0 0"]) {
  test(`${JSON.stringify(ring)} is not drawn`, () => assert.equal(polygonPoints(ring), null));
}

test("a click selects the pixel at any display size", () => {
  const box = {left: 10, top: 20, width: 320, height: 256};
  assert.deepEqual(pixelAt({clientX: 10, clientY: 20}, box, PICTURE), {x: 0, y: 0});
  assert.deepEqual(pixelAt({clientX: 170.4, clientY: 148.6}, box, PICTURE), {x: 320, y: 257});
  assert.deepEqual(pixelAt({clientX: 330, clientY: 276}, box, PICTURE), {x: 639, y: 511}); // the edge
});

test("arrow keys move by 1, with Shift by 10, inside the image", () => {
  assert.deepEqual(moved({x: 5, y: 5}, {key: "ArrowLeft", shiftKey: false}, PICTURE), {x: 4, y: 5});
  assert.deepEqual(moved({x: 5, y: 5}, {key: "ArrowUp", shiftKey: true}, PICTURE), {x: 5, y: 0});
  assert.equal(moved({x: 5, y: 5}, {key: "Tab", shiftKey: false}, PICTURE), null);
});

test("temperatures have one decimal; null is a dash", () => {
  assert.deepEqual([75.03, 0, null].map(format.celsius), ["75.0 °C", "0.0 °C", "–"]);
});

test("sizes have a suitable unit", () => {
  assert.deepEqual([512, 184_320, 5_400_000].map(format.size), ["512 B", "180 KiB", "5.1 MiB"]);
});

test("counts are listed most severe first, without zeros", () => {
  assert.equal(format.counts({info: 0, low: 1, critical: 2}), "2 critical, 1 low");
  assert.equal(format.counts({}), "no findings");
});

test("an unknown value is shown as it is", () => {
  assert.equal(wordFor({new: "new"}, "under_review"), "under review");
  assert.equal(wordFor({new: "new"}, "constructor"), "constructor");
});
