import type { FC } from "hono/jsx";

import { rowsOf, typeOf, type Bit, type Row, type Schema } from "../model/reference.ts";

/** Paragraphs of the document, with what is between backticks as code. */
export const Prose: FC<{ text: string }> = ({ text }) => (
  <>
    {text.split("\n\n").map((paragraph) => (
      <p>
        <Coded text={paragraph} />
      </p>
    ))}
  </>
);

const Coded: FC<{ text: string }> = ({ text }) => (
  <>{text.split("`").map((part, n) => (n % 2 === 1 ? <code>{part}</code> : part))}</>
);

const Type: FC<{ type: readonly Bit[] }> = ({ type }) => (
  <>
    {type.map((bit) =>
      typeof bit === "string" ? bit : <a href={`#schema-${bit.name}`}>{bit.name}</a>,
    )}
  </>
);

/** What each field is called, may be and means. */
export const Fields: FC<{ rows: readonly Row[]; of: string }> = ({ rows, of }) => (
  <table class="fields">
    <thead>
      <tr>
        <th scope="col">{of}</th>
        <th scope="col">Type</th>
        <th scope="col">Meaning</th>
      </tr>
    </thead>
    <tbody>
      {rows.map(({ name, type, required, description, values, limits }) => (
        <tr>
          <th scope="row">
            <code>{name}</code>
            {required && <span class="must">required</span>}
          </th>
          <td class="quiet">
            <Type type={type} />
          </td>
          <td>
            {description !== "" && <Prose text={description} />}
            {values.length > 0 && (
              <p>
                {"One of "}
                {values.map((value, n) => (
                  <>
                    {n > 0 && ", "}
                    <code>{value}</code>
                  </>
                ))}
                .
              </p>
            )}
            {limits.length > 0 && (
              <p class="meta">
                <Coded text={limits.join("; ")} />
              </p>
            )}
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);

export const SchemaTable: FC<{ schema: Schema }> = ({ schema }) => {
  const rows = rowsOf(schema);
  return (
    <>
      <p class="quiet">
        <Type type={typeOf(schema)} />
      </p>
      {rows.length > 0 && <Fields rows={rows} of="Field" />}
    </>
  );
};
