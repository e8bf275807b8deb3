import { idOf, listOf } from "./answer.ts";
import type { Telling } from "./github.ts";
import { digest, tell, type Memory, type State, type Step, type Told } from "./status.ts";
import { joined } from "../text.ts";

/** The comment on a pull request: one, which is rewritten from deploy to deploy. */

const WORDS: Record<State, string> = {
  pending: "⏳ Waiting",
  running: "⏳ Deploying",
  success: "✅ Deployed",
  failure: "❌ Failed",
  canceled: "⚪ Canceled",
  superseded: "⚪ Superseded",
  skipped: "⚪ Skipped",
};

/** A page of a list; what is full may have a next one. */
const PAGE = 100;
const MAX_PAGES = 20;

/** Only at the start and at the end, and only by the newest deploy of the branch: a comment is a notification. */
export function comment(telling: Telling): Step | null {
  const { event, memory, settings, told } = telling;
  const { deploy, state } = told;
  const moment = event.type === "deploy.started" || !["pending", "running"].includes(state);
  const newest = deploy.number >= (memory.target.number ?? 0);
  if (!settings.comment || deploy.environment !== "preview" || !moment || !newest) {
    return null;
  }
  const { pulls } = memory.run;
  if (pulls === undefined) {
    return findPulls(telling);
  }
  return pulls.map((pull) => commentOn(telling, pull)).find((step) => step !== null) ?? null;
}

function findPulls({ base, memory, told }: Telling): Step {
  return {
    request: {
      method: "GET",
      url: `${base}/commits/${told.commit}/pulls?per_page=${PAGE}`,
      body: null,
    },
    learn: (answer) => {
      const pulls = listOf(answer).flatMap(({ head, number, state }) => {
        const ours = (head as { sha?: unknown } | undefined)?.sha === told.commit;
        return ours && state === "open" && typeof number === "number" ? [number] : [];
      });
      return { ...memory, run: { ...memory.run, pulls } };
    },
  };
}

function commentOn({ base, event, memory, told }: Telling, pull: number): Step | null {
  const id = memory.target.comments?.[pull] ?? null;
  const searched = memory.run.searched?.[pull] ?? 0;
  const pulls = memory.run.pulls?.filter((other) => other !== pull) ?? [];
  // It can't be commented on any more.
  const absent = { ...memory, run: { ...memory.run, pulls } };
  const keep = (comment: number | null): Memory["target"] => ({
    comments: { ...memory.target.comments, [pull]: comment },
  });
  const url = `${base}/issues/${pull}/comments`;
  const body = { body: commentOf(told) };
  const kind = `comment/${pull}`;
  if (id !== null) {
    const request = { method: "PATCH", url: `${base}/issues/comments/${id}`, body } as const;
    return tell(told, event, memory, kind, {
      request,
      content: body,
      absent: { ...memory, target: { ...memory.target, ...keep(null) } },
    });
  }
  if (searched === "all") {
    const request = { method: "POST", url, body } as const;
    return tell(told, event, memory, kind, { request, content: body, absent }, (answer) => ({
      target: keep(idOf(answer)),
    }));
  }
  return {
    request: { method: "GET", url: `${url}?per_page=${PAGE}&page=${searched + 1}`, body: null },
    absent,
    learn: (answer) => {
      const page = listOf(answer);
      const mark = markOf(told);
      const found = idOf(page.find((one) => String(one["body"]).startsWith(mark)));
      const last = page.length < PAGE || searched + 1 >= MAX_PAGES;
      const now = { ...memory.run.searched, [pull]: last ? "all" : searched + 1 } as const;
      return found === null
        ? { ...memory, run: { ...memory.run, searched: now } }
        : { ...memory, target: { ...memory.target, ...keep(found) } };
    },
  };
}

/** What our comment about this target begins with, by which it is found again; GitHub does not show it. */
export function markOf(told: Told): string {
  return `<!-- signalbox ${digest(told.context).slice(0, 24)} -->`;
}

export function commentOf(told: Told): string {
  const { deploy, state } = told;
  const rows = [
    ["Status", state === "success" ? `✅ ${told.sentence}` : WORDS[state]],
    ...(deploy.reason === null ? [] : [["Why", verbatim(deploy.reason, 300)]]),
    ...(told.site === null || state !== "success" ? [] : [["Preview", link(told.site)]]),
    ["Branch", verbatim(deploy.branch, 200)],
    ["Commit", verbatim(told.commit.slice(0, 7), 7)],
    ["Deploy", told.page === null ? number(told) : `[${number(told)}](${escaped(told.page)})`],
  ];
  const table = rows.map(([name, value]) => `| ${name} | ${value} |`);
  const title = `**Signalbox** ${verbatim(deploy.project, 100)}`;
  return [markOf(told), title, "", "| | |", "| --- | --- |", ...table].join("\n");
}

/** Inside a code span nobody is mentioned and nothing is linked: a bare `#414` would be somebody else's issue. */
function number({ deploy }: Told): string {
  return `\`#${deploy.number}\``;
}

/** People's words as they are: in a code span only a backtick has a meaning, and in a table's cell a bar. */
function verbatim(text: string, max: number): string {
  const line = joined(text, max).replaceAll("`", "'").replaceAll("|", "¦");
  return line.trim() === "" ? "–" : `\`${line}\``;
}

function link(url: string): string {
  return `[${new URL(url).host}](${escaped(url)})`;
}

/** What could end a link's address or a table's cell. */
function escaped(url: string): string {
  return url.replace(
    /[^\w:/?=&%.,;+~#-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}
