/** Everything that an object stores, a line for each row. */
export function dump({ storage }: DurableObjectState): string[] {
  const tables = storage.sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    )
    .toArray();
  return tables.flatMap(({ name }) =>
    storage.sql
      .exec(`SELECT * FROM "${name}"`)
      .toArray()
      .map((row) => `${name} ${JSON.stringify(row)}`),
  );
}
