/** The signed-in user, with loads that the test finishes. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {CurrentUser} from "../src/current_user.js";

/** A current user, and the loads so far: `resolve` and `reject` finish each. */
function createCurrentUser() {
  const loads = [];
  const user = new CurrentUser((signedIn) => new Promise((resolve, reject) => loads.push({signedIn, resolve, reject})));
  return {user, loads};
}

test("concurrent and later calls share one load", async () => {
  const {user, loads} = createCurrentUser();
  const both = [user.get(), user.get()];
  loads[0].resolve("owner");
  assert.deepEqual(await Promise.all(both), ["owner", "owner"]);
  assert.equal(await user.get(), "owner");
  assert.equal(loads.length, 1);
  assert.equal(loads[0].signedIn.aborted, false);
});

test("a failed load is retried by the next call", async () => {
  const {user, loads} = createCurrentUser();
  const both = [user.get(), user.get()];
  loads[0].reject(new TypeError("Failed to fetch"));
  for (const each of both) await assert.rejects(each, TypeError);
  const next = user.get();
  loads[1].resolve("owner");
  assert.equal(await next, "owner");
  assert.equal(loads.length, 2);
});

for (const outcome of ["resolve", "reject"]) {
  test(`the next user is loaded if the load of the previous one ${outcome}s later`, async () => {
    const {user, loads} = createCurrentUser();
    const previous = user.get();
    user.clear();
    const next = user.get();
    assert.deepEqual(loads.map(({signedIn}) => signedIn.aborted), [true, false]);
    loads[0][outcome]("owner of before");
    await assert.rejects(previous, {name: "AbortError"});
    loads[1].resolve("viewer");
    assert.equal(await next, "viewer");
    assert.equal(await user.get(), "viewer");
    assert.equal(loads.length, 2);
  });
}

test("a load that ends after sign-out is discarded", async () => {
  const {user, loads} = createCurrentUser();
  const previous = user.get();
  loads[0].resolve("owner");
  user.clear();
  await assert.rejects(previous, {name: "AbortError"});
});
