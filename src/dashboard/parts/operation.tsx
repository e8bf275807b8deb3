import type { FC } from "hono/jsx";

import {
  codesOf,
  curlOf,
  isRefusal,
  rowOf,
  scopeOf,
  type Answer,
  type Content,
  type Operation,
  type Route,
} from "../model/reference.ts";
import { Fields, Prose, SchemaTable } from "./schema.tsx";

const indented = (value: unknown): string => JSON.stringify(value, null, 2);

export const Call: FC<{ route: Route }> = ({ route }) => {
  const { method, path, summary, description, operationId, parameters = [], requestBody } = route;
  const scope = scopeOf(route);
  const curl = curlOf(route);
  return (
    <details class="call" data-search={`${method} ${path} ${summary} ${operationId}`.toLowerCase()}>
      <summary>
        <span class="verb">{method}</span> <code class="path">{path}</code> <span>{summary}</span>
      </summary>
      <div class="call-body" id={operationId}>
        {description !== undefined && <Prose text={description} />}
        <p class="meta">
          {scope === null ? "Needs no token." : `Needs the scope ${scope}.`}{" "}
          <a href={`#${operationId}`}>Link to this</a>
        </p>
        <div class="try" data-try={operationId} hidden>
          <button class="button" type="button">
            Try it
          </button>
        </div>
        {parameters.length > 0 && (
          <>
            <h4>Parameters</h4>
            <Fields
              of="Name"
              rows={parameters.map((each) => {
                const row = rowOf(each.name, each.schema, each.required === true);
                return { ...row, type: [`${each.in}: `, ...row.type] };
              })}
            />
          </>
        )}
        {requestBody !== undefined && (
          <>
            <h4>Body{requestBody.required === true ? "" : ", may be left out"}</h4>
            <Bodies content={requestBody.content} />
          </>
        )}
        <h4>With curl</h4>
        <div class="copy">
          <pre class="value">{curl}</pre>
          <button class="button" type="button" data-copy={curl} hidden>
            Copy
          </button>
        </div>
        <h4>Answers</h4>
        <Answers responses={route.responses} />
      </div>
    </details>
  );
};

const Bodies: FC<{ content: Content }> = ({ content }) => (
  <>
    {Object.entries(content).map(([type, { schema, example }]) => (
      <div>
        <p>
          <code>{type}</code>
        </p>
        {schema !== undefined && <SchemaTable schema={schema} />}
        {example !== undefined && (
          <>
            <p class="meta">Example</p>
            <pre class="sample">{indented(example)}</pre>
          </>
        )}
      </div>
    ))}
  </>
);

const Answers: FC<{ responses: Operation["responses"] }> = ({ responses }) => {
  const all: readonly [string, Answer][] = Object.entries(responses);
  const refusals = all.filter(([, answer]) => isRefusal(answer));
  return (
    <>
      {all
        .filter(([, answer]) => !isRefusal(answer))
        .map(([status, { description, headers = {}, content = {} }]) => (
          <div class="answer">
            <p>
              <strong>{status}</strong> {description}
            </p>
            {Object.keys(headers).length > 0 && (
              <p class="meta">Headers: {Object.keys(headers).join(", ")}</p>
            )}
            <Bodies content={content} />
          </div>
        ))}
      {refusals.length > 0 && (
        <table class="fields">
          <thead>
            <tr>
              <th scope="col">Refusal</th>
              <th scope="col">
                Codes of the <a href="#schema-Problem">Problem</a>
              </th>
            </tr>
          </thead>
          <tbody>
            {refusals.map(([status, answer]) => (
              <tr>
                <th scope="row">{status}</th>
                <td>
                  {codesOf(answer).map(([code], n) => (
                    <>
                      {n > 0 && ", "}
                      <a href={`#code-${code}`}>
                        <code>{code}</code>
                      </a>
                    </>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
};

export const Webhook: FC<{ type: string; operation: Operation }> = ({ type, operation }) => {
  const { summary, description = "", parameters = [], requestBody } = operation;
  return (
    <details class="call" data-search={`webhook ${type} ${summary}`.toLowerCase()}>
      <summary>
        <span class="verb">event</span> <code class="path">{type}</code>
      </summary>
      <div class="call-body" id={`webhook-${type}`}>
        <Prose text={description} />
        <p class="meta">Headers: {parameters.map(({ name }) => name).join(", ")}</p>
        {requestBody !== undefined && <Bodies content={requestBody.content} />}
      </div>
    </details>
  );
};
