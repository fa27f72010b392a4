/** Sign-in, renewal and sign-out, with a fake Cognito. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Challenge, NotSignedIn, Session} from "../src/session.js";

const CONFIG = {client_id: "client", cognito_url: "https://cognito.example"};

/** A user pool with one user; records its calls. */
class Pool {
  calls = [];
  issued = 0;
  rotates = false;
  revoked = new Set();
  challenge = null;
  offline = false;
  override = null; // a response to return instead
  delay = null; // a promise that responses to renewals wait for

  fetch = async (url, {headers, body}) => {
    if (this.offline) throw new TypeError("Failed to fetch");
    const operation = headers["X-Amz-Target"].split(".")[1];
    const request = JSON.parse(body);
    if (this.override) return this.override;
    this.calls.push(operation === "InitiateAuth" ? request.AuthFlow : operation);
    assert.equal(url, "https://cognito.example/");
    assert.equal(request.ClientId, "client");
    const response = this.#respond(operation, request);
    if (request.AuthFlow === "REFRESH_TOKEN_AUTH") await this.delay;
    return response;
  };

  #respond(operation, request) {
    const rejected = Response.json({__type: "NotAuthorizedException", message: "Rejected."}, {status: 400});
    const parameters = request.AuthParameters ?? {};
    if (operation === "RevokeToken") return new Response((this.revoked.add(request.Token), ""));
    if (operation === "RespondToAuthChallenge") return request.Session === "s1" ? this.#tokens() : rejected;
    if (request.AuthFlow === "REFRESH_TOKEN_AUTH") {
      return parameters.REFRESH_TOKEN === "refresh" && !this.revoked.has("refresh") ? this.#tokens(this.rotates) : rejected;
    }
    if (parameters.PASSWORD !== "right") return rejected;
    return this.challenge ? Response.json({ChallengeName: this.challenge, Session: "s1"}) : this.#tokens();
  }

  #tokens(withRefresh = true) {
    this.issued += 1;
    const refresh = withRefresh ? {RefreshToken: "refresh"} : {};
    return Response.json({AuthenticationResult: {AccessToken: `token-${this.issued}`, ExpiresIn: 3600, ...refresh}});
  }
}

function createSession({pool = new Pool(), storage = new Map()} = {}) {
  const clock = {ms: 0};
  const fakeStorage = {
    getItem: (key) => storage.get(key) ?? null,
    setItem: (key, value) => storage.set(key, value),
    removeItem: (key) => storage.delete(key),
  };
  const session = new Session(CONFIG, {storage: fakeStorage, fetch: pool.fetch, now: () => clock.ms});
  return {pool, storage, clock, session};
}

test("the token of a sign-in survives a reload", async () => {
  const {session, storage, pool} = createSession();
  assert.equal(session.signedIn, false);
  assert.equal(await session.signIn("owner@north.example", "right"), null);
  assert.equal(await session.token(), "token-1");
  assert.equal(await createSession({storage, pool}).session.token(), "token-1");
});

test("the message for a wrong password does not reveal whether the user exists", async () => {
  const {session} = createSession();
  await assert.rejects(session.signIn("owner@north.example", "wrong"), new NotSignedIn("Wrong email or password."));
  assert.equal(session.signedIn, false);
});

test("concurrent requests renew an expiring token once", async () => {
  const {session, clock, pool} = createSession();
  await session.signIn("owner@north.example", "right");
  clock.ms = 3_580_000;
  assert.deepEqual(await Promise.all([session.token(), session.token()]), ["token-2", "token-2"]);
  assert.deepEqual(pool.calls, ["USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH"]);
});

test("a rejected token is renewed before it expires", async () => {
  const {session} = createSession();
  await session.signIn("owner@north.example", "right");
  assert.equal(await session.token("token-1"), "token-2");
  assert.equal(await session.token("token-1"), "token-2"); // another request has renewed it
});

