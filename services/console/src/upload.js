/** Uploads a file to S3 with a presigned form from Argus. */

import {Problem} from "./problem.js";
import {words} from "./words.js";

/**
 * Uses XMLHttpRequest, since fetch does not report the progress of an upload.
 * @param {UploadTarget} target
 * @param {File} file
 * @param {(share: number) => void} progress
 * @param {AbortSignal} signal
 */
export function send(target, file, progress, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(target.fields)) form.append(name, value);
  form.append("file", file); // S3 ignores fields after the file
  const request = new XMLHttpRequest();
  signal.addEventListener("abort", () => request.abort(), {once: true});
  return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const failed = () => reject(new Problem({title: file.name, detail: words.upload.failed, status: request.status}));
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? resolve() : failed());
    request.onerror = failed;
    request.onabort = () => reject(signal.reason);
    request.open("POST", target.url);
    request.send(form);
  });
}
