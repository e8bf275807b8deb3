// @ts-check
/** Keeps an open page up to date. The server says that there is news; the page is read again, and what differs is changed in place. */
(() => {
  const root = document.documentElement;
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const address = main.dataset.live;
  const status = document.querySelector("[data-fresh]");
  if (address === undefined || status === null) {
    return;
  }
  /** A stream that has said nothing for so long is not there any more: it says something every 15 s. */
  const SILENT_MS = 40_000;
  /** A log that is being written: Cloudflare does not say when it has more. */
  const GROWING_MS = 10_000;
  /** Words that depend on the time, on a page where something is under way. */
  const STALE_MS = 60_000;
  const AGAIN_MS = 2_000;
  const PAUSE_MS = 500;
  const SPOKEN_MS = 10_000;

  /** Where this page is read again: not where it is, if it came of a form. */
  const own = /** @type {HTMLAnchorElement} */ (status.querySelector("a")).href;
  const skew = Number(root.dataset.now) - Date.now();
  /** @param {number} at */
  const clock = (at) =>
    new Intl.DateTimeFormat("en-GB", {
      timeZone: root.dataset.zone,
      timeStyle: "medium",
    }).format(at + skew);
  /** @type {EventSource | null} */
  let source = null;
  let over = false;
  let lost = false;
  let heard = Date.now();
  let read = Date.now();
  let reading = false;
  let again = false;
  /** The reader asked for what has ended meanwhile. */
  let show = false;

  /** @param {string} tag @param {Record<string, string>} attributes @param {string} text */
  const made = (tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      element.setAttribute(name, value);
    }
    element.textContent = text;
    return element;
  };

  /** @param {boolean} bad @param {...(string | Node)} what */
  const say = (bad, ...what) => {
    status.classList.toggle("lost", bad);
    const text = made("span", {}, "");
    text.append(...what);
    const sign = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    sign.setAttribute("class", "icon wait");
    sign.setAttribute("aria-hidden", "true");
    sign
      .appendChild(document.createElementNS("http://www.w3.org/2000/svg", "use"))
      .setAttribute("href", "#i-warning");
    status.replaceChildren(...(bad ? [sign] : []), text);
  };

  const isFresh = () => {
    lost = false;
    heard = Date.now();
    delete root.dataset.stopped;
    say(
      false,
      made("span", { class: "as-of" }, "Up to date, "),
      made("span", { class: "at" }, clock(heard)),
    );
  };

  const isLost = () => {
    if (!lost && !over) {
      lost = true;
      root.dataset.stopped = "";
      say(true, `Not updating since ${clock(heard)}, connecting again`);
    }
  };

  /** Nothing can be done from here any more. @param {string} why @param {string} remedy */
  const end = (why, remedy) => {
    over = true;
    source?.close();
    root.dataset.stopped = "";
    for (const button of main.querySelectorAll("button")) {
      button.disabled = true;
    }
    for (const link of main.querySelectorAll("a.button, a.minor")) {
      link.removeAttribute("href");
      link.setAttribute("aria-disabled", "true");
    }
    main.classList.add("over");
    say(true, `${why} `, made("a", { href: own }, remedy));
    status.setAttribute("role", "status");
  };

  /** @param {Node} node */
  const keyOf = (node) => (node instanceof Element ? node.getAttribute("data-key") : null);
  /** @param {Node} node */
  const isKept = (node) => node instanceof Element && node.hasAttribute("data-kept");

  /** What the reader may have changed stays as it is. @param {Element} old @param {Element} fresh */
  const become = (old, fresh) => {
    if (old.matches("input, select, textarea") || old.isEqualNode(fresh)) {
      return;
    }
    for (const { name } of Array.from(old.attributes)) {
      if (!fresh.hasAttribute(name) && name !== "open") {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && name !== "open") {
        old.setAttribute(name, value);
      }
    }
    becomeWithin(old, fresh);
  };

  /** @param {Element} old @param {Element} fresh */
  const becomeWithin = (old, fresh) => {
    const keys = new Set([...fresh.children].map(keyOf));
    /** @type {Map<string, Element>} */
    const keyed = new Map();
    for (const child of Array.from(old.children)) {
      const key = keyOf(child);
      if (key !== null && keys.has(key)) {
        keyed.set(key, child);
      } else if (key !== null && old.hasAttribute("data-stays")) {
        child.classList.add("left");
      } else if (key !== null) {
        child.remove();
      }
    }
    /** @param {ChildNode | null} node @returns {ChildNode | null} */
    const open = (node) =>
      node !== null && (isKept(node) || (keyOf(node) !== null && !keys.has(keyOf(node))))
        ? open(node.nextSibling)
        : node;
    let at = open(old.firstChild);
    for (const want of [...fresh.childNodes].filter((node) => !isKept(node))) {
      const key = keyOf(want);
      const like = at !== null && keyOf(at) === null && at.nodeName === want.nodeName ? at : null;
      const have = key === null ? like : (keyed.get(key) ?? null);
      if (have === null) {
        old.insertBefore(document.importNode(want, true), at);
        continue;
      }
      if (have === at) {
        at = open(at.nextSibling);
      } else {
        old.insertBefore(have, at);
      }
      if (have instanceof Element && want instanceof Element) {
        become(have, want);
      } else if (have.nodeValue !== want.nodeValue) {
        have.nodeValue = want.nodeValue;
      }
    }
    while (at !== null) {
      const next = open(at.nextSibling);
      at.remove();
      at = next;
    }
  };

  /** @param {ParentNode} page */
  const endedOn = (page) => [...page.querySelectorAll("table.history tr.entry")].map(keyOf);

  /** Rows come by themselves only where that moves nothing under the reader. @param {HTMLElement} fresh */
  const holdHistory = (fresh) => {
    const table = main.querySelector("table.history");
    const known = endedOn(main);
    const count = endedOn(fresh).filter((key) => !known.includes(key)).length;
    const line = fresh.querySelector("[data-ended]");
    if (table === null || line === null || count === 0 || show) {
      return;
    }
    if (table.getBoundingClientRect().top >= 0 && !table.contains(document.activeElement)) {
      return;
    }
    fresh.querySelector("table.history")?.replaceWith(table.cloneNode(true));
    line.append(
      `${count} ended. `,
      made("button", { type: "button", class: "minor", "data-show": "" }, "Show"),
    );
  };

  const sentence = () => main.querySelector(".band h2")?.textContent ?? "";
  let spoken = sentence();
  let spokenAt = 0;
  /** A reader who listens hears the top sentence when it has changed, and not each of a row of changes. */
  const speak = () => {
    const region = document.querySelector("[data-spoken]");
    if (region !== null && sentence() !== spoken && Date.now() - spokenAt >= SPOKEN_MS) {
      spoken = sentence();
      spokenAt = Date.now();
      region.textContent = spoken;
    }
  };

  /** @param {Document} page */
  const update = (page) => {
    const fresh = page.getElementById("main");
    if (fresh === null) {
      return;
    }
    for (const button of fresh.querySelectorAll("button[data-copy]")) {
      button.removeAttribute("hidden");
    }
    holdHistory(fresh);
    const log = main.querySelector(".log");
    if (log !== null) {
      // What the reader is at stays, when it can't be had for a moment.
      fresh.querySelector("[data-unread]")?.replaceWith(log.cloneNode(true));
    }
    const held = document.activeElement;
    root.dataset.zone = page.documentElement.dataset.zone;
    becomeWithin(main, fresh);
    const [foot, under] = [document, page].map((each) => each.querySelector(".foot"));
    if (foot && under) {
      becomeWithin(foot, under);
    }
    if (show) {
      const first = main.querySelector("table.history a");
      (first instanceof HTMLElement ? first : main).focus();
    } else if (held !== null && !held.isConnected) {
      main.focus({ preventScroll: true });
    }
    show = false;
    document.title = page.title;
    const [icon, newer] = [document, page].map((each) => each.querySelector('link[rel="icon"]'));
    if (icon && newer && icon.getAttribute("href") !== newer.getAttribute("href")) {
      icon.setAttribute("href", newer.getAttribute("href") ?? "");
    }
    document.dispatchEvent(new Event("fresh"));
    speak();
  };

  const fetchPage = async () => {
    const response = await fetch(own, { headers: { accept: "text/html" } });
    if (response.status === 401) {
      end("You are signed out.", "Sign in");
    } else if (response.status === 403 || response.status === 404) {
      end("This page is not there any more.", "Load it again");
    } else if (response.redirected) {
      location.replace(response.url);
    } else if (response.ok) {
      update(new DOMParser().parseFromString(await response.text(), "text/html"));
      read = Date.now();
      if (source?.readyState === EventSource.OPEN) {
        isFresh();
      }
    } else {
      throw new Error(`answered ${response.status}`);
    }
  };

  /** Reads the page, and once more if there was news meanwhile. */
  const refresh = async () => {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    do {
      again = false;
      try {
        await fetchPage();
      } catch {
        isLost();
        again = true;
      }
      await new Promise((resolve) => setTimeout(resolve, lost ? AGAIN_MS : PAUSE_MS));
      if (over) {
        return;
      }
    } while (again);
    reading = false;
  };

  const isStale = () => {
    const age = Date.now() - read;
    return (
      (age > STALE_MS && main.querySelector("[data-since]") !== null) ||
      (age > GROWING_MS && !document.hidden && main.querySelector("[data-growing]") !== null)
    );
  };

  const listen = () => {
    source?.close();
    source = new EventSource(address);
    source.addEventListener("news", () => void refresh());
    source.addEventListener("ping", () => (lost ? void refresh() : isFresh()));
    source.addEventListener("end", () => comeAgain());
    source.addEventListener("error", () => {
      isLost();
      if (source?.readyState === EventSource.CLOSED) {
        comeAgain();
      }
    });
  };

  /** Where a stream was refused, or was ended, the page itself says why. */
  const comeAgain = () => {
    source?.close();
    void refresh();
    setTimeout(() => over || listen(), AGAIN_MS);
  };

  document.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("[data-show]") !== null) {
      show = true;
      void refresh();
    }
  });
  setInterval(() => {
    if (over) {
      return;
    }
    speak();
    if (source?.readyState === EventSource.OPEN && Date.now() - heard > SILENT_MS) {
      isLost();
      listen();
    } else if (!lost && isStale()) {
      void refresh();
    }
  }, 1000);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", ({ persisted }) => persisted && !over && listen());
  listen();
})();
