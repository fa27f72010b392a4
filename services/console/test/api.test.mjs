/** Retries, credentials and errors of the API client. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Api} from "../src/api.js";
import {Problem} from "../src/problem.js";
import {NotSignedIn} from "../src/session.js";

const PROBLEM = {title: "Not found", detail: "img_1", status: 404, request_id: "req_1"};

/** An Api that receives these responses, and a record of its calls. */
function createApi(...responses) {
  const calls = {requests: [], pauses: [], statuses: [], cleared: false, tokens: ["token-1", "token-2"]};
  const api = new Api("https://api.example/", {
    session: {
      token: async (insteadOf) => (insteadOf ? calls.tokens[1] : calls.tokens[0]),
      clear: () => (calls.cleared = true),
    },
    fetch: async (url, request) => {
      calls.requests.push({url, ...request});
      const response = responses.shift();
      if (response instanceof Error) throw response;
      return response;
    },
    pause: async (ms) => void calls.pauses.push(ms),
    onStatus: (message) => calls.statuses.push(message),
  });
  return {api, calls};
}

const rateLimited = (seconds) => new Response("{}", {status: 429, headers: {"Retry-After": String(seconds)}});
const failed = (problem = PROBLEM) => Response.json(problem, {status: problem.status});

test("a request sends the token, and omits empty parameters", async () => {
  const {api, calls} = createApi(Response.json({items: []}));
  assert.deepEqual(await api.get("/images", {query: {limit: 24, cursor: null, target: "image:img_1"}}), {items: []});
  const [{url, headers}] = calls.requests;
  assert.equal(url, "https://api.example/api/v1/images?limit=24&target=image%3Aimg_1");
  assert.equal(headers.Authorization, "Bearer token-1");
});

test("a 401 is retried once with a new token", async () => {
  const {api, calls} = createApi(failed({...PROBLEM, status: 401}), Response.json({ok: true}));
  assert.deepEqual(await api.get("/me"), {ok: true});
  assert.deepEqual(calls.requests.map((request) => request.headers.Authorization), ["Bearer token-1", "Bearer token-2"]);
});

test("a second 401 ends the session", async () => {
  const {api, calls} = createApi(failed({...PROBLEM, status: 401}), failed({...PROBLEM, status: 401}));
  await assert.rejects(api.get("/me"), NotSignedIn);
  assert.equal(calls.cleared, true);
});

test("a 429 is retried after Retry-After, with a status message", async () => {
  const {api, calls} = createApi(rateLimited(7), Response.json({ok: true}));
  assert.deepEqual(await api.get("/images"), {ok: true});
  assert.deepEqual(calls.pauses, [7000]);
  assert.match(calls.statuses[0], /7 s/);
  assert.equal(calls.statuses.at(-1), "");
});

test("a long Retry-After, or too many retries, is an error", async () => {
  await assert.rejects(createApi(rateLimited(3600)).api.get("/images"), Problem);
  const {api, calls} = createApi(rateLimited(1), rateLimited(1), rateLimited(1), rateLimited(1));
  await assert.rejects(api.get("/images"), Problem);
  assert.equal(calls.requests.length, 4);
});

test("all attempts of a POST send the same Idempotency-Key", async () => {
  const {api, calls} = createApi(rateLimited(1), Response.json({id: "scan_1"}, {status: 202}));
  assert.deepEqual(await api.post("/scans", {plugins: []}), {id: "scan_1"});
  const [first, second] = calls.requests.map((request) => request.headers["Idempotency-Key"]);
  assert.ok(first);
  assert.equal(first, second);
});

test("a problem has the title, detail and request id of the response", async () => {
  const {api} = createApi(failed());
  await assert.rejects(api.get("/images/img_1"), {title: "Not found", detail: "img_1", status: 404, requestId: "req_1"});
});

test("an error page of a gateway is a problem", async () => {
  const headers = {"X-Request-ID": "req_2"};
  const {api} = createApi(new Response("<h1>Bad gateway</h1>", {status: 502, headers}));
  await assert.rejects(api.get("/me"), {title: "Unexpected response", detail: "HTTP 502", requestId: "req_2"});
});

test("a network error is a problem", async () => {
  await assert.rejects(createApi(new TypeError("Failed to fetch")).api.get("/me"), {title: "Argus cannot be reached"});
});
