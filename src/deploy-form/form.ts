import { createHash } from "node:crypto";
import { GrowingBuffer } from "./buffer.ts";
import { contentHash, type FormPart } from "./hash.ts";
import { type Manifest, readJsonObject, readManifest } from "./manifest.ts";
import type { PartSink } from "./multipart.ts";
import type { PartHead } from "./part-head.ts";
import { inUnits, quoted, refuse } from "./problem.ts";
import { type DeployFields, readTextField, RUN_FIELD, TEXT_BYTES, tooLong } from "./text.ts";

/** What a Create deployment form said. Files are known by size and hash only. */
export interface DeployForm {
  /** Of the whole body. */
  readonly bytes: number;
  readonly boundary: string;
  readonly parts: readonly FormPart[];
  readonly fields: DeployFields;
  /** Null: this asks for a build of a git project, not for a direct upload. */
  readonly manifest: Manifest | null;
  /** Hex; equal for equal content, whatever the boundary and the order of the parts. */
  readonly content_hash: string;
}

export interface FormLimits {
  /** Of the whole body. The platform takes no more than this on most plans. */
  readonly bytes: number;
  readonly parts: number;
  /** Of any part, `_worker.bundle` among them: Cloudflare takes 25 MiB. */
  readonly part_bytes: number;
  /** Of the manifest, which is held in memory; likewise, each, of the two JSON files. */
  readonly manifest_bytes: number;
  readonly json_bytes: number;
  readonly manifest_entries: number;
  /** How long the rest of a refused body is still taken, so that its sender gets to see the answer. */
  readonly drain_ms: number;
}

const MIB = 1_048_576;

export const FORM_LIMITS: FormLimits = {
  bytes: 100 * MIB,
  parts: 64,
  part_bytes: 25 * MIB,
  manifest_bytes: 8 * MIB,
  json_bytes: 4 * MIB,
  manifest_entries: 20_000,
  drain_ms: 10_000,
};

const JSON_FILES = new Set(["_routes.json", "functions-filepath-routing-config.json"]);

/** Every field of Create deployment. Others are passed on as they are: Cloudflare adds some. */
const KNOWN = new Set([
  ...Object.keys(TEXT_BYTES),
  ...JSON_FILES,
  "manifest",
  "_headers",
  "_redirects",
  "_worker.js",
  "_worker.bundle",
]);

/** How one part is treated: its size limit, and what reads its content, if that is kept at all. */
interface Rule {
  readonly limit: number;
  exceeded(): never;
  read?(content: Uint8Array): void;
}

export interface FormCollector {
  /** Begins a part. Its name alone says what it is: with or without a filename, a field is the same field. */
  open(head: PartHead, at: number): PartSink;
  /** After the last part. */
  finish(bytes: number, boundary: string): DeployForm;
}

/** Gathers what a form says, part by part, and throws `FormRefused` at the first broken rule. */
export function formCollector(limits: Omit<FormLimits, "bytes" | "drain_ms">): FormCollector {
  const parts: FormPart[] = [];
  const known = new Set<string>();
  const fields: DeployFields = {};
  let manifest: Manifest | null = null;
  let opened = 0;

  function ruleOf(name: string): Rule {
    if (isTextField(name)) {
      return {
        limit: TEXT_BYTES[name],
        exceeded: () => tooLong(name),
        read: (content) => readTextField(name, content, fields),
      };
    }
    const atMost = (limit: number) => ({ limit, exceeded: () => partTooLarge(name, limit) });
    if (name === "manifest") {
      const read = (content: Uint8Array) => {
        manifest = readManifest(content, limits.manifest_entries);
      };
      return { ...atMost(limits.manifest_bytes), read };
    }
    if (JSON_FILES.has(name)) {
      const read = (content: Uint8Array) => void readJsonObject(name, content);
      return { ...atMost(limits.json_bytes), read };
    }
    return atMost(limits.part_bytes);
  }

  function admit(name: string): void {
    if (known.has(name)) {
      refuse("field_repeated", `${name} is in the form twice. Send it once.`, name);
    }
    known.add(name);
    if (known.has("_worker.js") && known.has("_worker.bundle")) {
      refuse(
        "worker_conflict",
        "The form has both _worker.js and _worker.bundle. Send one of them.",
        name,
      );
    }
  }

  return {
    open(head, at) {
      opened += 1;
      if (opened > limits.parts) {
        refuse("too_many_parts", `The form has more than ${limits.parts} parts. Send fewer.`);
      }
      if (KNOWN.has(head.name)) {
        admit(head.name);
      }
      const rule = ruleOf(head.name);
      const content = rule.read === undefined ? null : new GrowingBuffer();
      const hash = createHash("sha256");
      let size = 0;
      return {
        write(chunk) {
          size += chunk.length;
          if (size > rule.limit) {
            rule.exceeded();
          }
          hash.update(chunk);
          content?.append(chunk);
        },
        end() {
          parts.push({ ...head, at, size, sha256: hash.digest("hex") });
          if (content !== null) {
            rule.read?.(content.bytes());
          }
        },
      };
    },
    finish(bytes, boundary) {
      const sent = parts.filter(({ name }) => name !== RUN_FIELD);
      return { bytes, boundary, parts, fields, manifest, content_hash: contentHash(sent) };
    },
  };
}

function isTextField(name: string): name is keyof DeployFields {
  return Object.hasOwn(TEXT_BYTES, name);
}

function partTooLarge(name: string, limit: number): never {
  return refuse(
    "part_too_large",
    `The part ${quoted(name)} is larger than ${inUnits(limit)}, the most it may have. Make it smaller.`,
    name,
  );
}
