/** Signing in, renewing, and the end of a session, against a Cognito that behaves. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Challenge, NotSignedIn, Session} from "../src/session.js";

const CONFIG = {client_id: "client", cognito_url: "https://cognito.example"};

/** A user pool with one user; counts what it was asked. */
class Pool {
  calls = [];
  issued = 0;
  rotates = false;
  revoked = new Set();
  challenge = null;
  away = false;
  out = null; // an answer in place of any that it would give
  held = null; // a promise that the answers of renewals wait for

  fetch = async (url, {headers, body}) => {
    if (this.away) throw new TypeError("Failed to fetch");
    const operation = headers["X-Amz-Target"].split(".")[1];
    const asked = JSON.parse(body);
    if (this.out) return this.out;
    this.calls.push(operation === "InitiateAuth" ? asked.AuthFlow : operation);
    assert.equal(url, "https://cognito.example/");
    assert.equal(asked.ClientId, "client");
    const answer = this.#answer(operation, asked);
    if (asked.AuthFlow === "REFRESH_TOKEN_AUTH") await this.held;
    return answer;
  };

  #answer(operation, asked) {
    const refused = Response.json({__type: "NotAuthorizedException", message: "Refused."}, {status: 400});
    const parameters = asked.AuthParameters ?? {};
    if (operation === "RevokeToken") return new Response((this.revoked.add(asked.Token), ""));
    if (operation === "RespondToAuthChallenge") return asked.Session === "s1" ? this.#tokens() : refused;
    if (asked.AuthFlow === "REFRESH_TOKEN_AUTH") {
      return parameters.REFRESH_TOKEN === "refresh" && !this.revoked.has("refresh") ? this.#tokens(this.rotates) : refused;
    }
    if (parameters.PASSWORD !== "right") return refused;
    return this.challenge ? Response.json({ChallengeName: this.challenge, Session: "s1"}) : this.#tokens();
  }

  #tokens(withRefresh = true) {
    this.issued += 1;
    const refresh = withRefresh ? {RefreshToken: "refresh"} : {};
    return Response.json({AuthenticationResult: {AccessToken: `token-${this.issued}`, ExpiresIn: 3600, ...refresh}});
  }
}

function made({pool = new Pool(), storage = new Map()} = {}) {
  const clock = {ms: 0};
  const kept = {
    getItem: (key) => storage.get(key) ?? null,
    setItem: (key, value) => storage.set(key, value),
    removeItem: (key) => storage.delete(key),
  };
  const session = new Session(CONFIG, {storage: kept, fetch: pool.fetch, now: () => clock.ms});
  return {pool, storage, clock, session};
}

test("a password becomes a token, which a reload finds again", async () => {
  const {session, storage, pool} = made();
  assert.equal(session.signedIn, false);
  assert.equal(await session.signIn("owner@north.example", "right"), null);
  assert.equal(await session.token(), "token-1");
  assert.equal(await made({storage, pool}).session.token(), "token-1");
});

test("a wrong password says neither which part was wrong nor what the pool says", async () => {
  const {session} = made();
  await assert.rejects(session.signIn("owner@north.example", "wrong"), new NotSignedIn("Wrong e-mail or password."));
  assert.equal(session.signedIn, false);
});

test("a token about to end is renewed once, however many ask", async () => {
  const {session, clock, pool} = made();
  await session.signIn("owner@north.example", "right");
  clock.ms = 3_580_000;
  assert.deepEqual(await Promise.all([session.token(), session.token()]), ["token-2", "token-2"]);
  assert.deepEqual(pool.calls, ["USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH"]);
});

test("a token that was refused is replaced before its time", async () => {
  const {session} = made();
  await session.signIn("owner@north.example", "right");
  assert.equal(await session.token("token-1"), "token-2");
  assert.equal(await session.token("token-1"), "token-2"); // another request had it renewed
});

