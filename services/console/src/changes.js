/**
 * Hints that something changed, pushed over a WebSocket. They only wake a poll early: what they say is asked of the API
 * again, and without them polling goes on as it would.
 */

import {pause} from "./polling.js";

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

  /** Listen until the signal aborts, connecting again when the line breaks. @param {AbortSignal} signal */
  async listen(signal) {
    while (!signal.aborted) {
      try {
        // The token goes as a subprotocol: a browser sets no headers here, and a query would stand in access logs.
        await this.#once(new WebSocket(this.#url, ["argus.v1", `bearer.${await this.#session.token()}`]), signal);
        await pause(RECONNECT_MS, signal);
      } catch {
        return; // signed out; the next view's request says so
      }
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

  /** @param {WebSocket} socket @param {AbortSignal} signal @returns {Promise<void>} */
  #once(socket, signal) {
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => socket.close(), {once: true});
      socket.onmessage = ({data}) => this.#hints.dispatchEvent(new Event(JSON.parse(data).id));
      socket.onclose = () => resolve();
    });
  }
}
