import { access, constants, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "../../scripts/lib/port.ts";
import { startProcess } from "./sides.ts";

/** Where Debian's `webhook` (github.com/adnanh/webhook) is installed; null: nowhere on the PATH. */
export async function findWebhook(): Promise<string | null> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, "webhook");
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) {
      return path;
    }
  }
  return null;
}

/** It runs `/bin/true` for each push that is signed with the secret. */
export async function startWebhook(
  command: string,
  secret: string,
): Promise<Awaited<ReturnType<typeof startProcess>>> {
  await using dir = await mkdtempDisposable(join(tmpdir(), "signalbox-bench-"));
  const hooks = join(dir.path, "hooks.json");
  const rule = {
    type: "payload-hmac-sha256",
    secret,
    parameter: { source: "header", name: "X-Hub-Signature-256" },
  };
  const hook = {
    id: "blog",
    "execute-command": "/bin/true",
    "success-http-response-code": 202,
    "trigger-rule": { match: rule },
  };
  await writeFile(hooks, JSON.stringify([hook]), { mode: 0o600 });
  const port = await freePort();
  // It has read the file by the time it answers.
  return await startProcess([command, "-hooks", hooks, "-ip", "127.0.0.1", "-port", String(port)], {
    port,
    path: "/hooks/blog",
    env: {},
  });
}
