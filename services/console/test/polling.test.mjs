/** Asking until something has ended. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {pause, until} from "../src/polling.js";

test("it asks ever more slowly, and tells each answer", async () => {
  const states = ["queued", "running", "running", "succeeded"];
  const waits = [];
  const seen = [];
  const last = await until(async () => states.shift(), {
    ended: (state) => state === "succeeded",
    seen: (state) => seen.push(state),
    signal: new AbortController().signal,
    wait: async (ms) => void waits.push(ms),
  });
  assert.equal(last, "succeeded");
  assert.deepEqual(seen, ["queued", "running", "running", "succeeded"]);
  assert.deepEqual(waits.map(Math.round), [400, 640, 1024]);
});

test("the pauses stop growing", async () => {
  let asked = 0;
  const waits = [];
  const wait = async (ms) => void waits.push(ms);
  await until(async () => (asked += 1), {ended: (count) => count === 30, signal: new AbortController().signal, wait});
  assert.equal(Math.max(...waits), 8000);
});

test("leaving the view ends the pause", async () => {
  const leaving = new AbortController();
  const paused = pause(2 ** 30, leaving.signal);
  leaving.abort();
  await assert.rejects(paused, {name: "AbortError"});
  await assert.rejects(pause(0, leaving.signal), {name: "AbortError"});
});
