/** Polling until a final state. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {pause, poll} from "../src/polling.js";

test("pauses increase, and each value is reported", async () => {
  const states = ["queued", "running", "running", "succeeded"];
  const waits = [];
  const values = [];
  const last = await poll(async () => states.shift(), {
    isFinal: (state) => state === "succeeded",
    onValue: (state) => values.push(state),
    signal: new AbortController().signal,
    wait: async (ms) => void waits.push(ms),
  });
  assert.equal(last, "succeeded");
  assert.deepEqual(values, ["queued", "running", "running", "succeeded"]);
  assert.deepEqual(waits.map(Math.round), [400, 640, 1024]);
});

test("pauses are at most 8 seconds", async () => {
  let reads = 0;
  const waits = [];
  const wait = async (ms) => void waits.push(ms);
  await poll(async () => (reads += 1), {isFinal: (count) => count === 30, signal: new AbortController().signal, wait});
  assert.equal(Math.max(...waits), 8000);
});

test("leaving the view ends the pause", async () => {
  const controller = new AbortController();
  const paused = pause(2 ** 30, controller.signal);
  controller.abort();
  await assert.rejects(paused, {name: "AbortError"});
  await assert.rejects(pause(0, controller.signal), {name: "AbortError"});
});
