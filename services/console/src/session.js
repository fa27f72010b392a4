/**
 * Who is signed in: tokens from Cognito's public API (InitiateAuth, RespondToAuthChallenge, RevokeToken).
 *
 * Tokens live in memory and in sessionStorage, so that a reload does not sign out. They are never in localStorage or a
 * cookie: another tab, a later visitor of the same machine or a forged cross-site request must not have them. A script
 * that ran in this page could read either, which is why the content security policy lets in no script but our own.
 */

import {Problem} from "./problem.js";
import {words} from "./words.js";

const KEY = "argus.session";
const RENEW_BEFORE_MS = 30_000; // a token must outlive the request it goes with
const WRONG = new Set(["NotAuthorizedException", "UserNotFoundException"]); // told apart, they would name users
const LATER = new Set(["TooManyRequestsException", "LimitExceededException"]); // 400 all the same

/** Why somebody is not signed in; the message is for them. */
export class NotSignedIn extends Error {}

/** Cognito wants one thing more before it gives tokens. */
export class Challenge {
  /** @param {string} name @param {string} session @param {string} email */
  constructor(name, session, email) {
    this.name = name;
    this.session = session;
    this.email = email;
  }
}

/** The answer that each challenge we know wants. @type {Record<string, string>} */
const ANSWERS = {NEW_PASSWORD_REQUIRED: "NEW_PASSWORD", SOFTWARE_TOKEN_MFA: "SOFTWARE_TOKEN_MFA_CODE"};

export class Session {
  #tokens;
  #config;
  #storage;
  #fetch;
  #now;
  /** @type {Promise<string> | null} */
  #renewing = null;
  /** Raised whenever somebody signs in or out: what Cognito was asked for in an earlier one is nobody's any more. */
  #generation = 0;

  /**
   * @param {Pick<Config, "client_id" | "cognito_url">} config
   * @param {{storage: Pick<Storage, "getItem" | "setItem" | "removeItem">, fetch: typeof globalThis.fetch, now: () => number}} needs
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
    return this.#take(await this.#initiate("USER_PASSWORD_AUTH", parameters), email);
  }

  /** Raises NotSignedIn. @param {Challenge} challenge @param {string} text @returns {Promise<Challenge | null>} */
  async answer(challenge, text) {
    const answer = await this.#call("RespondToAuthChallenge", {
      ChallengeName: challenge.name,
      Session: challenge.session,
      ChallengeResponses: {USERNAME: challenge.email, [ANSWERS[challenge.name]]: text},
    });
    return this.#take(answer, challenge.email);
  }

  /** An access token that is good for a while; another one than `insteadOf`. Raises NotSignedIn. */
  async token(insteadOf = "") {
    if (!this.#tokens) throw new NotSignedIn(words.signIn.over);
    const {access, expiresAt} = this.#tokens;
    if (access !== insteadOf && expiresAt > this.#now() + RENEW_BEFORE_MS) return access;
    this.#renewing ??= this.#renew(); // requests at once renew once
    return this.#renewing;
  }

  /** Forget the tokens here, and end the refresh token there. */
  async signOut() {
    const refresh = this.#tokens?.refresh;
    this.forget();
    // Who leaves is gone from this browser whatever the server says; a token that could not be revoked ends by itself.
    if (refresh) await this.#call("RevokeToken", {Token: refresh}).catch(() => {});
  }

  forget() {
    this.#begin();
    this.#tokens = null;
    this.#storage.removeItem(KEY);
  }

  /** From here on, what Cognito was asked before does not count. */
  #begin() {
    this.#generation += 1;
    this.#renewing = null;
  }

  /** Raises NotSignedIn, also when somebody left or came while Cognito was asked. */
  async #renew() {
    const refresh = this.#tokens.refresh;
    const generation = this.#generation;
    try {
      const answer = await this.#initiate("REFRESH_TOKEN_AUTH", {REFRESH_TOKEN: refresh});
      if (generation === this.#generation) this.#keep(answer.AuthenticationResult, refresh);
    } catch (error) {
      if (generation === this.#generation) {
        if (!(error instanceof NotSignedIn)) throw error; // the network is away; the session is not
        this.forget();
      }
    } finally {
      if (generation === this.#generation) this.#renewing = null;
    }
    if (generation !== this.#generation) throw new NotSignedIn(words.signIn.over);
    return this.#tokens.access;
  }

  /** @param {string} flow @param {Record<string, string>} parameters */
  #initiate(flow, parameters) {
    return this.#call("InitiateAuth", {AuthFlow: flow, AuthParameters: parameters});
  }

  /** Keep the tokens of a sign-in, or say what is wanted. @param {any} answer @param {string} email */
  #take(answer, email) {
    if (answer.ChallengeName) {
      if (ANSWERS[answer.ChallengeName]) return new Challenge(answer.ChallengeName, answer.Session, email);
      throw new NotSignedIn(words.signIn.unknownChallenge(answer.ChallengeName));
    }
    this.#begin();
    this.#keep(answer.AuthenticationResult);
    return null;
  }

  /** @param {any} result @param {string} [refresh] */
  #keep(result, refresh) {
    this.#tokens = {
      access: result.AccessToken,
      refresh: result.RefreshToken ?? refresh, // present again only where the pool rotates refresh tokens
      expiresAt: this.#now() + result.ExpiresIn * 1000,
    };
    this.#storage.setItem(KEY, JSON.stringify(this.#tokens));
  }

  /** Unsigned JSON, the operation named in a header. @param {string} operation @param {object} body */
  async #call(operation, body) {
    const response = await this.#fetch(`${this.#config.cognito_url}/`, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
      },
      body: JSON.stringify({ClientId: this.#config.client_id, ...body}),
    });
    const answer = parsed(await response.text());
    if (response.ok) return answer;
    const kind = String(answer.__type ?? "").split("#").at(-1) ?? "";
    // Says nothing of whoever asks: a session that could not be renewed now is not over.
    if (response.status === 429 || response.status >= 500 || LATER.has(kind)) {
      throw new Problem({title: words.signIn.later, detail: words.errors.unreachableDetail, status: response.status});
    }
    const refused = operation === "InitiateAuth" && WRONG.has(kind);
    throw new NotSignedIn(refused ? words.signIn.wrong : answer.message || words.signIn.failed);
  }
}

/** What Cognito said; nothing of a page that a gateway before it may answer with. @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return {};
  }
}