test("when the refresh token is over, so is the session", async () => {
  const {session, pool, storage} = made();
  await session.signIn("owner@north.example", "right");
  pool.revoked.add("refresh");
  await assert.rejects(session.token("token-1"), NotSignedIn);
  assert.equal(session.signedIn, false);
  assert.equal(storage.size, 0);
});

test("when the network is away, the session is not over", async () => {
  const {session, pool, clock} = made();
  await session.signIn("owner@north.example", "right");
  clock.ms = 4_000_000;
  pool.away = true;
  await assert.rejects(session.token(), TypeError);
  pool.away = false;
  assert.equal(await session.token(), "token-2");
});

for (const [name, answer] of [
  ["busy", Response.json({__type: "TooManyRequestsException", message: "Rate exceeded"}, {status: 400})],
  ["broken", new Response("<html>Bad gateway</html>", {status: 502})],
]) {
  test(`when Cognito is ${name}, the session is not over`, async () => {
    const {session, pool} = made();
    await session.signIn("owner@north.example", "right");
    pool.out = answer;
    await assert.rejects(session.token("token-1"), {title: "The sign-in service is busy or out of order"});
    pool.out = null;
    assert.equal(await session.token("token-1"), "token-2");
  });
}

test("signing out forgets at once and revokes the refresh token", async () => {
  const {session, pool, storage} = made();
  await session.signIn("owner@north.example", "right");
  const leaving = session.signOut();
  assert.equal(session.signedIn, false);
  assert.equal(storage.size, 0);
  await leaving;
  assert.deepEqual([...pool.revoked], ["refresh"]);
});

/** A renewal that Cognito has granted, whose answer is still on its way. */
async function renewing() {
  const all = made();
  await all.session.signIn("owner@north.example", "right");
  const {promise, resolve: arrive, reject: fail} = withResolvers();
  all.pool.held = promise;
  const late = all.session.token("token-1");
  return {...all, late, arrive, fail};
}

/** Promise.withResolvers, which node 20 has not. */
function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return {promise, resolve, reject};
}

for (const end of ["arrive", "fail"]) {
  test(`signing out ends the session, though a renewal's answer is to ${end} later`, async () => {
    const {session, storage, late, ...answer} = await renewing();
    await session.signOut();
    answer[end](new TypeError("Failed to fetch"));
    await assert.rejects(late, NotSignedIn);
    assert.equal(session.signedIn, false);
    assert.equal(storage.size, 0);
  });

  test(`who signs in next keeps their own tokens, though an earlier renewal's answer is to ${end} later`, async () => {
    const {session, storage, late, ...answer} = await renewing();
    await session.signOut();
    await session.signIn("viewer@south.example", "right");
    const theirs = storage.get("argus.session");
    answer[end](new TypeError("Failed to fetch"));
    await assert.rejects(late, NotSignedIn);
    assert.equal(await session.token(), "token-3");
    assert.equal(storage.get("argus.session"), theirs);
  });
}

test("who signs in next renews for themselves, while an earlier renewal is held back", async () => {
  const {session, pool, late, arrive} = await renewing();
  await session.signOut();
  await session.signIn("viewer@south.example", "right");
  pool.revoked.clear();
  const theirs = session.token("token-3");
  arrive();
  await assert.rejects(late, NotSignedIn);
  assert.equal(await theirs, "token-4");
});

for (const name of ["NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA"]) {
  test(`${name} is asked for and answered`, async () => {
    const {session, pool} = made();
    pool.challenge = name;
    const challenge = await session.signIn("owner@north.example", "right");
    assert.ok(challenge instanceof Challenge);
    assert.equal(challenge.name, name);
    assert.equal(await session.answer(challenge, "123456"), null);
    assert.equal(session.signedIn, true);
  });
}

test("a challenge that the console does not know is named", async () => {
  const {session, pool} = made();
  pool.challenge = "SMS_MFA";
  await assert.rejects(session.signIn("owner@north.example", "right"), /SMS_MFA/);
});
