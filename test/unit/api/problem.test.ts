import { describe, expect, it } from "vitest";

import { formProblem, type FormProblemCode } from "../../../src/deploy-form/problem.ts";
import { agreed, CODES, type Problem } from "../../../src/problem.ts";
import { err, ok } from "../../../src/result.ts";

describe("the list of codes", () => {
  it("gives a form's problems the status that the form's reader gives them", () => {
    const codes = Object.keys(CODES).filter(
      (code) => formProblem(code as FormProblemCode, "").status !== undefined,
    );
    expect(codes.length).toBeGreaterThan(15);
    const theirs = codes.map((code) => [code, formProblem(code as FormProblemCode, "").status]);
    const ours = codes.map((code) => [code, CODES[code as keyof typeof CODES][0]]);
    expect(ours).toEqual(theirs);
  });

  it("says what each means in a sentence", () => {
    for (const [code, [status, meaning]] of Object.entries(CODES)) {
      expect(code).toMatch(/^[a-z_]+$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
    }
  });
});

describe("what a project refuses", () => {
  it("is a problem of the same code, with a time where asking again helps", () => {
    const refuse = (code: Parameters<typeof refusal>[0]): Problem => {
      try {
        return agreed(err(refusal(code)));
      } catch (error) {
        return error as Problem;
      }
    };
    expect(refuse("conflict")).toMatchObject({ status: 409, code: "conflict", message: "why" });
    expect(refuse("not_found")).toMatchObject({ status: 404, code: "not_found" });
    expect(refuse("body_expired")).toMatchObject({ status: 410, code: "body_expired" });
    for (const code of ["too_many_uploads", "too_much_waiting", "stale_revision"] as const) {
      expect(refuse(code).extras.headers?.["retry-after"]).toMatch(/^\d+$/);
    }
    expect(agreed(ok(1))).toBe(1);
  });
});

function refusal<
  Code extends
    | "conflict"
    | "not_found"
    | "body_expired"
    | "too_many_uploads"
    | "too_much_waiting"
    | "stale_revision",
>(code: Code): { code: Code; detail: string } {
  return { code, detail: "why" };
}
