import type { FC } from "hono/jsx";

import type { Visitor } from "../visitor.ts";
import { Csrf } from "./project.tsx";

const LENGTHS = [
  ["", "somebody unlocks it"],
  ["1", "in an hour"],
  ["4", "in 4 hours"],
  ["24", "in a day"],
  ["72", "in 3 days"],
] as const;

export const LockForm: FC<{ to: string; visitor: Visitor; focus: boolean }> = ({
  to,
  visitor,
  focus,
}) => (
  <form class="stack" method="post" action={to} data-question="Lock what?">
    <Csrf visitor={visitor} />
    <label>
      Reason, shown to everyone whose deploy waits
      <input type="text" name="reason" required maxlength={200} autofocus={focus} />
    </label>
    <label>
      Held by
      <input type="text" name="holder" maxlength={100} placeholder="Your name" />
    </label>
    <label>
      What
      <select name="environment">
        <option value="production">Production</option>
        <option value="preview">Previews</option>
        <option value="">Everything</option>
      </select>
    </label>
    <label>
      It ends when
      <select name="hours">
        {LENGTHS.map(([value, text]) => (
          <option value={value}>{text}</option>
        ))}
      </select>
    </label>
    <p>
      <button class="button primary" type="submit">
        Lock
      </button>
    </p>
  </form>
);

export const WindowForm: FC<{ to: string; visitor: Visitor }> = ({ to, visitor }) => (
  <details class="more-form">
    <summary>Add a window</summary>
    <form class="stack narrow" method="post" action={to}>
      <Csrf visitor={visitor} />
      <label>
        In it
        <select name="action">
          <option value="deny">no deploys may start</option>
          <option value="allow">deploys may start, and only then</option>
        </select>
      </label>
      <label>
        Of
        <select name="environment">
          <option value="">production and previews</option>
          <option value="production">production</option>
          <option value="preview">previews</option>
        </select>
      </label>
      <label>
        Begins, as a cron expression
        <input
          type="text"
          name="cron"
          required
          placeholder="0 18 * * 1-5"
          maxlength={128}
          spellcheck={false}
        />
      </label>
      <label>
        Hours
        <input type="number" name="hours" required min={0.25} max={168} step={0.25} value="8" />
      </label>
      <label>
        Time zone
        <input
          type="text"
          name="time_zone"
          value={visitor.clock.zone}
          maxlength={64}
          spellcheck={false}
        />
      </label>
      <label>
        Reason
        <input type="text" name="reason" maxlength={200} />
      </label>
      <p>
        <button class="button" type="submit">
          Add
        </button>
      </p>
    </form>
  </details>
);
