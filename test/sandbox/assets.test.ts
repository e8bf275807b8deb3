import { describe, expect, test } from "vitest";
import { formOf, harness } from "./harness.ts";

// From wrangler's own tests, and from real uploads.
const VECTORS = [
  ["/logo.txt", "foobar", "1a98fb08af91aca4a7df1764a2c4ddb0"],
  ["/index.html", "<h1>hi</h1>\n", "17453d0cfb9bacc76d9f30d3cb9ca048"],
  ["/a.css", "body{}\n", "aa42bba514e8ddfea838ec1a715ca332"],
] as const;

const file = (key: string, content: string): object => ({
  key,
  value: Buffer.from(content).toString("base64"),
  metadata: { contentType: "text/html" },
  base64: true,
});

async function uploader(it: ReturnType<typeof harness>) {
  const { result } = await it.call<{ jwt: string }>("GET", "/site/upload-token");
  const post = (path: string, body: unknown, token = result.jwt) =>
    it.api<string[]>("POST", `/pages/assets/${path}`, {
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${token}` },
    });
  const deploy = (manifest: object) =>
    it.call("POST", "/site/deployments", { body: formOf({ manifest: JSON.stringify(manifest) }) });
  return { jwt: result.jwt, post, deploy };
}

describe("assets", () => {
  test("are known after their upload, and match the hash Cloudflare's clients compute", async () => {
    const it = harness();
    const { post, deploy } = await uploader(it);
    const hashes = VECTORS.map(([, , hash]) => hash);
    expect((await post("check-missing", { hashes })).result).toEqual(hashes);
    const files = VECTORS.map(([, content, hash]) => file(hash, content));
    expect((await post("upload", files)).status).toBe(200);
    expect((await post("check-missing", { hashes })).result).toEqual([]);
    expect((await post("upsert-hashes", { hashes })).status).toBe(200);
    const manifest = Object.fromEntries(VECTORS.map(([path, , hash]) => [path, hash]));
    const { status, result } = await deploy(manifest);
    expect(status).toBe(200);
    it.pass(1000);
    expect((await it.get(result.id, "site")).latest_stage.status).toBe("success");
  });

  test.each(VECTORS)(
    "%s under another extension or with other content is refused",
    async (path, content, hash) => {
      const it = harness();
      const { post, deploy } = await uploader(it);
      await post("upload", [file(hash, content)]);
      expect((await deploy({ [`${path}.bak`]: hash })).status).toBe(400);
      expect((await deploy({ [path]: hash })).status).toBe(200);
      await post("upload", [file(hash, `${content}!`)]);
      const { status, message } = await deploy({ [path]: hash });
      expect(status).toBe(400);
      expect(message).toContain(path);
    },
  );

  test("that are missing fail the deployment, and its log says so", async () => {
    const it = harness();
    const { post, deploy } = await uploader(it);
    const [path, content, hash] = VECTORS[0];
    await post("upload", [file(hash, content)]);
    const { result } = await deploy({ [path]: hash, "/b.txt": "f".repeat(32) });
    it.pass(1000);
    expect((await it.get(result.id, "site")).latest_stage).toMatchObject({
      name: "deploy",
      status: "failure",
    });
    const logs = await it.call<{ total: number; data: Array<{ line: string }> }>(
      "GET",
      `/site/deployments/${result.id}/history/logs`,
    );
    expect(logs.result.total).toBe(logs.result.data.length);
    expect(logs.result.data.at(-1)?.line).toMatch(
      /^Error: 1 of the files .* not in the asset store/,
    );
  });

  test("can expire between the upload and the deployment", async () => {
    const it = harness();
    const { post, deploy } = await uploader(it);
    const [path, content, hash] = VECTORS[0];
    await post("upload", [file(hash, content)]);
    it.sandbox.fault({ call: "create", kind: "expired_assets" });
    const { result } = await deploy({ [path]: hash });
    it.pass(1000);
    expect((await it.get(result.id, "site")).latest_stage.status).toBe("failure");
    expect((await post("check-missing", { hashes: [hash] })).result).toEqual([hash]);
    await post("upload", [file(hash, content)]);
    it.sandbox.fault({ call: "check-missing", kind: "expired_assets" });
    expect((await post("check-missing", { hashes: [hash] })).result).toEqual([hash]);
  });

  test("refuse bodies of another shape", async () => {
    const { post } = await uploader(harness());
    for (const body of [null, {}, { hashes: "a" }, { hashes: [1] }]) {
      expect((await post("check-missing", body)).status).toBe(400);
    }
    const good = file("f".repeat(32), "x");
    for (const body of [null, {}, [null], [{ ...good, key: "x" }], [{ ...good, value: "§" }]]) {
      expect((await post("upload", body)).status).toBe(400);
    }
  });
});

describe("the upload token", () => {
  test("is a JWT with the claims wrangler reads, and short-lived", async () => {
    const it = harness();
    const { jwt, post } = await uploader(it);
    const claims = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64").toString());
    expect(claims).toMatchObject({
      exp: it.now() / 1000 + 300,
      max_file_count_allowed: 20_000,
    });
    const check = () => post("check-missing", { hashes: [] });
    it.pass(299_999);
    expect((await check()).status).toBe(200);
    it.pass(1);
    expect([(await check()).status, (await check()).code]).toEqual([403, 8000013]);
  });

  test("is the only key to the asset routes, and to nothing else", async () => {
    const it = harness();
    const { jwt, post } = await uploader(it);
    const [head, claims] = jwt.split(".");
    for (const token of [it.sandbox.token, "", "a.b.c", `${head}.${claims}.AAAA`]) {
      expect((await post("check-missing", { hashes: [] }, token)).code).toBe(8000013);
    }
    const headers = { authorization: `Bearer ${jwt}` };
    expect((await it.call("GET", "/site", { headers })).code).toBe(10000);
  });
});
