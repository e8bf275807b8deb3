import { extname } from "node:path";
import { assetHash } from "../../sandbox/assets.ts";
import type {
  Fault,
  Journal,
  Project,
  ProjectInput,
  Speed,
  StoredForm,
} from "../../sandbox/types.ts";
import type { StackFile } from "../lib/stack.ts";
import { expectOk, send } from "./http.ts";
import type { Reply } from "./http.ts";

/** Paths to hashes, as Create deployment takes it. */
export type Manifest = Readonly<Record<string, string>>;

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".svg": "image/svg+xml",
};

/** The sandbox: what a client of the Pages API asks of it, and its admin side. */
export class Pages {
  readonly #url: string;
  readonly #account: string;
  readonly #token: string;

  constructor(stack: Pick<StackFile, "sandbox_url" | "account_id" | "sandbox_token">) {
    this.#url = stack.sandbox_url;
    this.#account = `/accounts/${stack.account_id}/pages/projects`;
    this.#token = stack.sandbox_token;
  }

  /**
   * Puts files where manifests refer to them, as wrangler does before a direct upload: token, which are missing, those,
   * all are in use. Returns the manifest, and how many were sent.
   */
  async putAssets(
    project: string,
    files: Readonly<Record<string, string>>,
  ): Promise<{ manifest: Manifest; sent: number }> {
    const assets = Object.entries(files).map(([path, content]) => {
      const value = Buffer.from(content).toString("base64");
      const extension = extname(path);
      const key = assetHash(Buffer.from(value), extension.slice(1));
      const contentType = TYPES[extension] ?? "application/octet-stream";
      return { path, file: { key, value, metadata: { contentType }, base64: true } };
    });
    const hashes = assets.map(({ file }) => file.key);
    const { jwt } = await this.#api<{ jwt: string }>(
      "GET",
      `${this.#account}/${project}/upload-token`,
      this.#token,
    );
    const missing = await this.#api<string[]>("POST", "/pages/assets/check-missing", jwt, {
      hashes,
    });
    const wanted = assets.map(({ file }) => file).filter(({ key }) => missing.includes(key));
    if (wanted.length > 0) {
      await this.#api("POST", "/pages/assets/upload", jwt, wanted);
    }
    await this.#api("POST", "/pages/assets/upsert-hashes", jwt, { hashes });
    const manifest = Object.fromEntries(assets.map(({ path, file }) => [path, file.key]));
    return { manifest, sent: wanted.length };
  }

  async journal(): Promise<Journal> {
    return this.#admin("GET", "/journal");
  }

  /** What came with the create request of a deployment. */
  async form(deployment: string): Promise<StoredForm> {
    return this.#admin("GET", `/deployments/${deployment}/form`);
  }

  async project(name: string): Promise<Project> {
    return this.#api("GET", `${this.#account}/${name}`, this.#token);
  }

  /** Deploys a branch past Signalbox; the deployment's id. */
  async deploy(name: string, branch: string): Promise<string> {
    const path = `${this.#account}/${name}/deployments`;
    const form = new FormData();
    form.set("branch", branch);
    const headers = { authorization: `Bearer ${this.#token}` };
    const reply = await send(`${this.#url}/client/v4${path}`, {
      method: "POST",
      headers,
      body: form,
    });
    return expectOk<{ result: { id: string } }>(`POST ${path}`, reply).result.id;
  }

  async addProject(project: ProjectInput): Promise<void> {
    await this.#admin("POST", "/projects", project);
  }

  async speed(speed: Speed): Promise<void> {
    await this.#admin("POST", "/speed", speed);
  }

  async fault(fault: Fault): Promise<void> {
    await this.#admin("POST", "/faults", fault);
  }

  async clearFaults(): Promise<void> {
    await this.#admin("DELETE", "/faults");
  }

  /** A page of a deployed site, by the host name it would have at Cloudflare. */
  async page(hostname: string, path = "/"): Promise<Reply> {
    return send(`${this.#url}/__sandbox/site/${hostname}${path}`);
  }

  async #admin<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await send(`${this.#url}/__sandbox${path}`, json(method, body, {}));
    return expectOk<T>(`${method} ${path}`, reply);
  }

  async #api<T>(method: string, path: string, token: string, body?: unknown): Promise<T> {
    const init = json(method, body, { authorization: `Bearer ${token}` });
    const reply = await send(`${this.#url}/client/v4${path}`, init);
    return expectOk<{ result: T }>(`${method} ${path}`, reply).result;
  }
}

function json(method: string, body: unknown, headers: Record<string, string>): RequestInit {
  return body === undefined
    ? { method, headers }
    : {
        method,
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body),
      };
}
