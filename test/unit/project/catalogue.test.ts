import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, expectTypeOf, it } from "vitest";

import { Api } from "../../../src/api/route.ts";
import { documentRoute } from "../../../src/api/document.ts";
import { eventRoutes } from "../../../src/api/events.ts";
import { CATALOGUE, type EventData } from "../../../src/project/catalogue.ts";
import type { Context } from "../../../src/project/context.ts";
import { emitDeploy } from "../../../src/project/deploys.ts";
import { emit } from "../../../src/project/events.ts";
import { exampleEvent, exampleOf } from "../../../src/project/examples.ts";
import type { DeployRow } from "../../../src/project/rows.ts";
import { type Deploy, type Event, EventType } from "../../../src/project/shapes.ts";
import type { Event as Told, EventData as ToldData } from "../../../docs/examples/events.ts";

describe("the catalogue of events", () => {
  it.each(EventType.options)("%s has an example that is as it says, and a description", (type) => {
    const { data, description } = CATALOGUE[type];
    expect(data.parse(exampleOf(type))).toEqual(exampleOf(type));
    expect(description).toMatch(/^[A-Z].*\.$/);
  });

  it("lets nothing else be emitted", () => {
    const context = {} as Context;
    const row = {} as DeployRow;
    const deploy = {} as Deploy;
    expectTypeOf(emit<"deploy.failed">)
      .parameter(2)
      .toEqualTypeOf<{ deploy: Deploy }>();
    const calls = [
      // @ts-expect-error -- a field is missing
      (): void => emit(context, "deploy.stage", { deploy }),
      // @ts-expect-error -- a field is of another type
      (): void => emit(context, "project.quarantined", { key: "deploy/dpl_1", strikes: "8" }),
      // @ts-expect-error -- there is no such field
      (): void => emit(context, "subscriber.recovered", { ...exampleOf("test.ping"), url: "" }),
      // @ts-expect-error -- a stage is missing
      (): void => emitDeploy(context, "deploy.stage", row),
      // @ts-expect-error -- of no deploy
      (): void => emitDeploy(context, "test.ping", row, {}),
      (): void => emitDeploy(context, "deploy.failed", row),
    ];
    expect(calls.length).toBe(6);
  });

  it("gives the data of an event by its type", () => {
    const event = exampleEvent("deploy.stage");
    expect(event.type === "deploy.stage" && event.data.stage.name).toBe("build");
    expectTypeOf<EventData<"deploy.stage">["stage"]["status"]>().toEqualTypeOf<string>();
  });

  it("is what the types for receivers say", () => {
    type Policy = { "project.policy_changed": { policy: object } };
    expectTypeOf<ToldData>().toEqualTypeOf<{
      [T in EventType]: T extends keyof Policy ? Policy[T] : EventData<T>;
    }>();
    expectTypeOf<Event>().toExtend<Told>();
    expectTypeOf<keyof Told>().toEqualTypeOf<keyof Event>();
  });
});

describe("the JSON Schema of events", () => {
  it("takes every event, and none that is not as the catalogue says", async () => {
    const api = new Api();
    eventRoutes(api);
    documentRoute(api);
    const served = await api.request("/events.schema.json");
    expect(served.status).toBe(200);
    const schema = await served.json<{ $schema: string; $defs: Record<string, unknown> }>();
    expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
    const refused = EventType.options.filter((type) => !validate(exampleEvent(type)));
    expect(refused).toEqual([]);
    const { type, ...untyped } = exampleEvent("deploy.stage");
    const wrong = [
      untyped,
      { ...untyped, type: "deploy.new" },
      { ...untyped, type, data: { deploy: exampleOf("deploy.failed").deploy } },
      { ...untyped, type, sequence: "97" },
    ];
    expect(wrong.filter((event) => validate(event))).toEqual([]);
    // The compiler of so large a schema takes its time on a busy machine.
  }, 30_000);
});
