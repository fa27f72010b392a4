/** The HTTP client of the Argus API: credentials, retries, errors. */

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
  #onStatus;

  /**
   * @param {string} url
   * @param {{
   *   session: {token(insteadOf?: string): Promise<string>, clear(): void},
   *   fetch: typeof globalThis.fetch,
   *   pause: (ms: number, signal?: AbortSignal) => Promise<void>,
   *   onStatus?: (message: string) => void,
   * }} dependencies
   */
  constructor(url, {session, fetch, pause, onStatus = () => {}}) {
    this.#url = url.replace(/\/$/, "");
    this.#session = session;
    this.#fetch = fetch;
    this.#pause = pause;
    this.#onStatus = onStatus;
  }

  /**
   * @param {string} path
   * @param {{query?: Record<string, string | number | null | undefined>, signal?: AbortSignal}} [options]
   * @returns {Promise<any>}
   */
  get(path, {query = {}, signal} = {}) {
    const present = Object.entries(query).filter(([, value]) => value != null);
    const text = new URLSearchParams(present.map(([name, value]) => [name, String(value)])).toString();
    return this.#request("GET", text ? `${path}?${text}` : path, {signal});
  }

  /** Create a resource. All attempts send the same Idempotency-Key, so it is created once.
   * @param {string} path @param {object} body @param {{signal?: AbortSignal}} [options] @returns {Promise<any>} */
  post(path, body, {signal} = {}) {
    const headers = {"Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID()};
    return this.#request("POST", path, {body: JSON.stringify(body), headers, signal});
  }

  /** @param {string} method @param {string} path @param {RequestInit} request */
  async #request(method, path, request) {
    const signal = request.signal ?? undefined;
    let token = await this.#session.token();
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#send(method, path, request, token);
      if (response.ok) return response.status === 204 ? null : response.json();
      if (response.status === 401 && !renewed) {
        token = await this.#session.token(token); // the local clock may be wrong about the expiry
        renewed = true;
        continue;
      }
      if (response.status === 401) {
        this.#session.clear();
        throw new NotSignedIn(words.signIn.sessionEnded);
      }
      const seconds = Number(response.headers.get("Retry-After")); // sent with 429 and 503
      if (!seconds || seconds > LONGEST_WAIT_SECONDS || attempt === ATTEMPTS) throw await problem(response);
      this.#onStatus(words.errors.busy(seconds));
      await this.#pause(seconds * 1000, signal);
      this.#onStatus("");
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
    // An error page that is not from Argus: from a gateway or a proxy.
    return new Problem({title: words.errors.unexpected, detail: `HTTP ${response.status}`, request_id: requestId});
  }
}
