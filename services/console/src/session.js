/**
 * The session: tokens from Cognito's public API (InitiateAuth, RespondToAuthChallenge, RevokeToken).
 *
 * Tokens are kept in memory and in sessionStorage, so that a reload does not sign out. They are never in localStorage or
 * a cookie: other tabs, later users of the same machine and forged cross-site requests must not get them. A script in
 * this page could read them anywhere, so the content security policy allows only scripts of the console.
 */

import {Problem} from "./problem.js";
import {words} from "./words.js";

const KEY = "argus.session";
const RENEW_BEFORE_MS = 30_000; // a token must stay valid for the whole request
// Both get the same message: different ones would reveal which users exist.
const WRONG_CREDENTIALS = new Set(["NotAuthorizedException", "UserNotFoundException"]);
const TRANSIENT = new Set(["TooManyRequestsException", "LimitExceededException"]); // Cognito sends them with 400

/** The user is not signed in. The message is shown to the user. */
export class NotSignedIn extends Error {}

/** A further step that Cognito requires before it issues tokens. */
export class Challenge {
  /** @param {string} name @param {string} session @param {string} email */
  constructor(name, session, email) {
    this.name = name;
    this.session = session;
    this.email = email;
  }
}

/** The name of the response to each supported challenge. @type {Record<string, string>} */
const CHALLENGE_RESPONSES = {NEW_PASSWORD_REQUIRED: "NEW_PASSWORD", SOFTWARE_TOKEN_MFA: "SOFTWARE_TOKEN_MFA_CODE"};

export class Session {
  #tokens;
  #config;
  #storage;
  #fetch;
  #now;
  /** @type {Promise<string> | null} */
  #renewing = null;
  /** Incremented by each sign-in and sign-out. Responses to requests of an earlier generation are discarded. */
  #generation = 0;

  /**
   * @param {Pick<Config, "client_id" | "cognito_url">} config
   * @param {{storage: Pick<Storage, "getItem" | "setItem" | "removeItem">, fetch: typeof globalThis.fetch, now: () => number}} dependencies
   */
  constructor(config, {storage, fetch, now}) {
    this.#config = config;
    this.#storage = storage;
    this.#fetch = fetch;
    this.#now = now;
    this.#tokens = JSON.parse(storage.getItem(KEY) ?? "null");
  }

  get signedIn() {
    return this.#tokens !== null;
  }

  /** Raises NotSignedIn. @param {string} email @param {string} password @returns {Promise<Challenge | null>} */
  async signIn(email, password) {
    const parameters = {USERNAME: email, PASSWORD: password};
    return this.#complete(await this.#initiate("USER_PASSWORD_AUTH", parameters), email);
  }

  /** Raises NotSignedIn. @param {Challenge} challenge @param {string} text @returns {Promise<Challenge | null>} */
  async respond(challenge, text) {
    const result = await this.#call("RespondToAuthChallenge", {
      ChallengeName: challenge.name,
      Session: challenge.session,
      ChallengeResponses: {USERNAME: challenge.email, [CHALLENGE_RESPONSES[challenge.name]]: text},
    });
    return this.#complete(result, challenge.email);
  }

  /** An access token, valid for the next request. Renews it if it is `insteadOf`. Raises NotSignedIn. */
  async token(insteadOf = "") {
    if (!this.#tokens) throw new NotSignedIn(words.signIn.sessionEnded);
    const {access, expiresAt} = this.#tokens;
    if (access !== insteadOf && expiresAt > this.#now() + RENEW_BEFORE_MS) return access;
    this.#renewing ??= this.#renew(); // concurrent requests share one renewal
    return this.#renewing;
  }

  /** Delete the tokens, and revoke the refresh token. */
  async signOut() {
    const refresh = this.#tokens?.refresh;
    this.clear();
    // Sign-out succeeds in this browser even if the revocation fails. The token then expires by itself.
    if (refresh) await this.#call("RevokeToken", {Token: refresh}).catch(() => {});
  }

  clear() {
    this.#startGeneration();
    this.#tokens = null;
    this.#storage.removeItem(KEY);
  }

  /** Discard the responses to all earlier requests. */
  #startGeneration() {
    this.#generation += 1;
    this.#renewing = null;
  }

  /** Raises NotSignedIn, also after a sign-out or another sign-in during the request. */
  async #renew() {
    const refresh = this.#tokens.refresh;
    const generation = this.#generation;
    try {
      const result = await this.#initiate("REFRESH_TOKEN_AUTH", {REFRESH_TOKEN: refresh});
      if (generation === this.#generation) this.#store(result.AuthenticationResult, refresh);
    } catch (error) {
      if (generation === this.#generation) {
        if (!(error instanceof NotSignedIn)) throw error; // a network error does not end the session
        this.clear();
      }
    } finally {
      if (generation === this.#generation) this.#renewing = null;
    }
    if (generation !== this.#generation) throw new NotSignedIn(words.signIn.sessionEnded);
    return this.#tokens.access;
  }

  /** @param {string} flow @param {Record<string, string>} parameters */
  #initiate(flow, parameters) {
    return this.#call("InitiateAuth", {AuthFlow: flow, AuthParameters: parameters});
  }

  /** Store the tokens of a sign-in, or return the challenge. @param {any} result @param {string} email */
  #complete(result, email) {
    if (result.ChallengeName) {
      if (CHALLENGE_RESPONSES[result.ChallengeName]) return new Challenge(result.ChallengeName, result.Session, email);
      throw new NotSignedIn(words.signIn.unknownChallenge(result.ChallengeName));
    }
    this.#startGeneration();
    this.#store(result.AuthenticationResult);
    return null;
  }

  /** @param {any} result @param {string} [refresh] */
  #store(result, refresh) {
    this.#tokens = {
      access: result.AccessToken,
      refresh: result.RefreshToken ?? refresh, // returned only if the pool rotates refresh tokens
      expiresAt: this.#now() + result.ExpiresIn * 1000,
    };
    this.#storage.setItem(KEY, JSON.stringify(this.#tokens));
  }

  /** Call an operation: unsigned JSON, with the operation in a header. @param {string} operation @param {object} body */
  async #call(operation, body) {
    const response = await this.#fetch(`${this.#config.cognito_url}/`, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
      },
      body: JSON.stringify({ClientId: this.#config.client_id, ...body}),
    });
    const result = parse(await response.text());
    if (response.ok) return result;
    const kind = String(result.__type ?? "").split("#").at(-1) ?? "";
    // These errors do not end the session: it can be renewed later.
    if (response.status === 429 || response.status >= 500 || TRANSIENT.has(kind)) {
      throw new Problem({title: words.signIn.unavailable, detail: words.signIn.unavailableDetail, status: response.status});
    }
    const rejected = operation === "InitiateAuth" && WRONG_CREDENTIALS.has(kind);
    throw new NotSignedIn(rejected ? words.signIn.wrong : result.message || words.signIn.rejected);
  }
}

/** A JSON document; empty for an error page of a gateway. @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return {};
  }
}
