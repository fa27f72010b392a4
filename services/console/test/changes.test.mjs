/** Change events over a WebSocket, and reconnection. */

import assert from "node:assert/strict";
import {beforeEach, test} from "node:test";

import {Changes} from "../src/changes.js";
import {NotSignedIn} from "../src/session.js";

/** A fake WebSocket. */
class Socket {
  static instances = [];
  static CONNECTING = 0;
  readyState = 1;
  constructor(url, protocols) {
    Object.assign(this, {url, protocols});
    Socket.instances.push(this);
  }
  close() {
    this.readyState = 3;
    this.onclose();
  }
}

beforeEach(() => {
  globalThis.WebSocket = Socket;
  Socket.instances = [];
});

/** Resolves after all pending promises. */
const flush = () => new Promise(setImmediate);

/** Listens with these tokens; an Error is thrown instead. */
async function listen(...tokens) {
  const controller = new AbortController();
  const token = async () => {
    const next = await tokens.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const changes = new Changes("wss://socket.example/", {token});
  const ended = changes.listen(controller.signal);
  await flush();
  return {changes, controller, ended};
}

test("an event for the awaited id ends the pause, other events do not", async () => {
  const {changes, controller, ended} = await listen("token-1");
  const [socket] = Socket.instances;
  assert.deepEqual(socket.protocols, ["argus.v1", "bearer.token-1"]);

  let done = false;
  const waiting = changes.pause("scan_1", 2 ** 30, controller.signal).then(() => (done = true));
  socket.onmessage({data: '{"type":"scan.changed","id":"scan_2"}'});
  await flush();
  assert.equal(done, false);
  socket.onmessage({data: '{"type":"scan.changed","id":"scan_1"}'});
  await waiting;
  assert.equal(done, true);
  controller.abort();
  await ended;
});

test("messages that are not events are ignored", async () => {
  const {changes, controller, ended} = await listen("token-1");
  const [socket] = Socket.instances;
  let done = false;
  const waiting = changes.pause("undefined", 2 ** 30, controller.signal).finally(() => (done = true));
  for (const data of ["", "{", "null", "7", "[]", '{"type":"pong"}', '{"id":7}', new Blob(["{}"])]) socket.onmessage({data});
  await flush();
  assert.equal(done, false);
  controller.abort();
  await assert.rejects(waiting, {name: "AbortError"});
  await ended;
});

test("a lost connection is reopened after 15 seconds", async (context) => {
  context.mock.timers.enable({apis: ["setTimeout"]});
  const {controller, ended} = await listen("token-1", "token-2");
  Socket.instances[0].onclose();
  await flush();
  context.mock.timers.tick(14_999);
  await flush();
  assert.equal(Socket.instances.length, 1);
  context.mock.timers.tick(1);
  await flush();
  assert.deepEqual(Socket.instances.map(({protocols}) => protocols[1]), ["bearer.token-1", "bearer.token-2"]);
  controller.abort();
  await ended;
});

test("a network error during the renewal of the token is retried", async (context) => {
  context.mock.timers.enable({apis: ["setTimeout"]});
  const {controller, ended} = await listen(new TypeError("Failed to fetch"), "token-2");
  assert.equal(Socket.instances.length, 0);
  context.mock.timers.tick(15_000);
  await flush();
  assert.deepEqual(Socket.instances[0]?.protocols, ["argus.v1", "bearer.token-2"]);
  controller.abort();
  await ended;
});

test("listening ends when the session ends", async () => {
  const {ended} = await listen(new NotSignedIn("Your session has ended."));
  await ended;
  assert.equal(Socket.instances.length, 0);
});

test("sign-out while disconnected ends listening", async () => {
  const {controller, ended} = await listen("token-1");
  Socket.instances[0].onclose();
  await flush();
  controller.abort();
  await ended;
});

test("sign-out while a connection is being established closes it once it is", async () => {
  const {controller, ended} = await listen("token-1");
  const [socket] = Socket.instances;
  socket.readyState = Socket.CONNECTING;
  controller.abort();
  assert.equal(socket.readyState, Socket.CONNECTING);
  socket.readyState = 1;
  socket.onopen();
  assert.equal(socket.readyState, 3);
  await ended;
});

test("sign-out during the renewal of the token opens no socket", async () => {
  let resolveToken;
  const {controller, ended} = await listen(new Promise((resolve) => (resolveToken = resolve)));
  controller.abort();
  resolveToken("token-1");
  await ended;
  assert.equal(Socket.instances.length, 0);
});
