/** Asking until something has ended. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Changes} from "../src/changes.js";
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

/** The server's side of a socket, as far as the console sees it. */
class Socket {
  static made = [];
  constructor(url, protocols) {
    Object.assign(this, {url, protocols});
    Socket.made.push(this);
  }
  close() {
    this.onclose();
  }
}

test("a hint about what is waited for ends the pause, another does not", async () => {
  globalThis.WebSocket = Socket;
  const leaving = new AbortController();
  const changes = new Changes("wss://socket.example/", {token: async () => "token-1"});
  const listening = changes.listen(leaving.signal);
  await new Promise(setImmediate);
  const [socket] = Socket.made;
  assert.deepEqual(socket.protocols, ["argus.v1", "bearer.token-1"]);

  let over = false;
  const waiting = changes.pause("scan_1", 2 ** 30, leaving.signal).then(() => (over = true));
  socket.onmessage({data: '{"type":"scan.changed","id":"scan_2"}'});
  await new Promise(setImmediate);
  assert.equal(over, false);
  socket.onmessage({data: '{"type":"scan.changed","id":"scan_1"}'});
  await waiting;
  assert.equal(over, true);
  leaving.abort();
  await listening;
});
