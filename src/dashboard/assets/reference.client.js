// @ts-check
/** What the reference gains by script: a filter, and requests that are sent from the page. */
(() => {
  /** @typedef {{ type?: string | string[], enum?: unknown[], items?: { enum?: unknown[] }, default?: unknown, example?: string | number | boolean, format?: string, properties?: Record<string, Schema> }} Schema */
  /** @typedef {{ name: string, in: string, required?: boolean, schema: Schema }} Parameter */
  /** @typedef {Record<string, { schema?: Schema, example?: unknown }>} Content */
  /** @typedef {{ operationId: string, parameters?: Parameter[], requestBody?: { content: Content }, responses: Record<string, { content?: Content }> }} Operation */
  /** @typedef {{ method: string, path: string, operation: Operation }} Route */

  /** What is shown of an endless stream, or of a large answer: its end. */
  const SHOWN = 200_000;

  /** @param {string} tag @param {Record<string, unknown>} properties @param {...(Node | string)} children @returns {any} */
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const field = (/** @type {string} */ id) =>
    /** @type {HTMLInputElement} */ (document.getElementById(id));

  const filter = () => {
    const words = field("filter").value.toLowerCase().split(/\s+/);
    let found = 0;
    for (const element of document.querySelectorAll("[data-search]")) {
      const each = /** @type {HTMLElement} */ (element);
      each.hidden = !words.every((word) => each.dataset.search?.includes(word));
      found += each.hidden ? 0 : 1;
    }
    for (const section of document.querySelectorAll(".calls > section, .contents > div")) {
      const parts = section.querySelectorAll("[data-search]");
      /** @type {HTMLElement} */ (section).hidden =
        parts.length > 0 && section.querySelector("[data-search]:not([hidden])") === null;
    }
    field("nothing").hidden = found > 0;
  };

  /** A link leads into what is folded. */
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target?.closest("details");
    if (target && folded) {
      folded.open = true;
      target.scrollIntoView();
    }
  };

  /** @type {Promise<Map<string, Route>> | null} */
  let routes = null;
  const load = async () => {
    const answer = await fetch("/openapi.json");
    /** @type {{ paths: Record<string, Record<string, Operation>> }} */
    const { paths } = await answer.json();
    return new Map(
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => [
          operation.operationId,
          { method: method.toUpperCase(), path, operation },
        ]),
      ),
    );
  };

  /** @param {string} label @param {HTMLElement} control */
  const labelled = (label, control) => make("label", {}, label, control);

  /** @param {string} text @param {Record<string, unknown>} properties @returns {HTMLButtonElement} */
  const button = (text, properties) => make("button", properties, text);

  /** @param {string} name @param {readonly string[]} values @returns {HTMLSelectElement} */
  const choice = (name, values) =>
    make("select", { name }, ...values.map((value) => make("option", { value }, value)));

  /** @param {string} name @param {Schema} schema @param {boolean} required */
  const input = (name, schema, required) => {
    if (schema.enum) {
      const values = schema.enum.filter((value) => value !== null).map(String);
      return choice(name, required ? values : ["", ...values]);
    }
    const { example, format } = schema;
    const type = format === "binary" ? "file" : "text";
    const value = type === "text" && example !== undefined ? String(example) : "";
    return make("input", { name, type, required, ...(type === "file" ? {} : { value }) });
  };

  /** @param {FormData} form @param {Route} route */
  const requestOf = (form, { method, path, operation }) => {
    const text = (/** @type {string} */ name) => {
      const value = form.get(name);
      return typeof value === "string" ? value : "";
    };
    const headers = new Headers();
    const query = new URLSearchParams();
    let address = path;
    for (const parameter of operation.parameters ?? []) {
      const value = text(`${parameter.in} ${parameter.name}`);
      if (parameter.in === "path") {
        address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
      } else if (value !== "" && parameter.in === "query") {
        query.append(parameter.name, value);
      } else if (value !== "") {
        headers.set(parameter.name, value);
      }
    }
    const token = field("token").value.trim();
    if (token !== "") {
      headers.set("authorization", `Bearer ${token}`);
    }
    headers.set("accept", text("accept") || "*/*");
    const type = text("type");
    /** @type {FormData | string | null} */
    let body = null;
    if (type === "multipart/form-data") {
      body = new FormData();
      for (const [name, value] of form) {
        if (
          name.startsWith("part ") &&
          (typeof value === "string" ? value !== "" : value.size > 0)
        ) {
          body.append(name.slice(5), value);
        }
      }
    } else if (type !== "") {
      body = text("body") || null;
      headers.set("content-type", type);
    }
    const search = query.size > 0 ? `?${query}` : "";
    return { url: address + search, init: { method, headers, body } };
  };

  /** @param {string} text */
  const readable = (text) => {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  };

  /** @param {Response} answer @param {HTMLElement} into */
  const showBody = async (answer, into) => {
    const stream = answer.headers.get("content-type")?.startsWith("text/event-stream");
    if (!stream || answer.body === null) {
      into.textContent = readable(await answer.text()).slice(0, SHOWN);
      return;
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      into.textContent = ((into.textContent ?? "") + part.value).slice(-SHOWN);
      into.scrollTop = into.scrollHeight;
    }
  };

  /** @param {HTMLFormElement} form @param {Route} route @param {HTMLElement} got @param {AbortController} stop */
  const send = async (form, route, got, stop) => {
    const status = make("p", { role: "status" }, "Sent; no answer yet.");
    const head = make("pre", { tabIndex: 0, ariaLabel: "Headers of the answer" });
    const body = make("pre", { tabIndex: 0, ariaLabel: "Body of the answer" });
    got.replaceChildren(status);
    const { url, init } = requestOf(new FormData(form), route);
    const began = performance.now();
    try {
      const answer = await fetch(url, { ...init, signal: stop.signal });
      const took = Math.round(performance.now() - began);
      status.textContent = `${answer.status} ${answer.statusText}, after ${took}\u00A0ms`;
      head.textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      got.replaceChildren(status, head, body);
      await showBody(answer, body);
    } catch (error) {
      const text = stop.signal.aborted ? "Stopped." : `No answer: ${String(error)}`;
      got.append(make("p", { role: "status" }, text));
    }
  };

  /** @param {Operation} operation */
  const bodyOf = ({ requestBody }) => {
    const content = Object.entries(requestBody?.content ?? {});
    if (content.length === 0) {
      return [];
    }
    const type = choice(
      "type",
      content.map(([name]) => name),
    );
    const parts = content.map(([name, { schema, example }]) => {
      const box = make("div", { className: "trying" });
      if (name === "multipart/form-data") {
        const fields = Object.entries(schema?.properties ?? {});
        box.append(
          ...fields.map(([part, each]) => labelled(part, input(`part ${part}`, each, false))),
        );
      } else {
        const value = example === undefined ? "" : JSON.stringify(example, null, 2);
        const rows = value.split("\n").length + 1;
        box.append(labelled("Body", make("textarea", { name: "body", rows, value })));
      }
      return { name, box };
    });
    const choose = () => parts.forEach(({ name, box }) => (box.hidden = name !== type.value));
    type.addEventListener("change", choose);
    choose();
    return [labelled("Type of the body", type), ...parts.map(({ box }) => box)];
  };

  /** @param {HTMLElement} place @param {Route} route */
  const offer = (place, route) => {
    const { operation, method } = route;
    const accepted = Object.values(operation.responses).find(({ content }) => content);
    const types = Object.keys(accepted?.content ?? {});
    const got = make("div", { className: "got" });
    const go = button(`Send ${method}`, { className: "button primary", type: "submit" });
    const end = button("Stop", { className: "button", type: "button", disabled: true });
    const form = document.createElement("form");
    form.className = "trying";
    form.append(
      ...(operation.parameters ?? []).map((each) =>
        labelled(
          `${each.name}, in the ${each.in}`,
          input(`${each.in} ${each.name}`, each.schema, each.required === true),
        ),
      ),
      ...(types.length > 1 ? [labelled("Answer as", choice("accept", types))] : []),
      ...bodyOf(operation),
      make("p", {}, go, " ", end),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const stop = new AbortController();
      const abort = () => stop.abort();
      end.addEventListener("click", abort);
      [go.disabled, end.disabled] = [true, false];
      void send(form, route, got, stop).finally(() => {
        end.removeEventListener("click", abort);
        [go.disabled, end.disabled] = [false, true];
      });
    });
    place.replaceChildren(form, got);
    form.querySelector("input")?.focus();
  };

  for (const element of document.querySelectorAll("[data-try]")) {
    const place = /** @type {HTMLElement} */ (element);
    place.hidden = false;
    place.querySelector("button")?.addEventListener("click", () => {
      void (routes ??= load()).then((all) => {
        const route = all.get(place.dataset.try ?? "");
        return route && offer(place, route);
      });
    });
  }
  const tools = /** @type {HTMLElement} */ (document.querySelector(".reference-tools"));
  tools.hidden = false;
  field("filter").addEventListener("input", filter);
  addEventListener("hashchange", unfold);
  unfold();
})();
