import { DurableObject } from "cloudflare:workers";

import { err, type Result } from "../result.ts";
import type { Scope } from "../security/tokens.ts";
import { migrate } from "../sql.ts";
import {
  addToken,
  authorizeToken,
  listTokens,
  revokeToken,
  type NewToken,
  type TokenRefusal,
  type TokenView,
} from "../tokens.ts";
import { accept, type AcceptInput, type Answered } from "./accept.ts";
import { approve, reject } from "./approval.ts";
import { badgeOf, badgeState, renewBadge, setBadge, type Badge, type BadgeState } from "./badge.ts";
import { cancel } from "./cancel.ts";
import { beginExport, exportPage, type ExportPage, type Included } from "./export.ts";
import { changePolicy, revisedPolicy, type RevisedPolicy } from "./change-policy.ts";
import { explainPolicy, type PolicyExplanation, type Supposed } from "./explain-policy.ts";
import { release } from "./hold.ts";
import { CLOSED } from "./listeners.ts";
import * as locks from "./locks.ts";
import { Context } from "./context.ts";
import { listDeploys, toDeploy, type DeployFilter } from "./deploys.ts";
import { getDeploy, getDeployOf } from "./rows.ts";
import { eventsAfter, eventsBefore, type NewestAsked, eventsOf, lastSequence } from "./events.ts";
import { acceptDelivery, type HookDelivered } from "./hook-delivery.ts";
import { lookIfDue } from "./externals.ts";
import * as hooks from "./hooks.ts";
import { importInto, type Imported } from "./import.ts";
import { keyUse, reseal, type KeyUse } from "./keys.ts";
import { gauges, NO_NUMBERS, numbersOf, type Gauges, type Numbers } from "./numbers.ts";
import {
  historyOf,
  overviewOf,
  storyOf,
  type History,
  type Overview,
  type Story,
} from "./overview.ts";
import { promote } from "./promote.ts";
import { pump } from "./pump.ts";
import { receive } from "./receive.ts";
import { NO_PROJECT, type Refusal } from "./refusal.ts";
import { isRegistered, register, viewProject, type ProjectFacts } from "./registration.ts";
import { retry } from "./retry.ts";
import { rollBack } from "./rollback.ts";
import * as schedules from "./schedules.ts";
import { MIGRATIONS } from "./schema.ts";
import type { Asker, Deploy, Event, EventType, Lock, ProjectView } from "./shapes.ts";
import type { PolicyChange } from "./policy.ts";
import { isBuilding } from "./submit.ts";
import * as deliveries from "./deliveries.ts";
import * as subscribers from "./subscribers.ts";
import { sendTest } from "./test-event.ts";
import { lookNow } from "./track.ts";
import * as trust from "./trust.ts";
import { discardUpload, orphanUploads } from "./uploads.ts";

/**
 * One Pages project: where order is decided. This class is the RPC surface and the alarm's frame; what is done stands in
 * the files beside it. Callers are the edge (which has authenticated, parsed and bounded everything) and the watchdog.
 *
 * The constructor writes nothing to an object that is not registered, and every method but `register` answers as for
 * something that does not exist, so that a guessed name leaves nothing behind.
 */
