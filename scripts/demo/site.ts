import type { Accepted } from "../../src/project/shapes.ts";
import type { Demo } from "./demo.ts";
import { expectOk } from "./http.ts";
import { size } from "./paper.ts";

const STYLE = "body { font: 1.2rem/1.6 system-ui; margin: 4rem auto; max-width: 36rem }\n";
const MARK = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M4 15V2h2v3l8 2v2L6 8v7z"/></svg>\n`;

function home(now: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A small site</title>
<link rel="stylesheet" href="/style.css">
<img src="/mark.svg" alt="" width="48">
<h1>It is live</h1>
<p>Uploaded directly at ${now}, through the queue.</p>
</html>
`;
}

/** A direct upload: files to the asset store first, then the form that makes them a deployment, through Signalbox. */
export async function sitePart(demo: Demo): Promise<void> {
  const { paper, checks, signalbox, pages } = demo;
  paper.part("4  A small site, uploaded directly");
  const page = home(new Date().toISOString());
  const files = { "/index.html": page, "/style.css": STYLE, "/mark.svg": MARK };
  const { manifest, sent } = await pages.putAssets("site", files);
  const bytes = Object.values(files).reduce((sum, file) => sum + file.length, 0);
  paper.line(
    `Assets, straight to the sandbox: ${Object.keys(manifest).length} files, ${size(bytes)}, ${sent} of them missing there and sent`,
  );

  const form = new FormData();
  form.set("manifest", JSON.stringify(manifest));
  form.set("branch", "main");
  form.set("commit_message", "A small site");
  form.set("_headers", new Blob(["/*\n  X-Published-By: signalbox\n"]), "_headers");
  const reply = await signalbox.send("POST", "/v1/projects/site/deploys", form);
  const { deploy } = expectOk<Accepted>("The upload", reply);
  paper.request(reply.status, "POST /v1/projects/site/deploys", "the form that publishes them");
  const ended = await signalbox.ended("site", deploy?.id ?? "");
  checks.hold(
    `#${ended.number} of site succeeded`,
    ended.status === "succeeded" && ended.kind === "upload",
    ended,
  );

  const home_ = await pages.page("site.pages.dev");
  paper.request(home_.status, "GET  https://site.pages.dev/", "from the site the sandbox serves");
  checks.hold(
    "the page is the one uploaded, byte for byte, with the header it asked for",
    home_.text === page && home_.headers.get("x-published-by") === "signalbox",
    home_.text.slice(0, 200),
  );
  const style = await pages.page("site.pages.dev", "/style.css");
  checks.hold("so is its style sheet", style.text === STYLE, style.text);
}
