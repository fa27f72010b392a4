/** The patterns of the OpenAPI document are ECMAScript, as JSON Schema requires. */

import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {test} from "node:test";

const DOCUMENT = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf-8"));

/** @param {any} part @returns {string[]} */
function patterns(part) {
  if (part === null || typeof part !== "object") return [];
  const own = typeof part.pattern === "string" ? [part.pattern] : [];
  return [...own, ...Object.values(part).flatMap(patterns)];
}

test("every pattern is a regular expression with the flag u", () => {
  assert.ok(patterns(DOCUMENT).length > 10);
  for (const pattern of patterns(DOCUMENT)) new RegExp(pattern, "u");
});

test("a name shows something and contains nothing invisible", () => {
  const name = new RegExp(DOCUMENT.components.schemas.ApiKeyIn.properties.name.pattern, "u");
  for (const valid of ["Süd 🌋", "\u{1f469}\u200d\u{1f680}", "\u2764\ufe0f", "می\u200cخواهم", "\u8fbb\u{e0100}"])
    assert.match(valid, name);
  for (const invalid of [" ", "\u2800", "\u200d", "a\n", "a\u200b", "a\u{e0041}", "a\ufffe", "a\u{1ffff}", "\u3164"])
    assert.doesNotMatch(invalid, name);
});
