import * as errors from "./errors.ts";
import { FAULT_CALLS, FAULT_KINDS, STAGES } from "./types.ts";
import { count, sortable } from "./world.ts";
import type { ApiError } from "./errors.ts";
import type { Shape } from "./create.ts";
import type { Twist } from "./plan.ts";
import type { World } from "./world.ts";
import type { Call, Fault, FaultKind } from "./types.ts";

/** Faults that act on the deployment a call makes, and so strike only calls that make one. */
const SHAPING = ["stuck", "unknown_enum", "fail_build"];

export function addFault(world: World, fault: Fault): void {
  const problem = faultProblem(fault);
  if (problem) {
    throw errors.badRequest(problem);
  }
  world.store.put("faults", sortable(count(world, "faults")), fault);
}

export function listFaults(world: World): Fault[] {
  return world.store.list("faults").map(([, fault]) => fault as Fault);
}

export function clearFaults(world: World): void {
  for (const [key] of world.store.list("faults")) {
    world.store.delete("faults", key);
  }
}

/** The first waiting fault for a call that changes how it is answered; counts as struck. */
export function takeAnswerFault(world: World, call: Call, project: string | null): Fault | null {
  return take(world, call, project, (fault) => !SHAPING.includes(fault.kind));
}

/** What happens to the deployment a call is about to make; `answer` is the fault that already struck the call. */
export function shapeOf(world: World, call: Call, project: string, answer: Fault | null): Shape {
  const late = answer?.kind === "late" ? answer : null;
  return {
    twist: takeTwist(world, call, project),
    hiddenFor: late?.delay_ms ?? 0,
    startsVisible: late?.starts === "visible",
  };
}

function takeTwist(world: World, call: Call, project: string): Twist {
  const fault = take(world, call, project, ({ kind }) => SHAPING.includes(kind));
  switch (fault?.kind) {
    case "stuck":
      return { stuck: fault.stage ?? "build" };
    case "unknown_enum":
      return { unknown: fault.delay_ms ?? 1000 };
    case "fail_build":
      return { fails: fault.stage ?? "build" };
    default:
      return {};
  }
}

/** The error a fault answers with, for the kinds that do. */
export function faultError(fault: FaultKind): ApiError | null {
  switch (fault.kind) {
    case "server_error":
      return errors.serverError(fault.status);
    case "unknown_error":
      return errors.unknownError(fault.status);
    case "unauthorized":
      return errors.unauthenticated(fault.status ?? 403);
    default:
      return null;
  }
}

function take(
  world: World,
  call: Call,
  project: string | null,
  matches: (fault: Fault) => boolean,
): Fault | null {
  for (const [key, value] of world.store.list("faults")) {
    const fault = value as Fault;
    if (
      (fault.call === call || fault.call === "any") &&
      (fault.project === undefined || fault.project === project) &&
      matches(fault)
    ) {
      if (fault.times !== "always") {
        const left = (fault.times ?? 1) - 1;
        if (left > 0) {
          world.store.put("faults", key, { ...fault, times: left });
        } else {
          world.store.delete("faults", key);
        }
      }
      return fault;
    }
  }
  return null;
}

function faultProblem(fault: Fault): string | null {
  if (fault.call !== "any" && !FAULT_CALLS.includes(fault.call)) {
    return `Unknown call "${fault.call as string}". Use one of: any, ${FAULT_CALLS.join(", ")}.`;
  }
  if (!FAULT_KINDS.includes(fault.kind)) {
    return `Unknown kind "${fault.kind as string}". Use one of: ${FAULT_KINDS.join(", ")}.`;
  }
  if (SHAPING.includes(fault.kind) && !["create", "retry", "any"].includes(fault.call)) {
    return `A "${fault.kind}" acts on the deployment a call makes: use it with create or retry.`;
  }
  if ("stage" in fault && fault.stage !== undefined && !STAGES.includes(fault.stage)) {
    return `Unknown stage "${fault.stage as string}". Use one of: ${STAGES.join(", ")}.`;
  }
  for (const field of ["retry_after", "status", "delay_ms"]) {
    const value = (fault as unknown as Record<string, unknown>)[field];
    if (value !== undefined && !(Number.isFinite(value) && Number(value) >= 0)) {
      return `${field} must be a number from 0.`;
    }
  }
  if (fault.kind === "late" && fault.delay_ms === undefined) {
    return 'A "late" needs delay_ms.';
  }
  if (fault.times !== undefined && fault.times !== "always" && !(fault.times >= 1)) {
    return 'times is a whole number from 1, or "always".';
  }
  return null;
}
