import { findSource } from "../../../src/hooks/sources/index.ts";
import { chooseMode } from "../../../src/hooks/sources/modes.ts";
import type { Mode, Source } from "../../../src/hooks/sources/source.ts";
import type { Scheme } from "../../../src/hooks/verify/scheme.ts";
import { bodyOf, type Fixture } from "../../support/fixture.ts";
import { fixtures } from "../../support/fixtures.ts";
import { everySender, type Sender } from "../../support/senders/index.ts";

/** One sender, and what a test needs to speak for it. */
export interface Row {
  readonly name: string;
  readonly sender: Sender;
  readonly source: Source;
  readonly scheme: Scheme;
  readonly mode: Mode;
  /** A delivery of which something comes. */
  readonly fixture: Fixture;
  readonly body: string;
  /** The status it gets. */
  readonly accepted: number;
  /** What its hook has to be made with. */
  readonly fields: object;
}

/** Every sender: the table that each test of the hook door goes through. */
export const rows = everySender.map(([name, sender]): Row => {
  const source = findSource(sender.source) as Source;
  const fixture = tellingFixture(source.name);
  const chosen = chooseMode(source, sender.auth ?? {});
  if (!chosen.ok) {
    throw new Error(chosen.error.detail);
  }
  return {
    name,
    sender,
    source,
    ...chosen.value,
    fixture,
    body: bodyOf(fixture),
    accepted: "look" in fixture.expect ? 200 : (source.status ?? 202),
    fields: source.takesFields ? { fields: fixture.fields } : {},
  };
});

/** The first of a source's fixtures of which something comes. */
export function tellingFixture(source: string): Fixture {
  const found = fixtures.find(({ folder, fixture: { expect: wanted, handshake } }) => {
    const chosen = "triggers" in wanted && wanted.chosen && handshake === null;
    return folder === source && (chosen || "look" in wanted);
  });
  if (found === undefined) {
    throw new Error(`There is no fixture of ${source} of which anything comes.`);
  }
  return found.fixture;
}

export function fixtureNamed(source: string, name: string): Fixture {
  const found = fixtures.find((f) => f.folder === source && f.name === name);
  if (found === undefined) {
    throw new Error(`There is no fixture ${name} of ${source}.`);
  }
  return found.fixture;
}
