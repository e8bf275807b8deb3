/**
 * Each mechanism that an invariant rests on, taken out by a change of one line, and the test that then fails. `npm run
 * mutants` tries them all; `unit/mutants.test.ts` sees that the list fits the source.
 */
export interface Mutant {
  /** What is taken out. */
  readonly name: string;
  /** Under src/. */
  readonly file: string;
  /** A piece of the file that is in it once, and what stands there instead. */
  readonly from: string;
  readonly to: string;
  /** Under test/; the first folder is the layer. */
  readonly test: string;
  /** Of a test in it, or the beginning of one that is made for several inputs. */
  readonly title: string;
}

export const MUTANTS: readonly Mutant[] = [
  // — Identity —
  {
    name: "a guessed name makes tables",
    file: "project/project.ts",
    from: "    if (this.#registered) {\n      migrate",
    to: "    if (true) {\n      migrate",
    test: "workers/project/unregistered.test.ts",
    title: "a project that nobody registered answers as one that there is not, and keeps nothing",
  },
  {
    name: "another project of the same name passes for the registered one",
    file: "project/registration.ts",
    from: "if (known.upstream_id !== facts.upstream_id) {",
    to: "if (false) {",
    test: "workers/api/projects.test.ts",
    title: "refuses a project that was deleted at Cloudflare and made anew",
  },
  // — Order —
  {
    name: "the claim does not look at the high-water mark",
    file: "project/submit.ts",
    from: "if (mark > row.number) {",
    to: "if (false) {",
    test: "workers/project/order.test.ts",
    title: "never lets an old deploy of mode all, released late, go live over a newer one",
  },
  {
    name: "the claim does not raise the high-water mark",
    file: "project/submit.ts",
    from: "DO UPDATE SET number = excluded.number",
    to: "DO NOTHING",
    test: "workers/project/order.test.ts",
    title: "never lets an old deploy of mode all, released late, go live over a newer one",
  },
  {
    name: "an upload gets its number when it is accepted",
    file: "project/accept.ts",
    from: "number = uploadNumber(sql, input.upload.id);",
    to: "number = takeNumber(sql);",
    test: "workers/project/order.test.ts",
    title: "gives a slow upload the number of its first byte, and lets a newer push win",
  },
  {
    name: "what a rollback has overtaken stays live when its build ends",
    file: "project/track.ts",
    from: "  if (mark > row.number) {\n    abandon(",
    to: "  if (false) {\n    abandon(",
    test: "workers/project/rollback.test.ts",
    title: "acts while a build runs, and that build does not stay live when it ends",
  },
  // — Effects —
  {
    name: "an outdated claim settles",
    file: "project/submit.ts",
    from: '  if (row?.status !== "submitting" || row.fence !== claimed.fence) {\n    return;',
    to: '  if (row?.status !== "submitting") {\n    return;',
    test: "workers/project/wake.test.ts",
    title: "settles nothing with an outdated claim",
  },
  {
    name: "a create whose lease expired counts as not made",
    file: "project/submit.ts",
    from: "    if (row.posted_at !== null) {\n      beginReconciling(context, row);",
    to: "    if (false) {\n      beginReconciling(context, row);",
    test: "workers/project/crash.test.ts",
    title: "a hook's deploy ends right: one deployment, every event told",
  },
  {
    name: "that the request leaves is not written before it leaves",
    file: "project/submit.ts",
    from: "      posted_at: now,\n      due_at: now + LEASE_MS,",
    to: "      due_at: now + LEASE_MS,",
    test: "workers/project/crash.test.ts",
    title: "a hook's deploy ends right: one deployment, every event told",
  },
  {
    name: "the lane is free while it is not known whether a deployment was made",
    file: "project/status.ts",
    from: '["submitting", "reconciling", "running", "verifying"].includes(status)',
    to: '["submitting", "running", "verifying"].includes(status)',
    test: "workers/project/create.test.ts",
    title: "keeps the lane while it is looked for",
  },
  {
    name: "the lane is free while the health of what went live is checked",
    file: "project/status.ts",
    from: '["submitting", "reconciling", "running", "verifying"].includes(status)',
    to: '["submitting", "reconciling", "running"].includes(status)',
    test: "workers/project/health.test.ts",
    title: "are tried again, hold the lane meanwhile, and then fail the deploy, which stays live",
  },
  {
    name: "deliveries may take every connection",
    file: "project/slots.ts",
    from: "others.length < OUTBOUND_LIMIT",
    to: "true",
    test: "workers/project/deliver.test.ts",
    title:
      "are five at most, three of them for others, and six hanging subscribers hold up no deploy",
  },
  {
    name: "a slow subscriber holds up the others",
    file: "project/slots.ts",
    from: 'kind === "outbound" || slow.length < SLOW_LIMIT',
    to: "true",
    test: "workers/project/deliver.test.ts",
    title: "hold up only one another when they are slow, or were never heard of",
  },
  {
    name: "an effect that was cut without a word keeps its slot",
    file: "project/slots.ts",
    from: "if (running.leaseUntil <= now) {",
    to: "if (false) {",
    test: "unit/project/core.test.ts",
    title: "start nothing twice, and free what was cut without a word when its lease ends",
  },
  {
    name: "the same effect is started twice",
    file: "project/slots.ts",
    from: "if (this.#running.has(key) || !this.free(kind)) {",
    to: "if (!this.free(kind)) {",
    test: "unit/project/core.test.ts",
    title: "start nothing twice, and free what was cut without a word when its lease ends",
  },
  // — Create —
  {
    name: "adopts without a baseline",
    file: "project/twin.ts",
    from: "!baseline.includes(deployment.id) &&",
    to: "",
    test: "workers/project/create.test.ts",
    title: "does not take a deployment from before for its own, however alike",
  },
  {
    name: "adopts somebody else's build",
    file: "project/twin.ts",
    from: "meta.commit_hash === form.commit_hash",
    to: "true",
    test: "unit/project/twin.test.ts",
    title: "another commit",
  },
  {
    name: "creates again, whatever is found",
    file: "project/reconcile.ts",
    from: "({ id }) => !known.has(id),",
    to: "({ id }) => !known.has(id) && false,",
    test: "workers/project/create.test.ts",
    title: "is found again and adopted: one deployment",
  },
  {
    name: "looks once and no more",
    file: "project/reconcile.ts",
    from: "const LOOKS_MS = [0, 5_000, 15_000, 30_000, 60_000, 120_000];",
    to: "const LOOKS_MS = [0];",
    test: "workers/project/create.test.ts",
    title: "is adopted when its deployment becomes visible 3 s or 30 s late",
  },
  {
    name: "takes the first of several that may be it",
    file: "project/reconcile.ts",
    from: "found.length === 1 && canBeTold",
    to: "canBeTold",
    test: "workers/project/create.test.ts",
    title: "ends with outcome_uncertain when two deployments may be it, and watches both",
  },
  {
    name: "a watch for twins takes what another deploy is looking for",
    file: "project/reconcile.ts",
    from: "if (row !== null && !awaited.has(stray.id)) {",
    to: "if (row !== null) {",
    test: "workers/project/create.test.ts",
    title:
      "is not what another deploy takes for its twin, which was sent the same and is watched for one",
  },
  {
    name: "no late twin is looked for",
    file: "project/reconcile.ts",
    from: "const STRAY_WATCH_MS = 900_000;",
    to: "const STRAY_WATCH_MS = 0;",
    test: "workers/project/create.test.ts",
    title: "has its twin found and told when that becomes visible 200 s late, and not left live",
  },
  {
    name: "a stray does not hold the lane",
    file: "project/line.ts",
    from: "WHERE kind = 'stray' AND",
    to: "WHERE kind = 'none' AND",
    test: "workers/project/leftovers.test.ts",
    title: "holds its lane until it is terminal",
  },
  // — Moving on —
  {
    name: "no build is ever too long",
    file: "project/track.ts",
    from: "if (context.now() >= began + seconds * 1_000) {",
    to: "if (false) {",
    test: "workers/project/create.test.ts",
    title: "times out when it is stuck, and the lane moves on",
  },
  {
    name: "what was abandoned is not watched",
    file: "project/cancel.ts",
    from: "if (ended.deployment_id !== null) {",
    to: "if (false) {",
    test: "workers/project/leftovers.test.ts",
    title: "does not hold the lane, and is undone when it goes live over a newer one",
  },
  {
    name: "what goes live over a newer one stays live",
    file: "project/leftovers.ts",
    from: 'return { change: { step: "undo", errors: 0, due_at: now } };',
    to: "return ended(context, end.status);",
    test: "workers/project/leftovers.test.ts",
    title: "does not hold the lane, and is undone when it goes live over a newer one",
  },
  {
    name: "a cancel while the request is out is forgotten",
    file: "project/track.ts",
    from: "if (row.cancel_requested !== null) {",
    to: "if (false) {",
    test: "workers/project/create.test.ts",
    title: "is canceled while its create request is out",
  },
  // — Bodies —
  {
    name: "a body that did not arrive whole is sealed",
    file: "project/uploads.ts",
    from: "    row.bytes === seal.bytes &&\n    stored?.bytes === seal.bytes &&\n    stored.chunks === row.chunks;",
    to: "    stored !== null;",
    test: "workers/project/order.test.ts",
    title: "is refused when what was stored is not what passed",
  },
  {
    name: "a sender that went away leaves its body",
    file: "project/receive.ts",
    from: "context.change(() => dropUpload(context, id));",
    to: "",
    test: "workers/project/order.test.ts",
    title: "is swept when its sender is gone half-way",
  },
  {
    name: "a body is waited for, however long it takes",
    file: "body.ts",
    from: "await within(BODY_MS, readAll(reader, firstRead(request), limit))",
    to: "await readAll(reader, firstRead(request), limit)",
    test: "workers/api/slow.test.ts",
    title: "is cut off after 30 s, whether it stops, and leaves nothing",
  },
  {
    name: "an upload that stops is waited for",
    file: "project/receive.ts",
    from: "await within(STALL_MS, reader.read(room))",
    to: "await reader.read(room)",
    test: "workers/api/slow.test.ts",
    title: "of which nothing comes for 30 s is given up, and what was stored of it goes",
  },
  {
    name: "an upload that dribbles is read for ever",
    file: "project/receive.ts",
    from: "if (writer.isStale()) {",
    to: "if (false) {",
    test: "workers/api/slow.test.ts",
    title: "that does not fill a row in two minutes is given up, however often something comes",
  },
  {
    name: "a restarted object waits for readers that are gone",
    file: "project/project.ts",
    from: "    orphanUploads(this.context);\n",
    to: "",
    test: "workers/project/restart.test.ts",
    title:
      "takes the bodies that its predecessor had open for dead, and soon has none of their rows",
  },
  {
    name: "files that waited long are not checked",
    file: "project/assets.ts",
    from: "context.now() - sealedAt < FRESH_MS",
    to: "true",
    test: "workers/project/order.test.ts",
    title: "that waited over an hour is checked for its assets first",
  },
  // — Dedupe —
  {
    name: "a repeated call makes a second deploy",
    file: "project/accept.ts",
    from: "if (again !== null) {",
    to: "if (false) {",
    test: "workers/project/order.test.ts",
    title: "is answered as the first one was, and makes nothing more",
  },
  {
    name: "a delivery sent again makes a second deploy",
    file: "project/accept.ts",
    from: "if (seen !== null) {",
    to: "if (false) {",
    test: "workers/api/receive.test.ts",
    title: "delivered again is a duplicate: 200, the same deploy, and no second one",
  },
  {
    name: "joins a deploy that has started",
    file: "project/accept.ts",
    from: "status = 'queued' AND target = ? AND content_hash = ?",
    to: "target = ? AND content_hash = ?",
    test: "workers/project/order.test.ts",
    title: "joins none that has started, however equal",
  },
  // — Telling —
  {
    name: "the cursor moves before the attempt is recorded",
    file: "project/deliver.ts",
    from: `
  const attempt = await send(context, before, event, 1);
  fault("deliver.answered", context.state);
  context.change(() => {
    const row = subscriberRow(context, before.id);
    // Removed meanwhile, or told by another run after a lease ended.
    if (row === null || row.told >= event.sequence) {`,
    to: `
  context.change(() => {
    context.sql.update("subscribers", "id", before.id, { cursor: event.sequence });
  });
  const attempt = await send(context, before, event, 1);
  fault("deliver.answered", context.state);
  context.change(() => {
    const row = subscriberRow(context, before.id);
    if (row === null || row.told > event.sequence) {`,
    test: "workers/project/crash.test.ts",
    title: "is made at least once, under one id, and none is skipped, whatever crashes",
  },
  {
    name: "ordered goes on past what failed",
    file: "project/deliver.ts",
    from: "const blocked = row.ordered === 1 && failed !== null;",
    to: "const blocked = false;",
    test: "workers/project/deliver-all.test.ts",
    title:
      "are each delivered to each, or given up aloud; in order where that was asked for; none is passed over",
  },
  {
    name: "gives up in silence",
    file: "project/deliver.ts",
    from: '|| delivery.state === "exhausted";',
    to: ";",
    test: "workers/project/deliver.test.ts",
    title: "is given up after the last attempt, aloud, and the others hear of it",
  },
  {
    name: "spends attempts on who is down",
    file: "project/deliver.ts",
    from: "const open = failures >= BREAKER_FAILURES && !refused;",
    to: "const open = false && !refused;",
    test: "workers/project/deliver.test.ts",
    title: "that failed five times in a row is only probed, and is told everything when it is back",
  },
  {
    name: "prunes what a subscriber has not heard",
    file: "project/sweep.ts",
    from: "DELETE FROM events WHERE at < ? AND sequence <= ?",
    to: "DELETE FROM events WHERE at < ? AND (1 OR sequence <= ?)",
    test: "workers/project/wake.test.ts",
    title: "keeps what an active subscriber has not been told, however old",
  },
  {
    name: "the sweep forgets how far a subscriber was told",
    file: "project/sweep.ts",
    from: "SET cursor = told, last_at",
    to: "SET last_at",
    test: "workers/project/told.test.ts",
    title: "the daily sweep tells nothing again when the deliveries are gone: paused meanwhile",
  },
  {
    name: "numbers begin again when all events were pruned",
    file: "project/schema.ts",
    from: "sequence INTEGER PRIMARY KEY AUTOINCREMENT",
    to: "sequence INTEGER PRIMARY KEY",
    test: "workers/project/wake.test.ts",
    title: "drops what is old, and numbers go on where they were",
  },
  // — Waking —
  {
    name: "the alarm is armed outside the transaction",
    file: "project/context.ts",
    from: "        this.arm();\n        return done;\n      }),\n    );",
    to: "        return done;\n      }),\n    );\n    queueMicrotask(() => setTimeout(() => this.arm(), 0));",
    test: "workers/project/crash.test.ts",
    title: "a hook's deploy ends right: one deployment, every event told",
  },
  {
    name: "an alarm that is long overdue is trusted",
    file: "project/alarm.ts",
    from: "this.#at < now - LOST_AFTER_MS",
    to: "false",
    test: "workers/project/wake.test.ts",
    title: "sets an alarm anew that is long overdue",
  },
  {
    name: "a row that always fails is tried for ever",
    file: "project/pump.ts",
    from: "const last = strikes >= MAX_STRIKES;",
    to: "const last = false;",
    test: "workers/project/wake.test.ts",
    title:
      "puts a row that always fails off, later each time, and at last quarantines it; others go on",
  },
  {
    name: "what runs is looked at again at its lease only",
    file: "project/agenda.ts",
    from: "busyUntil === null ? due.at : Math.min(busyUntil, now + BEAT_MS)",
    to: "busyUntil === null ? due.at : busyUntil",
    test: "workers/project/restart.test.ts",
    title:
      "is to wake every ten seconds while a create request is under way, long before its lease ends",
  },
  {
    name: "a restarted object leaves what its predecessor had claimed",
    file: "project/project.ts",
    from: "sql.run(`UPDATE deploys SET due_at = ? WHERE ${claimed}`, this.context.now());",
    to: "",
    test: "workers/project/history.test.ts",
    title: "is not read when a restarted object takes over what was claimed",
  },
  {
    name: "the watchdog trusts the mirror of the alarm",
    file: "project/project.ts",
    from: "    await this.context.alarm.load();\n    this.#pump();",
    to: "    this.#pump();",
    test: "workers/project/wake.test.ts",
    title: "has an alarm again after the watchdog, also when the lost one was to fire just then",
  },
  {
    name: "who waits for the end of a deploy is failed by a look at it",
    file: "gateway/hold.ts",
    from: 'client.relay("GET", path)).catch(() => null);',
    to: 'client.relay("GET", path));',
    test: "workers/api/faults.test.ts",
    title:
      "at POST …/projects/:project/deployments, in the look at what it has made, does not make a failure of it",
  },
  // — Secrets —
  {
    name: "what Cloudflare repeats of our credential is passed on",
    file: "cloudflare/client.ts",
    from: "parseJson(withoutSecrets(text, this.#secrets()))",
    to: "parseJson(text)",
    test: "workers/gateway/hygiene.test.ts",
    title: "is not repeated to a client of the gateway, whatever the call and whatever its status",
  },
  {
    name: "what Cloudflare repeats of its upload token is passed on",
    file: "gateway/assets.ts",
    from: "redact(new TextDecoder().decode(bytes), [jwt])",
    to: "new TextDecoder().decode(bytes)",
    test: "workers/gateway/hygiene.test.ts",
    title: "is not repeated to a client of the gateway, whatever the call and whatever its status",
  },
  {
    name: "a build's log goes through the gateway as it was printed",
    file: "gateway/door.ts",
    from: "{ ...each, line: redact(line, []) }",
    to: "{ ...each, line }",
    test: "workers/gateway/hygiene.test.ts",
    title: "is not believed with what a build has printed",
  },
  {
    name: "what receivers answer is kept as it came",
    file: "project/send.ts",
    from: "hidden, EXCERPT_BYTES)",
    to: "[], EXCERPT_BYTES)",
    test: "workers/project/hygiene.test.ts",
    title:
      "no secret is in what receivers of any kind are told, nor in what is kept of their answers, events, rows and logs",
  },
  {
    name: "the end of a build's log is told as it was printed",
    file: "project/log-tail.ts",
    from: "redact(line, secrets).slice(",
    to: "line.slice(",
    test: "workers/project/hygiene.test.ts",
    title:
      "no secret is in what receivers of any kind are told, nor in what is kept of their answers, events, rows and logs",
  },
  // — Keys —
  {
    name: "the address of a badge rests on no key",
    file: "project/keys.ts",
    from: "badge_key FROM project WHERE badge IS NOT NULL",
    to: "badge_key FROM project WHERE 0",
    test: "workers/api/keyring.test.ts",
    title: "keeps the key of its address until a new one is asked for, and counts for it",
  },
  {
    name: "a badge of which the key is not known rests on none",
    file: "api/instance.ts",
    from: "key === id || key === null",
    to: "key === id",
    test: "workers/api/keyring.test.ts",
    title: "of which the key is not known counts for every key",
  },
  {
    name: "who is signed in is noted for no key",
    file: "dashboard/visitor.ts",
    from: "  await askInstance(c, (instance) => instance.noteSession(keyring.current, session.until));\n",
    to: "",
    test: "workers/api/keyring.test.ts",
    title: "counts for the key of the session, at the latest until it ends",
  },
  {
    name: "the current key vouches for any end of a session that another one has sealed",
    file: "security/session.ts",
    from: "Math.min(session.until, now + SESSION_MS)",
    to: "session.until",
    test: "workers/api/keyring.test.ts",
    title: "gets no longer a session by a key that leaked than one that begins",
  },
  // — Budget —
  {
    name: "a restarted instance begins with a full bucket",
    file: "instance/budget.ts",
    from: "return { level: 0, looks: 0, at: now, blockedUntil, left: null };",
    to: "return { level: CAPACITY, looks: 0, at: now, blockedUntil, left: null };",
    test: "unit/instance/budget.test.ts",
    title: "is empty at start, and says when to ask again",
  },
  {
    name: "polls use up the reserve",
    file: "instance/budget.ts",
    from: "  poll: RESERVE + 1,",
    to: "  poll: 1,",
    test: "unit/instance/budget.test.ts",
    title: "keeps a reserve that polls can't use, and credit for what has begun",
  },
  // — Export and import —
  {
    name: "what had not ended when it was exported goes on where it is imported",
    file: "project/load.ts",
    from: 'const open = !isEnd(row["status"] as DeployStatus);',
    to: "const open = false;",
    test: "workers/api/export.test.ts",
    title: "starts nothing and tells nobody, and goes on with numbers that were never given",
  },
  {
    name: "an import gives numbers again",
    file: "project/load.ts",
    from: "next_number = MAX(",
    to: "next_number = MIN(",
    test: "workers/api/export.test.ts",
    title: "starts nothing and tells nobody, and goes on with numbers that were never given",
  },
  {
    name: "an import has the only time of a schedule come once more",
    file: "project/load.ts",
    from: "if (at !== null && at <= now) {",
    to: "if (false) {",
    test: "workers/api/export.test.ts",
    title: "does not run what was due meanwhile",
  },
  {
    name: "imported events are sent",
    file: "project/load.ts",
    from: "SET cursor = (SELECT MAX(sequence) FROM events)",
    to: "SET cursor = 0",
    test: "workers/api/export.test.ts",
    title: "has no secrets: hooks and subscribers wait until they are given new ones",
  },
  {
    name: "an imported subscriber is switched on without a secret",
    file: "project/subscribers.ts",
    from: '(rest.secret ?? row.secret) === ""',
    to: "false",
    test: "workers/api/export.test.ts",
    title: "has no secrets: hooks and subscribers wait until they are given new ones",
  },
  {
    name: "a refused import keeps what came before the refusal",
    file: "project/import.ts",
    from: "return ok(context.change(() => load(context, id, by)));",
    to: "return ok(load(context, id, by));",
    test: "workers/api/export.test.ts",
    title: "is one with an id or number twice",
  },
  {
    name: "an import goes over what is there",
    file: "project/import.ts",
    from: "if (there !== undefined) {",
    to: "if (false) {",
    test: "workers/api/export.test.ts",
    title: "goes into a project that has something",
  },
  {
    name: "an export that was cut off is imported",
    file: "api/import-lines.ts",
    from: "if (!this.#ended) {",
    to: "if (false) {",
    test: "workers/api/export.test.ts",
    title: "says what is wrong, with the line, and writes nothing",
  },
  {
    name: "an export takes a sealed secret along",
    file: "project/portable.ts",
    from: "      url_key: text(64),",
    to: "      url_key: text(64), secrets: text(),",
    test: "workers/api/export.test.ts",
    title: "is the same after an import, but for what the documents say",
  },
  {
    name: "a hook is known by its id alone, whosever it is",
    file: "hooks/cache.ts",
    from: "`${project}/${id}`;",
    to: "`${id}${project.slice(0, 0)}`;",
    test: "workers/api/export.test.ts",
    title: "has hooks of one id in two projects, each with its own secret",
  },
  {
    name: "a 429 quiets nobody else",
    file: "project/upstream.ts",
    from: "await report(context, (instance) => instance.blocked(accountId, until));",
    to: "void until;",
    test: "workers/project/create.test.ts",
    title: "waits out a 429 by its Retry-After, and everybody with it",
  },
  {
    name: "a 429 that the edge met is kept to itself",
    file: "api/cloudflare.ts",
    from: "(instance) => instance.blocked(accountId, until)",
    to: "() => Promise.resolve(until)",
    test: "workers/api/projects.test.ts",
    title: "tells everybody to keep quiet after a 429",
  },
  {
    name: "what Cloudflare announces to be left is not heeded",
    file: "instance/budget.ts",
    from: "if (left !== null && left.calls < Math.max(1, needed)) {",
    to: "if (false) {",
    test: "workers/project/polls.test.ts",
    title: "stops short of a limit that others have nearly used up",
  },
  {
    name: "the silence after a 429 ends with the instance",
    file: "instance/budgets.ts",
    from: "row?.blocked_until ?? 0",
    to: "0 * (row?.blocked_until ?? 0)",
    test: "workers/project/wake.test.ts",
    title: "keeps quiet over its own restart after a 429",
  },
];
