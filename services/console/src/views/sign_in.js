/** Sign-in: email and password, then the challenges of the user pool. */

import {h} from "../dom.js";
import {Challenge, NotSignedIn} from "../session.js";
import {words} from "../words.js";
import {problemBox} from "./components.js";

const w = words.signIn;

/**
 * @param {import("../session.js").Session} session
 * @param {() => void} done
 * @param {string} [notice] why the user must sign in again
 */
export function signInView(session, done, notice = "") {
  const messages = h("div", {"aria-live": "assertive"}, notice && message(notice));
  const box = h("div", {class: "sign-in card"}, h("h1", {tabindex: -1}, w.title), messages);
  box.append(passwordForm());
  return box;

  function passwordForm() {
    const email = field(w.email, {type: "email", autocomplete: "username", name: "email"});
    const password = field(w.password, {type: "password", autocomplete: "current-password", name: "password"});
    return form([email, password], () => session.signIn(email.input.value.trim(), password.input.value));
  }

  /** @param {Challenge} challenge */
  function challengeForm(challenge) {
    const response =
      challenge.name === "NEW_PASSWORD_REQUIRED"
        ? field(w.newPassword, {type: "password", autocomplete: "new-password", minlength: 12}, w.newPasswordHint)
        : field(w.code, {inputmode: "numeric", autocomplete: "one-time-code", pattern: "[0-9]{6}"});
    return form([response], () => session.respond(challenge, response.input.value.trim()));
  }

  /** @param {ReturnType<typeof field>[]} fields @param {() => Promise<Challenge | null>} send */
  function form(fields, send) {
    const button = h("button", {class: "primary"}, w.submit);
    const element = h("form", {onsubmit: submit}, ...fields.map((each) => each.element), button);
    return element;

    /** @param {SubmitEvent} event */
    async function submit(event) {
      event.preventDefault();
      button.disabled = true;
      button.textContent = w.busy;
      messages.replaceChildren();
      try {
        const challenge = await send();
        if (!challenge) return done();
        const next = challengeForm(challenge);
        element.replaceWith(next);
        next.querySelector("input")?.focus();
      } catch (error) {
        messages.replaceChildren(error instanceof NotSignedIn ? message(error.message) : problemBox(error));
      } finally {
        button.disabled = false;
        button.textContent = w.submit;
      }
    }
  }
}

/** @param {string} text */
const message = (text) => h("p", {class: "problem"}, text);

/** @param {string} label @param {Record<string, any>} attributes @param {string} [hint] */
function field(label, attributes, hint) {
  const input = h("input", {required: true, ...attributes});
  return {input, element: h("label", {}, label, input, hint && h("small", {}, hint))};
}
