import { expect } from "vitest";

import { Issuer } from "../support/issuer.ts";
import { Edge, expectProblem, ORIGIN, type Got } from "./edge.ts";

export const RULE = { issuer: "github", repository_id: "4711", scope: "deploy" };

/** A project, GitHub beside it, and what a job of GitHub Actions asks for. */
export class Jobs {
  readonly edge: Edge;
  readonly github: Issuer;

  private constructor(edge: Edge, github: Issuer) {
    this.edge = edge;
    this.github = github;
  }

  static async create(): Promise<Jobs> {
    const edge = await Edge.create();
    return new Jobs(edge, await Issuer.in(edge.world, "github", ORIGIN));
  }

  /** Has the project trust the jobs of the repository; gives the rule's id. */
  async trust(more: object = {}): Promise<string> {
    const made = await this.edge.on("POST", "/trust", { json: { ...RULE, ...more } });
    expect(made.status).toBe(201);
    return (made.body as { id: string }).id;
  }

  deploy(token: string): Promise<Got> {
    return this.edge.on("POST", "/deploys", { token, json: { branch: "main" } });
  }

  /** With everything that a refusal must leave as it was. */
  async refused(token: string, status: number, code: string): Promise<Got> {
    const before = await this.edge.trace();
    const got = await this.deploy(token);
    expectProblem(got, status, code);
    expect(await this.edge.trace()).toEqual(before);
    return got;
  }
}
