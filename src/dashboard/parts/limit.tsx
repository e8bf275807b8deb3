import type { FC } from "hono/jsx";

import { CONFIGURED_OWNER } from "../../instance/accounts.ts";
import { CAPACITY } from "../../instance/budget.ts";
import { visible } from "../model/text.ts";
import type { Clock } from "../model/time.ts";
import type { Visitor } from "../visitor.ts";
import { Wrong } from "./form.tsx";
import { Icon } from "./mark.tsx";
import { Csrf } from "./project.tsx";
import { Time } from "./say.tsx";

export interface OwnersBudget {
  readonly owner: string;
  readonly level: number;
  readonly blocked_until: string | null;
  readonly left: { readonly calls: number; readonly until: string } | null;
}

interface Build {
  readonly project: string;
  readonly deploy_id: string;
  readonly since: string;
}
export interface Builds {
  readonly max_builds: number | null;
  readonly running: readonly Build[];
  readonly waiting: readonly Build[];
}

/** How many calls each credential's owner has left, in words and as a meter. */
export const CallBudgets: FC<{ of: readonly OwnersBudget[]; clock: Clock }> = ({ of, clock }) => (
  <section class="section" aria-labelledby="calls">
    <h2 id="calls">Cloudflare's limit</h2>
    <p class="second">
      Cloudflare lets a user make 1,200 calls in five minutes, with all tokens together. Signalbox
      stays below that for each owner of a credential.
    </p>
    <dl class="facts section">
      {of.map(({ owner, level, blocked_until: until, left }) => (
        <>
          <dt>
            {owner === CONFIGURED_OWNER ? "The configured user" : <bdi>{visible(owner)}</bdi>}
          </dt>
          <dd>
            {until === null ? (
              <>
                Room for {Math.floor(level)} of {CAPACITY} calls at once.
                {left !== null && (
                  <>
                    {" "}
                    Cloudflare leaves {left.calls} to everybody until{" "}
                    <Time at={left.until} clock={clock} seconds />.
                  </>
                )}
              </>
            ) : (
              <span class="reason">
                <Icon name="gauge" tone="wait" />
                <span>
                  No calls until <Time at={until} clock={clock} seconds />: Cloudflare answered 429.
                </span>
              </span>
            )}
            <Meter share={until === null ? level / CAPACITY : 0} />
          </dd>
        </>
      ))}
    </dl>
  </section>
);

/** The words say the same. */
const Meter: FC<{ share: number }> = ({ share }) => (
  <svg class="span" width="100%" height="20" aria-hidden="true" focusable="false">
    <rect class="hope" x="0.5" y="4.5" width="99.8%" height="11" />
    <rect class="seg build" x="0" y="6" width={`${(share * 100).toFixed(2)}%`} height="8" />
  </svg>
);

export const BuildsAtOnce: FC<{
  of: Builds;
  visitor: Visitor;
  wrong: string | undefined;
  /** What was refused. */
  written: string | undefined;
}> = ({ of, visitor, wrong, written }) => (
  <section class="section" aria-labelledby="builds">
    <h2 id="builds">Builds at once</h2>
    <p class="second">
      {of.max_builds === null
        ? "As many as Cloudflare lets. It queues what is more than your plan has in its own order; with a number here they wait in Signalbox instead, production first."
        : `At most ${of.max_builds} in each account. ${of.running.length} ${of.running.length === 1 ? "has a place" : "have places"}, ${of.waiting.length} ${of.waiting.length === 1 ? "waits" : "wait"} for one. A build that has ended keeps its place until another one wants it.`}
    </p>
    {of.max_builds !== null && (
      <ul class="list">
        {[
          ...of.running.map((build) => ({ build, what: "has a place since" })),
          ...of.waiting.map((build) => ({ build, what: "waits since" })),
        ].map(({ build, what }) => (
          <li>
            <a href={`/projects/${build.project}/deploys/${build.deploy_id}`}>{build.project}</a>
            <span class="meta">
              {what} <Time at={build.since} clock={visitor.clock} />
            </span>
          </li>
        ))}
      </ul>
    )}
    {visitor.may("manage") && (
      <form class="stack narrow section" method="post" action="/builds">
        <Csrf visitor={visitor} />
        <Wrong text={wrong} />
        <label>
          At most, in each account; empty is as many as Cloudflare lets
          <input
            type="number"
            name="max_builds"
            min={1}
            max={100}
            value={written ?? String(of.max_builds ?? "")}
          />
        </label>
        <p>
          <button class="button" type="submit">
            Set
          </button>
        </p>
      </form>
    )}
  </section>
);
