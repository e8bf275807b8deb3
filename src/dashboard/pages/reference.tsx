import type { FC } from "hono/jsx";
import { raw } from "hono/html";

import type { Api } from "../../api/context.ts";
import { documentOf } from "../../api/document.ts";
import { CODES } from "../../problem.ts";
import { Head, show } from "../frame.tsx";
import { byTag, type OpenApi } from "../model/reference.ts";
import { Call, Webhook } from "../parts/operation.tsx";
import { SchemaTable } from "../parts/schema.tsx";
import { readerOf } from "../visitor.ts";

const SETTINGS = "export SIGNALBOX_URL=https://… SIGNALBOX_TOKEN=…";

const Reference: FC<{ document: OpenApi }> = ({ document }) => {
  const tags = byTag(document);
  return (
    <div class="wide reference">
      <nav class="contents" aria-label="Operations">
        {[...tags].map(([tag, routes]) => (
          <div>
            <a class="strong" href={`#tag-${tag}`}>
              {tag}
            </a>
            <ul>
              {routes.map(({ method, path, summary, operationId }) => (
                <li data-search={`${method} ${path} ${summary} ${operationId}`.toLowerCase()}>
                  <a href={`#${operationId}`}>{summary}</a>
                </li>
              ))}
            </ul>
          </div>
        ))}
        {[
          ["webhooks", "Webhooks"],
          ["schemas", "Schemas"],
          ["codes", "Problem codes"],
        ].map(([id, text]) => (
          <div>
            <a class="strong" href={`#${id}`}>
              {text}
            </a>
          </div>
        ))}
      </nav>
      <div class="calls">
        <p class="meta">
          The curl lines take the address and the token from the shell: <code>{SETTINGS}</code>
        </p>
        <p class="quiet" id="nothing" role="status" hidden>
          Nothing here has all of these words.
        </p>
        {[...tags].map(([tag, routes]) => (
          <section>
            <h2 id={`tag-${tag}`}>{tag}</h2>
            {routes.map((route) => (
              <Call route={route} />
            ))}
          </section>
        ))}
        <section>
          <h2 id="webhooks">Webhooks</h2>
          {Object.entries(document.webhooks).map(([type, { post }]) => (
            <Webhook type={type} operation={post} />
          ))}
        </section>
        <section>
          <h2 id="schemas">Schemas</h2>
          {Object.entries(document.components.schemas).map(([name, schema]) => (
            <details class="call" data-search={`schema ${name}`.toLowerCase()}>
              <summary>
                <code class="path">{name}</code>
              </summary>
              <div class="call-body" id={`schema-${name}`}>
                {schema.description !== undefined && <p>{schema.description}</p>}
                <SchemaTable schema={schema} />
              </div>
            </details>
          ))}
        </section>
        <section>
          <h2 id="codes">Problem codes</h2>
          <table class="fields">
            <thead>
              <tr>
                <th scope="col">Code</th>
                <th scope="col">Status</th>
                <th scope="col">Meaning</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(CODES).map(([code, [status, meaning]]) => (
                <tr id={`code-${code}`}>
                  <th scope="row">
                    <code>{code}</code>
                  </th>
                  <td>{status}</td>
                  <td>{meaning}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </div>
  );
};

const Tools: FC = () => (
  <div class="band reference-tools" hidden>
    <div class="wide">
      <label>
        Filter
        <input type="search" id="filter" placeholder="deploy, POST, /locks" autocomplete="off" />
      </label>
      <label>
        Token for trying
        <input type="password" id="token" autocomplete="off" spellcheck={false} />
      </label>
      <p class="meta">The token stays in this page's memory, and is gone when you leave it.</p>
    </div>
  </div>
);

/** The same for every reader, and large: written out once per isolate. */
let written: string | null = null;

export function referenceRoute(api: Api): void {
  api.get("/docs", (c) => {
    if (written === null) {
      const page: { toString(): string } = (
        <Reference document={documentOf(api) as unknown as OpenApi} />
      );
      written = page.toString();
    }
    return show(c, {
      title: "API reference · Signalbox",
      reader: readerOf(c),
      style: "reference.css",
      script: "reference.js",
      children: (
        <>
          <Head
            title="API reference"
            under={
              <>
                Made from <a href="/openapi.json">/openapi.json</a>, OpenAPI 3.1.
              </>
            }
          />
          <Tools />
          {raw(written)}
        </>
      ),
    });
  });
}
