/** Hints over a WebSocket, and how long somebody listens for them. */

import assert from "node:assert/strict";
import {beforeEach, test} from "node:test";

import {Changes} from "../src/changes.js";
import {NotSignedIn} from "../src/session.js";

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

beforeEach(() => {
  globalThis.WebSocket = Socket;
  Socket.made = [];
});

/** Until everything that can go on has gone on. */
const settled = () => new Promise(setImmediate);

/** Listens with the tokens given, of which one may be an error. */
async function listening(...tokens) {
  const leaving = new AbortController();
  const token = async () => {
    const next = await tokens.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const changes = new Changes("wss://socket.example/", {token});
  const ended = changes.listen(leaving.signal);
  await settled();
  return {changes, leaving, ended};
}

test("a hint about what is waited for ends the pause, another does not", async () => {
  const {changes, leaving, ended} = await listening("token-1");
  const [socket] = Socket.made;
  assert.deepEqual(socket.protocols, ["argus.v1", "bearer.token-1"]);

  let over = false;
  const waiting = changes.pause("scan_1", 2 ** 30, leaving.signal).then(() => (over = true));
  socket.onmessage({data: '{"type":"scan.changed","id":"scan_2"}'});
  await settled();
  assert.equal(over, false);
  socket.onmessage({data: '{"type":"scan.changed","id":"scan_1"}'});
  await waiting;
  assert.equal(over, true);
  leaving.abort();
  await ended;
});

test("what is no hint is passed over", async () => {
  const {changes, leaving, ended} = await listening("token-1");
  const [socket] = Socket.made;
  let over = false;
  const waiting = changes.pause("undefined", 2 ** 30, leaving.signal).finally(() => (over = true));
  for (const data of ["", "{", "null", "7", "[]", '{"type":"pong"}', '{"id":7}', new Blob(["{}"])]) socket.onmessage({data});
  await settled();
  assert.equal(over, false);
  leaving.abort();
  await assert.rejects(waiting, {name: "AbortError"});
  await ended;
});

test("a line that breaks is made anew, after a while", async (context) => {
  context.mock.timers.enable({apis: ["setTimeout"]});
  const {leaving, ended} = await listening("token-1", "token-2");
  Socket.made[0].onclose();
  await settled();
  context.mock.timers.tick(14_999);
  await settled();
  assert.equal(Socket.made.length, 1);
  context.mock.timers.tick(1);
  await settled();
  assert.deepEqual(Socket.made.map(({protocols}) => protocols[1]), ["bearer.token-1", "bearer.token-2"]);
  leaving.abort();
  await ended;
});

test("a network that is away while the token is renewed does not end the listening", async (context) => {
  context.mock.timers.enable({apis: ["setTimeout"]});
  const {leaving, ended} = await listening(new TypeError("Failed to fetch"), "token-2");
  assert.equal(Socket.made.length, 0);
  context.mock.timers.tick(15_000);
  await settled();
  assert.deepEqual(Socket.made[0]?.protocols, ["argus.v1", "bearer.token-2"]);
  leaving.abort();
  await ended;
});

test("the listening ends with the session", async () => {
  const {ended} = await listening(new NotSignedIn("Your session is over."));
  await ended;
  assert.equal(Socket.made.length, 0);
});

test("who leaves while the line is broken is not waited for", async () => {
  const {leaving, ended} = await listening("token-1");
  Socket.made[0].onclose();
  await settled();
  leaving.abort();
  await ended;
});

test("who leaves while the token is renewed has no socket opened for them", async () => {
  let arrive;
  const {leaving, ended} = await listening(new Promise((resolve) => (arrive = resolve)));
  leaving.abort();
  arrive("token-1");
  await ended;
  assert.equal(Socket.made.length, 0);
});
