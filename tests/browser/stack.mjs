/** The whole of Argus on free ports, and a browser to look at it. */

import {spawn} from "node:child_process";
import {randomInt} from "node:crypto";
import {once} from "node:events";
import {createRequire} from "node:module";
import {createServer} from "node:net";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";

// Playwright is a dependency of the console, and so is found where the console's packages are.
const {chromium} = createRequire(new URL("../../services/console/package.json", import.meta.url))("playwright-core");

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const PASSWORD = "Correct-horse-9-battery";

/** Below the ports that the kernel gives to outgoing connections: one of these may take what was free a moment ago. */
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

/** Start everything; resolves once the demo survey was scanned. */
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
  const printed = [];
  for await (const line of createInterface({input: child.stdout})) {
    printed.push(line);
    if (line.includes("Password")) break; // the last of what is told once all is ready
  }
  if (!printed.some((line) => line.includes("Password"))) throw new Error(`it did not start:\n${printed.join("\n")}`);
  child.stdout.resume();
  return {
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
    // As root in a container it cannot have its sandbox; the rest keeps it from calling home.
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