export class Project extends DurableObject<Env> {
  readonly context: Context;
  #registered: boolean;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.context = new Context(state, env, () => this.#pump());
    this.#registered = isRegistered(this.context.sql);
    if (this.#registered) {
      migrate(this.context.sql, MIGRATIONS);
      void state.blockConcurrencyWhile(async () => {
        await this.context.alarm.load();
        this.#takeOver();
      });
    }
  }

  register(
    facts: ProjectFacts,
    policy: PolicyChange,
  ): Result<{ created: boolean; project: ProjectView }, Refusal> {
    const registered = register(this.context, facts, policy);
    this.#registered = isRegistered(this.context.sql);
    return registered;
  }

  view(): ProjectView | null {
    return this.#registered ? viewProject(this.context) : null;
  }

  authorize(token: { readonly id: string; readonly hash: string }): Result<Scope[], TokenRefusal> {
    return this.#registered
      ? authorizeToken(this.context.sql, token, this.context.now())
      : err("unknown_token");
  }

  // — Triggers —

  accept(input: AcceptInput): Result<Answered, Refusal> {
    return this.#registered ? accept(this.context, input) : err(NO_PROJECT);
  }

  /** All branches of a hook's delivery in one call: one answer for each part, in order. */
  acceptDelivery(delivered: HookDelivered): Result<Answered[], Refusal> {
    return this.#registered ? acceptDelivery(this.context, delivered) : err(NO_PROJECT);
  }

  /** Cloudflare has news: what runs, and what others may have started, is looked at now. */
  look(): void {
    if (this.#registered) {
      lookNow(this.context);
    }
  }

  /** Stores a body as it streams in; `accept` then makes it a deploy's. */
  async receive(
    id: string,
    contentType: string,
    body: ReadableStream<Uint8Array>,
  ): Promise<Result<{ bytes: number }, Refusal>> {
    if (!this.#registered) {
      await body.cancel();
      return err(NO_PROJECT);
    }
    return receive(this.context, id, contentType, body);
  }

  /** Drops a body of which no deploy came. One that a deploy has is left alone, so that this is safe after any failure. */
  discard(id: string): void {
    if (this.#registered) {
      discardUpload(this.context, id);
    }
  }

  // — Deploys —

  deploys(filter: DeployFilter): Deploy[] {
    return this.#registered ? listDeploys(this.context, filter) : [];
  }

  deploy(id: string): Deploy | null {
    const row = this.#registered ? getDeploy(this.context.sql, id) : null;
    return row === null ? null : toDeploy(this.context, row);
  }

  /** The deploy that has made this deployment. */
  deployOf(deploymentId: string): Deploy | null {
    const row = this.#registered ? getDeployOf(this.context.sql, deploymentId) : null;
    return row === null ? null : toDeploy(this.context, row);
  }

  overview(): Overview | null {
    return this.#registered ? overviewOf(this.context) : null;
  }

  history(filter: DeployFilter): History | null {
    return this.#registered ? historyOf(this.context, filter) : null;
  }

  story(number: number): Story | null {
    return this.#registered ? storyOf(this.context, number) : null;
  }

  cancel(id: string, actor: string | null, waiting = false): Result<Deploy, Refusal> {
    return this.#registered ? cancel(this.context, id, actor, waiting) : err(NO_PROJECT);
  }

  retry(id: string, trigger: Asker, deployId: string): Result<Answered, Refusal> {
    return this.#registered ? retry(this.context, id, trigger, deployId) : err(NO_PROJECT);
  }

  promote(id: string, trigger: Asker, deployId: string): Result<Answered, Refusal> {
    return this.#registered ? promote(this.context, id, trigger, deployId) : err(NO_PROJECT);
  }

  rollBack(to: string | null, trigger: Asker, deployId: string): Result<Answered, Refusal> {
    return this.#registered ? rollBack(this.context, to, trigger, deployId) : err(NO_PROJECT);
  }

  isBuilding(id: string): boolean {
    return this.#registered && isBuilding(this.context, id);
  }

  release(id: string, actor: string, reason: string): Result<Deploy, Refusal> {
    return this.#registered ? release(this.context, id, actor, reason) : err(NO_PROJECT);
  }

  approve(id: string, actor: string): Result<Deploy, Refusal> {
    return this.#registered ? approve(this.context, id, actor) : err(NO_PROJECT);
  }

  reject(id: string, actor: string, reason: string | null): Result<Deploy, Refusal> {
    return this.#registered ? reject(this.context, id, actor, reason) : err(NO_PROJECT);
  }

  // — Rules —

  policy(): RevisedPolicy | null {
    return this.#registered ? revisedPolicy(this.context) : null;
  }

  changePolicy(change: PolicyChange, expected: number | null): Result<RevisedPolicy, Refusal> {
    return this.#registered ? changePolicy(this.context, change, expected) : err(NO_PROJECT);
  }

  explainPolicy(supposed: Supposed): PolicyExplanation | null {
    return this.#registered ? explainPolicy(this.context, supposed) : null;
  }

  addLock(lock: locks.NewLock): Lock | null {
    return this.#registered ? locks.addLock(this.context, lock) : null;
  }

  locks(): Lock[] {
    return this.#registered ? locks.listLocks(this.context) : [];
  }

  lock(id: string): Lock | null {
    return this.#registered ? locks.getLock(this.context, id) : null;
  }

  removeLock(id: string, actor: string): boolean {
    return this.#registered && locks.removeLock(this.context, id, actor);
  }

  // — Events —

  events(after: number, limit: number, deployId: string | null = null): Event[] {
    if (!this.#registered) {
      return [];
    }
    return deployId === null
      ? eventsAfter(this.context, after, limit)
      : eventsOf(this.context, deployId, after, limit);
  }

  /** The number of the newest event. */
  sequence(): number {
    return this.#registered ? lastSequence(this.context) : 0;
  }

  newestEvents(asked: NewestAsked): Event[] {
    return this.#registered ? eventsBefore(this.context, asked) : [];
  }

  // — Hooks —

  addHook(hook: hooks.NewHook): hooks.HookView | null {
    return this.#registered ? hooks.addHook(this.context, hook) : null;
  }

  hooks(): hooks.HookView[] {
    return this.#registered ? hooks.listHooks(this.context) : [];
  }

  hook(id: string): hooks.HookView | null {
    return this.#registered ? hooks.getHook(this.context, id) : null;
  }

  hookSecrets(id: string): hooks.HookSecrets | null {
    return this.#registered ? hooks.hookSecrets(this.context, id) : null;
  }

  changeHook(id: string, change: hooks.HookChange): hooks.HookView | null {
    return this.#registered ? hooks.changeHook(this.context, id, change) : null;
  }

  /** Keeps a secret that a hook's sender handed over, if the hook waits for one. */
  takeSecret(id: string, sealed: string): boolean {
    return this.#registered && hooks.takeSecret(this.context, id, sealed);
  }

  showSecret(id: string): string | null {
    return this.#registered ? hooks.showSecret(this.context, id) : null;
  }

  hookDeliveries(id: string): hooks.HookDelivery[] {
    return this.#registered ? hooks.hookDeliveries(this.context, id) : [];
  }

  removeHook(id: string): boolean {
    return this.#registered && hooks.removeHook(this.context, id);
  }

  noteRefusal(id: string, code: string, reason: string): void {
    if (this.#registered) {
      hooks.noteRefusal(this.context, id, code, reason);
    }
  }

  // — Subscribers —

  addSubscriber(
    subscriber: subscribers.NewSubscriber,
  ): Result<subscribers.SubscriberView, Refusal> {
    return this.#registered ? subscribers.addSubscriber(this.context, subscriber) : err(NO_PROJECT);
  }

  subscribers(): subscribers.SubscriberView[] {
    return this.#registered ? subscribers.listSubscribers(this.context) : [];
  }

  subscriber(id: string): subscribers.SubscriberView | null {
    return this.#registered ? subscribers.getSubscriber(this.context, id) : null;
  }

  changeSubscriber(
    id: string,
    change: subscribers.SubscriberChange,
  ): Result<subscribers.SubscriberView, Refusal> | null {
    return this.#registered ? subscribers.changeSubscriber(this.context, id, change) : null;
  }

  removeSubscriber(id: string): boolean {
    return this.#registered && subscribers.removeSubscriber(this.context, id);
  }

  rotateSubscriber(
    id: string,
    secret: string,
    overlapMs: number,
  ): Result<subscribers.SubscriberView, Refusal> | null {
    return this.#registered
      ? subscribers.rotateSecret(this.context, id, secret, overlapMs)
      : err(NO_PROJECT);
  }

  testSubscriber(
    id: string,
    type: EventType = "test.ping",
  ): Result<{ type: EventType }, Refusal> | null {
    return this.#registered ? sendTest(this.context, id, type) : err(NO_PROJECT);
  }

  deliveries(
    id: string,
    filter: Parameters<typeof deliveries.listDeliveries>[2],
  ): deliveries.DeliveryView[] {
    return this.#registered ? deliveries.listDeliveries(this.context, id, filter) : [];
  }

  delivery(subscriberId: string, id: string): deliveries.DeliveryDetail | null {
    return this.#registered ? deliveries.getDelivery(this.context, subscriberId, id) : null;
  }

  redeliver(subscriberId: string, id: string): Result<deliveries.DeliveryDetail, Refusal> | null {
    return this.#registered
      ? deliveries.redeliver(this.context, subscriberId, id)
      : err(NO_PROJECT);
  }

  /** What failed of events since a time is tried again now. */
  recoverSubscriber(id: string, since: number): Result<{ recovered: number }, Refusal> | null {
    return this.#registered ? deliveries.recover(this.context, id, since) : err(NO_PROJECT);
  }

  // — Schedules —

  addSchedule(schedule: schedules.NewSchedule): schedules.ScheduleView | null {
    return this.#registered ? schedules.addSchedule(this.context, schedule) : null;
  }

  schedules(): schedules.ScheduleView[] {
    return this.#registered ? schedules.listSchedules(this.context) : [];
  }

  schedule(id: string): schedules.ScheduleView | null {
    return this.#registered ? schedules.getSchedule(this.context, id) : null;
  }

  changeSchedule(id: string, change: schedules.ScheduleChange): schedules.ScheduleView | null {
    return this.#registered ? schedules.changeSchedule(this.context, id, change) : null;
  }

  removeSchedule(id: string): boolean {
    return this.#registered && schedules.removeSchedule(this.context, id);
  }

  // — Listeners —

  /** The one call that is no RPC, since a WebSocket can't be passed by one: only the edge makes it. */
  override fetch(request: Request): Response {
    const { searchParams: asked } = new URL(request.url);
    return this.#registered
      ? this.context.listeners.join(asked.get("token") ?? "", asked.has("deliveries"))
      : new Response(null, { status: 404 });
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  // — Badge and numbers —

  setBadge(badge: Badge | null): void {
    if (this.#registered) {
      setBadge(this.context, badge);
    }
  }

  renewBadge(key: string): Badge | null {
    return this.#registered ? renewBadge(this.context, key) : null;
  }

  badge(): Badge | null {
    return this.#registered ? badgeOf(this.context) : null;
  }

  badgeState(nonce: string, branch: string | null): BadgeState | null {
    return this.#registered ? badgeState(this.context, nonce, branch) : null;
  }

  numbers(days: number): Numbers {
    return this.#registered ? numbersOf(this.context, days) : NO_NUMBERS;
  }

  gauges(): Gauges | null {
    return this.#registered ? gauges(this.context) : null;
  }

  // — Tokens —

  addToken(token: NewToken): TokenView | null {
    return this.#registered ? addToken(this.context.sql, token, this.context.now()) : null;
  }

  tokens(): TokenView[] {
    return this.#registered ? listTokens(this.context.sql) : [];
  }

  revokeToken(id: string): boolean {
    const known = this.#registered && revokeToken(this.context.sql, id, this.context.now());
    this.context.listeners.dismiss(CLOSED.revoked, id);
    return known;
  }

  // — Trust in CI jobs —

  addTrust(rule: trust.NewTrust): trust.TrustView | null {
    return this.#registered ? trust.addTrust(this.context, rule) : null;
  }

  trust(): trust.TrustView[] {
    return this.#registered ? trust.listTrust(this.context) : [];
  }

  removeTrust(id: string): boolean {
    return this.#registered && trust.removeTrust(this.context, id);
  }

  /** Whether this token, expired since, was good when it asked for one of these deploys, or of deploys with these deployments. */
  mayRead(hash: string, ids: readonly string[]): boolean {
    return this.#registered && trust.mayRead(this.context, hash, ids);
  }

  // — Keys —

  /** What rests on each key of the keyring. */
  keys(): KeyUse[] {
    return this.#registered ? keyUse(this.context) : [];
  }

  /** Seals anew what an older key has sealed; says how many values that were. */
  // — Export and import —

  beginExport(by: string, include: Included): string | null {
    return this.#registered ? beginExport(this.context, by, include) : null;
  }

  exportPage(place: ExportPage["next"], include: Included): ExportPage | null {
    return this.#registered ? exportPage(this.context, place, include) : null;
  }

  /** `body` has a line for each of the export's, which the edge has read and checked. */
  async importInto(
    id: string,
    body: ReadableStream<Uint8Array>,
    by: string,
  ): Promise<Result<Imported, Refusal>> {
    if (!this.#registered) {
      await body.cancel();
      return err(NO_PROJECT);
    }
    return importInto(this.context, id, body, by);
  }

  // — Life —

  /** Forgets everything about this project. What runs at Cloudflare goes on there. */
  async remove(): Promise<boolean> {
    const known = this.#registered;
    this.#registered = false;
    this.context.alarm.fired();
    this.context.listeners.dismiss(CLOSED.removed);
    await this.ctx.storage.deleteAll();
    return known;
  }

  /**
   * The watchdog's call: starts what is due, whatever became of the alarm, and from time to time a look round. Says how many
   * values it has sealed anew.
   */
  async wake(): Promise<number> {
    if (!this.#registered) {
      return 0;
    }
    await this.context.alarm.load();
    this.#pump();
    lookIfDue(this.context);
    return reseal(this.context);
  }

  override async alarm(): Promise<void> {
    this.context.alarm.fired();
    if (this.#registered) {
      this.#pump();
    }
  }

  /** Nothing may escape from here: a throwing alarm is dropped by the platform after a few retries. */
  #pump(): void {
    if (!this.#registered) {
      return;
    }
    try {
      pump(this.context);
    } catch (error) {
      console.error({ message: "pump failed", error: String(error) });
    }
    try {
      this.context.change(() => undefined);
    } catch (error) {
      console.error({ message: "arming failed", error: String(error) });
      this.context.alarm.setBy(this.context.now() + 60_000, this.context.now());
    }
  }

  /** A restarted object settles nothing that its predecessor began: those claims are taken over at once. */
  #takeOver(): void {
    const { sql } = this.context;
    const claimed = "ended_at IS NULL AND status = 'submitting'";
    if (sql.one(`SELECT 1 AS x FROM deploys WHERE ${claimed}`) !== null) {
      sql.run(`UPDATE deploys SET due_at = ? WHERE ${claimed}`, this.context.now());
    }
    orphanUploads(this.context);
    this.context.change(() => undefined);
  }
}
