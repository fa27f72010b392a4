/** Who is signed in, asked of an Argus whose answers come when the test says so. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Visitor} from "../src/visitor.js";

/** A visitor, and everything that was asked so far: `arrive` and `fail` answer it. */
function made() {
  const asked = [];
  const visitor = new Visitor((signedIn) => new Promise((arrive, fail) => asked.push({signedIn, arrive, fail})));
  return {visitor, asked};
}

test("views at once ask once, and so does every later one", async () => {
  const {visitor, asked} = made();
  const both = [visitor.me(), visitor.me()];
  asked[0].arrive("owner");
  assert.deepEqual(await Promise.all(both), ["owner", "owner"]);
  assert.equal(await visitor.me(), "owner");
  assert.equal(asked.length, 1);
  assert.equal(asked[0].signedIn.aborted, false);
});

test("what failed is tried again by the next view", async () => {
  const {visitor, asked} = made();
  const both = [visitor.me(), visitor.me()];
  asked[0].fail(new TypeError("Failed to fetch"));
  for (const one of both) await assert.rejects(one, TypeError);
  const next = visitor.me();
  asked[1].arrive("owner");
  assert.equal(await next, "owner");
  assert.equal(asked.length, 2);
});

for (const end of ["arrive", "fail"]) {
  test(`who signs in next is asked for anew, though an earlier answer is to ${end} later`, async () => {
    const {visitor, asked} = made();
    const earlier = visitor.me();
    visitor.leave();
    const theirs = visitor.me();
    assert.deepEqual(asked.map(({signedIn}) => signedIn.aborted), [true, false]);
    asked[0][end]("owner of before");
    await assert.rejects(earlier, {name: "AbortError"});
    asked[1].arrive("viewer");
    assert.equal(await theirs, "viewer");
    assert.equal(await visitor.me(), "viewer");
    assert.equal(asked.length, 2);
  });
}

test("who has left is told nothing, though nobody came after them", async () => {
  const {visitor, asked} = made();
  const earlier = visitor.me();
  asked[0].arrive("owner");
  visitor.leave();
  await assert.rejects(earlier, {name: "AbortError"});
});
