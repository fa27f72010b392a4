/** What is asked again, what is not, and what an error says. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Api} from "../src/api.js";
import {Problem} from "../src/problem.js";
import {NotSignedIn} from "../src/session.js";

const PROBLEM = {title: "Not found", detail: "img_1", status: 404, request_id: "req_1"};

/** An Api that gets these answers, and what it did meanwhile. */
function made(...answers) {
  const seen = {requests: [], pauses: [], told: [], forgotten: false, tokens: ["token-1", "token-2"]};
  const api = new Api("https://api.example/", {
    session: {
      token: async (insteadOf) => (insteadOf ? seen.tokens[1] : seen.tokens[0]),
      forget: () => (seen.forgotten = true),
    },
    fetch: async (url, request) => {
      seen.requests.push({url, ...request});
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    pause: async (ms) => void seen.pauses.push(ms),
    tell: (message) => seen.told.push(message),
  });
  return {api, seen};
}

const wait = (seconds) => new Response("{}", {status: 429, headers: {"Retry-After": String(seconds)}});
const refused = (problem = PROBLEM) => Response.json(problem, {status: problem.status});

test("a request carries the token, and leaves out what was not given", async () => {
  const {api, seen} = made(Response.json({items: []}));
  assert.deepEqual(await api.get("/images", {query: {limit: 24, cursor: null, target: "image:img_1"}}), {items: []});
  const [{url, headers}] = seen.requests;
  assert.equal(url, "https://api.example/api/v1/images?limit=24&target=image%3Aimg_1");
  assert.equal(headers.Authorization, "Bearer token-1");
});

test("a 401 is asked again once with another token", async () => {
  const {api, seen} = made(refused({...PROBLEM, status: 401}), Response.json({ok: true}));
  assert.deepEqual(await api.get("/me"), {ok: true});
  assert.deepEqual(seen.requests.map((request) => request.headers.Authorization), ["Bearer token-1", "Bearer token-2"]);
});

test("a second 401 ends the session", async () => {
  const {api, seen} = made(refused({...PROBLEM, status: 401}), refused({...PROBLEM, status: 401}));
  await assert.rejects(api.get("/me"), NotSignedIn);
  assert.equal(seen.forgotten, true);
});

test("a 429 waits as long as it says, and tells so", async () => {
  const {api, seen} = made(wait(7), Response.json({ok: true}));
  assert.deepEqual(await api.get("/images"), {ok: true});
  assert.deepEqual(seen.pauses, [7000]);
  assert.match(seen.told[0], /7 s/);
  assert.equal(seen.told.at(-1), "");
});

test("a wait that is too long, or comes too often, is an error", async () => {
  await assert.rejects(made(wait(3600)).api.get("/images"), Problem);
  const {api, seen} = made(wait(1), wait(1), wait(1), wait(1));
  await assert.rejects(api.get("/images"), Problem);
  assert.equal(seen.requests.length, 4);
});

test("every attempt to create carries the same key", async () => {
  const {api, seen} = made(wait(1), Response.json({id: "scan_1"}, {status: 202}));
  assert.deepEqual(await api.post("/scans", {plugins: []}), {id: "scan_1"});
  const [first, second] = seen.requests.map((request) => request.headers["Idempotency-Key"]);
  assert.ok(first);
  assert.equal(first, second);
});

test("a problem keeps title, detail and request id", async () => {
  const {api} = made(refused());
  await assert.rejects(api.get("/images/img_1"), {title: "Not found", detail: "img_1", status: 404, requestId: "req_1"});
});

test("an error page of a gateway is a problem too", async () => {
  const headers = {"X-Request-ID": "req_2"};
  const {api} = made(new Response("<h1>Bad gateway</h1>", {status: 502, headers}));
  await assert.rejects(api.get("/me"), {title: "Unexpected answer", detail: "HTTP 502", requestId: "req_2"});
});

test("no network is a problem that says so", async () => {
  await assert.rejects(made(new TypeError("Failed to fetch")).api.get("/me"), {title: "Argus cannot be reached"});
});
