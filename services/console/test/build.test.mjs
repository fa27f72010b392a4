/** The build. */

import assert from "node:assert/strict";
import {mkdtemp, readFile, readdir, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, test} from "node:test";

import {build, configOf} from "../build.mjs";

const ENVIRONMENT = {
  ARGUS_API_URL: "https://abc.execute-api.eu-west-1.amazonaws.com/staging",
  ARGUS_REGION: "eu-west-1",
  ARGUS_CLIENT_ID: "client",
  ARGUS_ISSUER: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool",
  ARGUS_MEDIA_BUCKET: "argus-staging-media-123456789012-eu-west-1",
};
const BUCKET = "https://argus-staging-media-123456789012-eu-west-1.s3.eu-west-1.amazonaws.com";

let dist, names;

before(async () => {
  dist = await mkdtemp(join(tmpdir(), "console-"));
  await build(dist, ENVIRONMENT);
  names = (await readdir(dist)).sort();
});

after(() => rm(dist, {recursive: true}));

const read = (name, from = dist) => readFile(join(from, name), "utf8");

/** Directive -> sources. */
async function policyOf(from) {
  const [, policy] = (await read("index.html", from)).match(/content="(default-src[^"]+)"/);
  return Object.fromEntries(policy.split("; ").map((part) => part.split(/ (.*)/s).slice(0, 2)));
}

test("all file names but two contain a hash of the content", () => {
  const unhashed = names.filter((name) => !/^\w+\.[0-9a-f]{10}\.(js|css|svg)$/.test(name));
  assert.deepEqual(unhashed, ["config.json", "index.html"]);
});

test("every referenced file exists", async () => {
  for (const name of names.filter((name) => name !== "config.json")) {
    for (const [, referenced] of (await read(name)).matchAll(/(?:from |href=|src=|url\()"(?!#)\.?\/?([^"]+)"/g)) {
      assert.ok(names.includes(referenced), `${name} refers to ${referenced}`);
    }
  }
});

test("config.json contains the values of the stage", async () => {
  assert.deepEqual(JSON.parse(await read("config.json")), {
    api_url: ENVIRONMENT.ARGUS_API_URL,
    region: "eu-west-1",
    client_id: "client",
    issuer: ENVIRONMENT.ARGUS_ISSUER,
    cognito_url: "https://cognito-idp.eu-west-1.amazonaws.com",
  });
  const socket = "wss://def.execute-api.eu-west-1.amazonaws.com/staging";
  assert.equal(configOf({...ENVIRONMENT, ARGUS_SOCKET_URL: socket}).socket_url, socket);
});

test("the policy allows only own scripts and styles, and the services of the stage", async () => {
  assert.deepEqual(await policyOf(dist), {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": `'self' blob: https://abc.execute-api.eu-west-1.amazonaws.com ${BUCKET}`,
    "connect-src": `'self' https://abc.execute-api.eu-west-1.amazonaws.com https://cognito-idp.eu-west-1.amazonaws.com ${BUCKET}`,
    "base-uri": "'none'",
    "form-action": "'none'",
  });
});

test("with a domain, the policy allows media from its CloudFront distribution", async () => {
  const other = await mkdtemp(join(tmpdir(), "console-"));
  try {
    await build(other, {...ENVIRONMENT, ARGUS_MEDIA_ORIGIN: "https://argus.example"});
    const policy = await policyOf(other);
    assert.ok(policy["img-src"].endsWith(` ${BUCKET} https://argus.example`));
    assert.ok(policy["connect-src"].endsWith(` ${BUCKET} https://argus.example`)); // temperatures are fetched from there
  } finally {
    await rm(other, {recursive: true});
  }
});

test("a missing variable is an error with its name", () => {
  assert.throws(() => configOf({...ENVIRONMENT, ARGUS_ISSUER: ""}), /set ARGUS_ISSUER/);
});

test("no module sets HTML from text", async () => {
  for (const name of names.filter((name) => name.endsWith(".js"))) {
    assert.doesNotMatch(await read(name), /\.(innerHTML|outerHTML|insertAdjacentHTML)\b/);
  }
});
