/** Argus over HTTP: who is asking, what is asked again, and what an answer means. */

import {Problem} from "./problem.js";
import {NotSignedIn} from "./session.js";
import {words} from "./words.js";

const ATTEMPTS = 4;
const LONGEST_WAIT_SECONDS = 60;

export class Api {
  #url;
  #session;
  #fetch;
  #pause;
  #tell;

  /**
   * @param {string} url
   * @param {{
   *   session: {token(insteadOf?: string): Promise<string>, forget(): void},
   *   fetch: typeof globalThis.fetch,
   *   pause: (ms: number, signal?: AbortSignal) => Promise<void>,
   *   tell?: (message: string) => void,
   * }} needs
   */
  constructor(url, {session, fetch, pause, tell = () => {}}) {
    this.#url = url.replace(/\/$/, "");
    this.#session = session;
    this.#fetch = fetch;
    this.#pause = pause;
    this.#tell = tell;
  }

  /**
   * @param {string} path
   * @param {{query?: Record<string, string | number | null | undefined>, signal?: AbortSignal}} [options]
   * @returns {Promise<any>}
   */
  get(path, {query = {}, signal} = {}) {
    const given = Object.entries(query).filter(([, value]) => value != null);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return this.#ask("GET", text ? `${path}?${text}` : path, {signal});
  }

  /** Create something, once: every attempt carries the same Idempotency-Key.
   * @param {string} path @param {object} body @param {{signal?: AbortSignal}} [options] @returns {Promise<any>} */
  post(path, body, {signal} = {}) {
    const headers = {"Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID()};
    return this.#ask("POST", path, {body: JSON.stringify(body), headers, signal});
  }

  /** @param {string} method @param {string} path @param {RequestInit} request */
  async #ask(method, path, request) {
    const signal = request.signal ?? undefined;
    let token = await this.#session.token();
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#send(method, path, request, token);
      if (response.ok) return response.status === 204 ? null : response.json();
      if (response.status === 401 && !renewed) {
        token = await this.#session.token(token); // our clock may be wrong about when a token ends
        renewed = true;
        continue;
      }
      if (response.status === 401) {
        this.#session.forget();
        throw new NotSignedIn(words.signIn.over);
      }
      const seconds = Number(response.headers.get("Retry-After")); // 429 and 503 say when to come back
      if (!seconds || seconds > LONGEST_WAIT_SECONDS || attempt === ATTEMPTS) throw await problem(response);
      this.#tell(words.errors.busy(seconds));
      await this.#pause(seconds * 1000, signal);
      this.#tell("");
    }
  }

  /** @param {string} method @param {string} path @param {RequestInit} request @param {string} token */
  async #send(method, path, request, token) {
    try {
      return await this.#fetch(`${this.#url}/api/v1${path}`, {
        ...request,
        method,
        headers: {...request.headers, Authorization: `Bearer ${token}`},
        cache: "no-store",
      });
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw new Problem({title: words.errors.unreachable, detail: words.errors.unreachableDetail});
    }
  }
}

/** @param {Response} response */
async function problem(response) {
  const requestId = response.headers.get("X-Request-ID") ?? "";
  try {
    return new Problem({request_id: requestId, ...(await response.json())});
  } catch {
    // An error page that is not Argus's: a gateway's, a proxy's.
    return new Problem({title: words.errors.unexpected, detail: `HTTP ${response.status}`, request_id: requestId});
  }
}
