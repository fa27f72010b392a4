/** The signed-in user, loaded once per sign-in and shared by all views. */

export class CurrentUser {
  #load;
  /** @type {Promise<Me> | null} */
  #user = null;
  #signedIn = new AbortController();

  /** @param {(signedIn: AbortSignal) => Promise<Me>} load called once per sign-in; the signal aborts at sign-out */
  constructor(load) {
    this.#load = load;
  }

  /** Raises the errors of loading, which the next call retries, and an AbortError after a sign-out in the meantime. */
  async get() {
    const {signal} = this.#signedIn;
    const loading = (this.#user ??= this.#load(signal));
    try {
      return await loading;
    } catch (error) {
      if (this.#user === loading) this.#user = null;
      throw error;
    } finally {
      signal.throwIfAborted(); // never return the previous user to the next one
    }
  }

  clear() {
    this.#user = null;
    this.#signedIn.abort();
    this.#signedIn = new AbortController();
  }
}