test("an invalid refresh token ends the session", async () => {
  const {session, pool, storage} = createSession();
  await session.signIn("owner@north.example", "right");
  pool.revoked.add("refresh");
  await assert.rejects(session.token("token-1"), NotSignedIn);
  assert.equal(session.signedIn, false);
  assert.equal(storage.size, 0);
});

test("a network error does not end the session", async () => {
  const {session, pool, clock} = createSession();
  await session.signIn("owner@north.example", "right");
  clock.ms = 4_000_000;
  pool.offline = true;
  await assert.rejects(session.token(), TypeError);
  pool.offline = false;
  assert.equal(await session.token(), "token-2");
});

for (const [name, response] of [
  ["busy", Response.json({__type: "TooManyRequestsException", message: "Rate exceeded"}, {status: 400})],
  ["broken", new Response("<html>Bad gateway</html>", {status: 502})],
]) {
  test(`a ${name} Cognito does not end the session`, async () => {
    const {session, pool} = createSession();
    await session.signIn("owner@north.example", "right");
    pool.override = response;
    await assert.rejects(session.token("token-1"), {
      title: "The sign-in service is not available",
      detail: "Try again in a few minutes.",
    });
    pool.override = null;
    assert.equal(await session.token("token-1"), "token-2");
  });
}

test("sign-out deletes the tokens immediately and revokes the refresh token", async () => {
  const {session, pool, storage} = createSession();
  await session.signIn("owner@north.example", "right");
  const signingOut = session.signOut();
  assert.equal(session.signedIn, false);
  assert.equal(storage.size, 0);
  await signingOut;
  assert.deepEqual([...pool.revoked], ["refresh"]);
});

/** A pending renewal: `resolve` and `reject` finish it. */
async function pendingRenewal() {
  const all = createSession();
  await all.session.signIn("owner@north.example", "right");
  const {promise, resolve, reject} = withResolvers();
  all.pool.delay = promise;
  const renewal = all.session.token("token-1");
  return {...all, renewal, resolve, reject};
}

/** Promise.withResolvers, which is not in node 20. */
function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return {promise, resolve, reject};
}

for (const outcome of ["resolve", "reject"]) {
  test(`sign-out ends the session if a pending renewal ${outcome}s later`, async () => {
    const {session, storage, renewal, ...finish} = await pendingRenewal();
    await session.signOut();
    finish[outcome](new TypeError("Failed to fetch"));
    await assert.rejects(renewal, NotSignedIn);
    assert.equal(session.signedIn, false);
    assert.equal(storage.size, 0);
  });

  test(`the next user keeps their tokens if a pending renewal ${outcome}s later`, async () => {
    const {session, storage, renewal, ...finish} = await pendingRenewal();
    await session.signOut();
    await session.signIn("viewer@south.example", "right");
    const stored = storage.get("argus.session");
    finish[outcome](new TypeError("Failed to fetch"));
    await assert.rejects(renewal, NotSignedIn);
    assert.equal(await session.token(), "token-3");
    assert.equal(storage.get("argus.session"), stored);
  });
}

test("the next user renews their own token while an earlier renewal is pending", async () => {
  const {session, pool, renewal, resolve} = await pendingRenewal();
  await session.signOut();
  await session.signIn("viewer@south.example", "right");
  pool.revoked.clear();
  const next = session.token("token-3");
  resolve();
  await assert.rejects(renewal, NotSignedIn);
  assert.equal(await next, "token-4");
});

for (const name of ["NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA"]) {
  test(`the challenge ${name} is completed`, async () => {
    const {session, pool} = createSession();
    pool.challenge = name;
    const challenge = await session.signIn("owner@north.example", "right");
    assert.ok(challenge instanceof Challenge);
    assert.equal(challenge.name, name);
    assert.equal(await session.respond(challenge, "123456"), null);
    assert.equal(session.signedIn, true);
  });
}

test("an unsupported challenge is an error with its name", async () => {
  const {session, pool} = createSession();
  pool.challenge = "SMS_MFA";
  await assert.rejects(session.signIn("owner@north.example", "right"), /SMS_MFA/);
});
