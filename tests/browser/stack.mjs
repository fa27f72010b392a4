/** Starts the complete system on free ports, and a browser. */

import {spawn} from "node:child_process";
import {randomInt} from "node:crypto";
import {once} from "node:events";
import {createRequire} from "node:module";
import {createServer} from "node:net";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";

// Playwright is installed with the packages of the console.
const {chromium} = createRequire(new URL("../../services/console/package.json", import.meta.url))("playwright-core");

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PASSWORD = "Correct-horse-9-battery";

/** A free port below the ephemeral range: outgoing connections could take a port of that range at any time. */
async function freePort() {
  const port = randomInt(20_000, 32_000);
  const probe = createServer().listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch {
    return freePort();
  }
  probe.close();
  await once(probe, "close");
  return String(port);
}

/** Start all processes. Resolves when the demo survey has been scanned. */
export async function startStack() {
  const names = ["ARGUS_PORT", "ARGUS_AWS_PORT", "ARGUS_CONSOLE_PORT", "ARGUS_SOCKET_PORT"];
  const ports = await Promise.all(names.map(freePort));
  const child = spawn(`${ROOT}.venv/bin/python`, ["-m", "services.local.main"], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...Object.fromEntries(names.map((name, index) => [name, ports[index]])),
      ARGUS_DEMO_PASSWORD: PASSWORD,
      PYTHONUNBUFFERED: "1",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = [];
  for await (const line of createInterface({input: child.stdout})) {
    output.push(line);
    if (line.includes("Password")) break; // the last line of the summary
  }
  if (!output.some((line) => line.includes("Password"))) throw new Error(`The system did not start:\n${output.join("\n")}`);
  child.stdout.resume();
  return {
    api: `http://127.0.0.1:${ports[0]}`,
    console: `http://127.0.0.1:${ports[2]}`,
    stop: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

export const startBrowser = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // The sandbox is not available as root in a container. The other options disable background requests.
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
