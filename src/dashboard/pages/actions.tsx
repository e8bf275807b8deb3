import { askProject, type Api } from "../../api/context.ts";
import { Problem } from "../../problem.ts";
import type { Accepted, Deploy } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import { Head, show, Told } from "../frame.tsx";
import { isAsked, questionOf } from "../model/confirm.ts";
import { called } from "../model/now.ts";
import { firstLine } from "../model/text.ts";
import { moment } from "../model/time.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Ask } from "../parts/project.tsx";
import { Say } from "../parts/say.tsx";
import { follow, onForm, textOf } from "../posting.ts";
import { admit } from "../visitor.ts";
import { readStory } from "./deploy.tsx";
import { notHere } from "./project.tsx";

/** What people do to deploys. Whatever others feel is asked about first. */
export function actionRoutes(api: Api, ask: Asking): void {
  onForm(api, "/projects/:project/deploy", async (c, visitor, form) => {
    const path = `/projects/${c.req.param("project")}`;
    const once = textOf(form, "once");
    const headers = once === undefined ? {} : { "idempotency-key": once };
    const reply = await ask<Accepted>(c, visitor, "POST", "/deploys", {}, headers);
    const done = ({ deploy, reason }: Accepted): string =>
      `${deploy === null ? "Taken" : `#${deploy.number} is in line`}. ${reason ?? ""}`.trim();
    return follow(c, reply, { done, not: "Not deployed" }, path);
  });

  onForm(api, "/projects/:project/deploys/:number/retry", async (c, visitor) => {
    const { deploy } = await readStory(c);
    const path = `/projects/${deploy.project}/deploys`;
    const reply = await ask<Accepted>(c, visitor, "POST", `/deploys/${deploy.id}/retry`);
    const words = {
      done: `This is the retry of #${deploy.number}.`,
      not: `#${deploy.number} was not tried again`,
    };
    const to = ({ deploy: made }: Accepted): string => `${path}/${made?.number ?? deploy.number}`;
    return follow(c, reply, words, to, `${path}/${deploy.number}`);
  });

  api.get("/projects/:project/deploys/:number/:action", async (c) => {
    const visitor = await admit(c, "project");
    const action = c.req.param("action");
    if (!isAsked(action)) {
      throw new Problem("not_found", "There is nothing at this address.");
    }
    const story = await readStory(c);
    const question = questionOf(action, story);
    const path = `/projects/${story.deploy.project}/deploys/${story.deploy.number}`;
    return show(c, {
      title: `${question.title} · ${story.deploy.project}`,
      reader: visitor,
      visitor,
      at: "projects",
      children: (
        <>
          <Head
            crumbs={[
              ["/", "Projects"],
              [`/projects/${story.deploy.project}`, story.deploy.project],
              [path, `#${story.deploy.number}`],
            ]}
            title={question.title}
          />
          <section class="wide plain">
            <Confirm of={question} to={`${path}/${action}`} back={path} visitor={visitor} />
          </section>
        </>
      ),
    });
  });

  onForm(api, "/projects/:project/deploys/:number/:action", async (c, visitor, form) => {
    const action = c.req.param("action") ?? "";
    if (!isAsked(action)) {
      throw new Problem("not_found", "There is nothing at this address.");
    }
    const story = await readStory(c);
    const { deploy } = story;
    const { done, not, reason: takes } = questionOf(action, story);
    const reason = textOf(form, "reason");
    const body = takes === "none" ? undefined : { ...(reason !== undefined && { reason }) };
    const reply = await ask<Deploy | Accepted>(
      c,
      visitor,
      "POST",
      `/deploys/${deploy.id}/${action}`,
      body,
    );
    return follow(c, reply, { done, not }, `/projects/${deploy.project}`);
  });

  api.get("/projects/:project/rollback", async (c) => {
    const visitor = await admit(c, "project");
    const history = await askProject(c, (p) =>
      p.history({
        limit: 15,
        before: null,
        branch: null,
        environment: "production",
        status: "succeeded",
      }),
    );
    if (history === null) {
      throw notHere();
    }
    const { project } = history;
    const path = `/projects/${project.project}`;
    const live = project.live?.deployment?.id;
    const candidates = history.deploys.filter(
      ({ deployment, kind }) =>
        deployment !== null && deployment.id !== live && kind !== "rollback",
    );
    return show(c, {
      title: `Roll back · ${project.project}`,
      reader: visitor,
      visitor,
      at: "projects",
      children: (
        <>
          <Head
            crumbs={[
              ["/", "Projects"],
              [path, project.project],
            ]}
            title="Roll back to what?"
            under="Versions that were live before, newest first."
          />
          <Told visitor={visitor} />
          <section class="wide plain" data-question="Roll back to what?">
            {candidates.length === 0 && (
              <p>No other version has been live through Signalbox yet.</p>
            )}
            <ul class="list">
              {candidates.map((deploy) => (
                <li>
                  <span>
                    <a href={`${path}/deploys/${deploy.number}`}>#{deploy.number}</a>{" "}
                    <Say it={[called(deploy)]} />{" "}
                    <bdi>{firstLine(deploy.commit_message) ?? "No message"}</bdi>{" "}
                    <span class="meta">
                      {moment(Date.parse(deploy.ended_at ?? deploy.created_at), visitor.clock)}
                    </span>
                  </span>
                  <Ask to={`${path}/deploys/${deploy.number}/rollback`} visitor={visitor}>
                    Roll back to #{deploy.number}…
                  </Ask>
                </li>
              ))}
            </ul>
          </section>
        </>
      ),
    });
  });
}
