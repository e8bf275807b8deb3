import { cut, digest, type State, type Told } from "./status.ts";

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
  const line = cut(text, max).replaceAll("`", "'").replaceAll("|", "¦");
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
