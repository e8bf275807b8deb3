import type { FC } from "hono/jsx";

import type { Api } from "../../api/context.ts";
import { Head, show, Told } from "../frame.tsx";
import { Action, Csrf } from "../parts/project.tsx";
import { onForm, textOf } from "../posting.ts";
import { ACCESS_LOGOUT, admit, setTheme, tell, type Visitor } from "../visitor.ts";

export function settingRoutes(api: Api): void {
  api.get("/settings", async (c) => {
    const visitor = await admit(c, "instance");
    const children = <Settings visitor={visitor} />;
    return show(c, {
      title: "Settings · Signalbox",
      reader: visitor,
      visitor,
      at: "settings",
      children,
    });
  });

  onForm(api, "/settings", async (c, _visitor, form) => {
    setTheme(c, textOf(form, "theme") ?? "");
    await tell(c, { ok: true, text: "Kept, for this browser." });
    return c.redirect("/settings", 303);
  });
}

const THEMES = [
  ["", "as the system has it"],
  ["light", "light"],
  ["dark", "dark"],
] as const;

const Settings: FC<{ visitor: Visitor }> = ({ visitor }) => (
  <>
    <Head title="Settings" under="Of this browser and this session." />
    <Told visitor={visitor} />
    <div class="wide plain stack">
      <section aria-labelledby="session">
        <h2 id="session">Session</h2>
        <dl class="facts section">
          <dt>{visitor.access === true ? "Through Access" : "Token"}</dt>
          <dd>
            <code>{visitor.token}</code>
          </dd>
          <dt>It may</dt>
          <dd>
            {visitor.scopes.length === 0
              ? "what the access rules of each project say"
              : visitor.scopes.join(", ")}
          </dd>
          <dt>Where</dt>
          <dd>{visitor.only?.join(", ") ?? "the whole instance"}</dd>
          <dt>Times</dt>
          <dd>
            in {visitor.clock.zone}
            {!visitor.zoned && ", until your browser says its own zone"}
          </dd>
        </dl>
        <div class="section">
          {visitor.access === true ? (
            <a class="button" href={ACCESS_LOGOUT}>
              Sign out
            </a>
          ) : (
            <Action to="/sign-out" visitor={{ ...visitor, may: () => true }}>
              Sign out
            </Action>
          )}
        </div>
      </section>
      <section class="section" aria-labelledby="look">
        <h2 id="look">Look</h2>
        <form class="stack narrow" method="post" action="/settings">
          <Csrf visitor={visitor} />
          <label>
            Colours
            <select name="theme">
              {THEMES.map(([value, text]) => (
                <option value={value} selected={value === (visitor.theme ?? "")}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <p>
            <button class="button" type="submit">
              Keep
            </button>
          </p>
        </form>
      </section>
    </div>
  </>
);
