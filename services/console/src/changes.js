/**
 * Hints that something changed, pushed over a WebSocket. They only wake a poll early: what they say is asked of the API
 * again, and without them polling goes on as it would.
 */

import {pause} from "./polling.js";
import {NotSignedIn} from "./session.js";

const RECONNECT_MS = 15_000; // polling goes on meanwhile

export class Changes {
  #url;
  #session;
  #hints = new EventTarget();

  /** @param {string} url @param {{token(): Promise<string>}} session */
  constructor(url, session) {
    this.#url = url;
    this.#session = session;
  }

  /** Listen until the signal aborts or the session is over, connecting again when the line breaks. @param {AbortSignal} signal */
  async listen(signal) {
    while (!signal.aborted) {
      try {
        await this.#once(await this.#session.token(), signal);
      } catch (error) {
        if (error instanceof NotSignedIn) return; // the next view's request says so
        // Whatever else it was, such as a network that was away while the token was renewed, may be over next time.
      }
      await pause(RECONNECT_MS, signal).catch(() => {}); // cut short, it ends the loop
    }
  }

  /** Like `pause`, but over as soon as there is a hint about `id`. @param {string} id @param {number} ms @param {AbortSignal} [signal] */
  async pause(id, ms, signal) {
    const over = new AbortController();
    const hint = new Promise((resolve) =>
      this.#hints.addEventListener(id, resolve, {once: true, signal: over.signal}),
    );
    try {
      await Promise.race([hint, pause(ms, signal)]);
    } finally {
      over.abort();
    }
  }

  /** @param {string} token @param {AbortSignal} signal @returns {Promise<void>} */
  #once(token, signal) {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(); // they left while the token was renewed
      // The token goes as a subprotocol: a browser sets no headers here, and a query would stand in access logs.
      const socket = new WebSocket(this.#url, ["argus.v1", `bearer.${token}`]);
      const close = () => socket.close();
      signal.addEventListener("abort", close, {once: true});
      socket.onmessage = ({data}) => this.#heard(data);
      socket.onclose = () => {
        signal.removeEventListener("abort", close);
        resolve();
      };
    });
  }

  /** Pass a hint on; what is none is passed over. @param {any} data */
  #heard(data) {
    try {
      const {id} = JSON.parse(data);
      if (typeof id === "string") this.#hints.dispatchEvent(new Event(id));
    } catch {
      // not JSON, or null
    }
  }
}
