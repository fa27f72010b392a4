/**
 * Builds src/ into dist/. File names contain a hash of the content, so that browsers can cache them indefinitely.
 * index.html and config.json keep their names and are revalidated on each request. config.json and the content security
 * policy are created for a stage from ARGUS_API_URL, ARGUS_REGION, ARGUS_CLIENT_ID, ARGUS_ISSUER, ARGUS_MEDIA_BUCKET and,
 * optionally, ARGUS_SOCKET_URL and ARGUS_MEDIA_ORIGIN.
 */

import {createHash} from "node:crypto";
import {mkdir, readFile, readdir, rm, writeFile} from "node:fs/promises";
import {dirname, extname, join, posix} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const REFERENCE = /(from "|import "|url\(")(\.{0,2}\/?[\w./]+\.(?:js|svg))"/g; // to another file, in JavaScript and CSS

const REQUIRED = ["ARGUS_API_URL", "ARGUS_REGION", "ARGUS_CLIENT_ID", "ARGUS_ISSUER", "ARGUS_MEDIA_BUCKET"];

/** The contents of config.json. Raises an error if a variable is not set. @param {NodeJS.ProcessEnv} environment */
export function configOf(environment) {
  const missing = REQUIRED.filter((name) => !environment[name]);
  if (missing.length) throw new Error(`set ${missing.join(", ")}`);
  return {
    api_url: environment.ARGUS_API_URL,
    region: environment.ARGUS_REGION,
    client_id: environment.ARGUS_CLIENT_ID,
    issuer: environment.ARGUS_ISSUER,
    cognito_url: new URL(environment.ARGUS_ISSUER).origin, // the issuer of a pool is Cognito's origin and the pool id
    ...(environment.ARGUS_SOCKET_URL && {socket_url: environment.ARGUS_SOCKET_URL}),
  };
}

/** The origins of media. Uploads go to the bucket. Links lead to the bucket or, if the stage has a domain, to its
 * CloudFront distribution, which has another origin than a page hosted by Amplify. @param {NodeJS.ProcessEnv} environment */
const mediaOrigins = ({ARGUS_MEDIA_BUCKET, ARGUS_REGION, ARGUS_MEDIA_ORIGIN}) =>
  [`https://${ARGUS_MEDIA_BUCKET}.s3.${ARGUS_REGION}.amazonaws.com`, ARGUS_MEDIA_ORIGIN].filter(Boolean);

/**
 * index.html with the origins in its content security policy.
 * @param {string} page @param {ReturnType<typeof configOf>} config @param {(string | undefined)[]} media
 */
function withPolicy(page, config, media) {
  const services = [config.api_url, config.cognito_url, config.socket_url].filter(Boolean).map((url) => new URL(url).origin);
  return page
    .replaceAll("MEDIA_ORIGINS", media.join(" "))
    .replaceAll("SERVICE_ORIGINS", services.join(" "))
    .replaceAll("API_ORIGIN", services[0]);
}

/** Write all files to `dist`. @param {string} dist @param {NodeJS.ProcessEnv} environment */
export async function build(dist, environment) {
  const config = configOf(environment);
  const source = join(HERE, "src");
  const names = (await readdir(source, {recursive: true})).filter((name) => extname(name) && name !== "index.html");
  const files = new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(source, name), "utf8")])));
  await rm(dist, {recursive: true, force: true});
  await mkdir(dist, {recursive: true});

  /** Old name -> new name. Referenced files are renamed first, so that a change also renames all files that refer to it. */
  const renamed = new Map();
  const write = async (name) => {
    if (renamed.has(name)) return renamed.get(name);
    let text = files.get(name);
    if (text === undefined) throw new Error(`${name} is referenced but does not exist`);
    const references = new Map();
    for (const [, , path] of text.matchAll(REFERENCE)) references.set(path, await write(posix.join(posix.dirname(name), path)));
    text = text.replace(REFERENCE, (_, before, path) => `${before}./${references.get(path)}"`); // dist is flat
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 10);
    const newName = `${posix.basename(name, extname(name))}.${hash}${extname(name)}`;
    renamed.set(name, newName);
    await writeFile(join(dist, newName), text);
    return newName;
  };
  for (const name of files.keys()) await write(name);

  const modules = [...renamed.values()].filter((name) => extname(name) === ".js");
  const preloads = modules.map((name) => `<link rel="modulepreload" href="${name}">`).join("\n    ");
  const page = withPolicy(await readFile(join(source, "index.html"), "utf8"), config, mediaOrigins(environment))
    .replace(/(href|src)="(icon\.svg|style\.css|main\.js)"/g, (_, attribute, name) => `${attribute}="${renamed.get(name)}"`)
    .replace("</head>", `  ${preloads}\n  </head>`);
  await writeFile(join(dist, "index.html"), page);
  await writeFile(join(dist, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await build(join(HERE, "dist"), process.env);
