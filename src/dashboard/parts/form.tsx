import type { FC } from "hono/jsx";

import { SCOPES, type Scope } from "../../security/tokens.ts";
import { Icon } from "./mark.tsx";

/** Why a form was refused, above its fields. It has focus, so that it is heard first. */
export const Wrong: FC<{ text: string | undefined }> = ({ text }) =>
  text === undefined ? null : (
    <p class="told" role="alert" tabindex={-1} autofocus>
      <Icon name="failed" tone="bad" />
      <span>{text}</span>
    </p>
  );

const MEANS: Record<Scope, string> = {
  read: "see everything",
  deploy: "and deploy, which means running code with the project's environment",
  manage: "and change everything",
};

export const ScopeField: FC<{ label: string; chosen?: string | undefined }> = ({
  label,
  chosen,
}) => (
  <label>
    {label}
    <select name="scope">
      {SCOPES.map((scope) => (
        <option value={scope} selected={scope === chosen}>
          {scope}: {MEANS[scope]}
        </option>
      ))}
    </select>
  </label>
);

/** A field of one line, with what was written in it before. */
export const TextField: FC<{
  label: string;
  name: string;
  value?: string | undefined;
  max: number;
  required?: boolean;
  placeholder?: string;
  spelled?: boolean;
}> = ({ label, name, value, max, required = false, placeholder, spelled = false }) => (
  <label>
    {label}
    <input
      type="text"
      name={name}
      value={value}
      maxlength={max}
      required={required}
      placeholder={placeholder}
      spellcheck={spelled}
    />
  </label>
);

/** What is written here is never shown again, not even to be mended. */
export const SecretField: FC<{ label: string; name: string; required?: boolean }> = ({
  label,
  name,
  required = false,
}) => (
  <label>
    {label}
    <input type="password" name={name} maxlength={512} required={required} autocomplete="off" />
  </label>
);
