// @ts-check
/** Questions open where they are asked. Without script, and wherever that fails, each is a page of its own. */
(() => {
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  /**
   * `from` is where the control leads, for a live page may put another control in its place; `address` is where the question
   * that is shown stands, and `held` what has focus in it.
   * @type {{ panel: HTMLElement, from: string, address: string, held: HTMLElement | null } | null}
   */
  let open = null;
  let reading = false;
  let kept = 0;

  /** @returns {HTMLAnchorElement[]} */
  const controls = () =>
    [...main.querySelectorAll("a[data-ask]")]
      .map((link) => /** @type {HTMLAnchorElement} */ (link))
      .filter((link) => open?.panel.contains(link) !== true);
  const control = () => controls().find(({ href }) => href === open?.from) ?? null;

  const mark = () => {
    for (const link of controls()) {
      link.setAttribute("aria-expanded", String(link.href === open?.from));
    }
  };

  /** @param {string} address @returns {Promise<HTMLElement>} */
  const questionAt = async (address) => {
    const response = await fetch(address, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector("[data-question]");
    if (!response.ok || !(found instanceof HTMLElement)) {
      throw new Error(`no question at ${address}`);
    }
    return document.importNode(found, true);
  };

  /** Under what it is about, so that it is read after it. @param {Element} link @param {Element} panel */
  const place = (link, panel) => {
    const about = link.closest(".waiting, .running, .list > li");
    if (about === null) {
      (link.closest(".titled") ?? link.closest(".actions, p") ?? link).after(panel);
    } else {
      about.append(panel);
    }
  };

  const emptyPanel = () => {
    const panel = document.createElement("div");
    panel.className = "panel question";
    panel.tabIndex = -1;
    panel.dataset.kept = "";
    panel.setAttribute("role", "group");
    panel.setAttribute("aria-labelledby", "question");
    panel.addEventListener("focusin", ({ target }) => {
      if (open !== null && target instanceof HTMLElement) {
        open.held = target;
      }
    });
    return panel;
  };

  /** @param {HTMLElement} panel @param {HTMLElement} question */
  const fill = (panel, question) => {
    const title = document.createElement("p");
    title.id = "question";
    title.textContent = question.dataset.question ?? "";
    question.classList.remove("panel", "wide", "plain");
    panel.replaceChildren(title, question);
    if (question.querySelector("[data-keep]") === null) {
      const leave = document.createElement("button");
      leave.type = "button";
      leave.className = "button";
      leave.dataset.keep = "";
      leave.textContent = "Leave it as it is";
      panel.append(leave);
    }
  };

  const close = () => {
    const back = control();
    const held = open?.panel.contains(document.activeElement) === true;
    open?.panel.remove();
    open = null;
    mark();
    if (held) {
      (back ?? main).focus();
    }
  };

  /** @param {HTMLAnchorElement} link */
  const ask = async (link) => {
    if (reading) {
      return;
    }
    reading = true;
    try {
      const question = await questionAt(link.href);
      const within = open !== null && open.panel.contains(link) ? open : null;
      if (within === null) {
        open?.panel.remove();
        open = { panel: emptyPanel(), from: link.href, address: link.href, held: null };
        place(link, open.panel);
      } else {
        within.address = link.href;
      }
      if (open !== null) {
        fill(open.panel, question);
        open.panel.focus();
      }
      mark();
    } catch {
      location.assign(link.href);
    } finally {
      reading = false;
    }
  };

  /** What a question says stays true while it is open; it goes with the last control that asks it. */
  const keepUp = async () => {
    mark();
    const asked = open;
    const link = control();
    if (asked === null) {
      return;
    }
    if (link === null) {
      close();
      return;
    }
    if (!asked.panel.isConnected) {
      place(link, asked.panel);
      if (document.activeElement === main || document.activeElement === document.body) {
        asked.held?.focus();
      }
    }
    const turn = ++kept;
    const fresh = await questionAt(asked.address).catch(() => null);
    const [facts, newer] = [asked.panel, fresh].map((each) => each?.querySelector("dl"));
    if (open === asked && turn === kept && facts && newer) {
      facts.replaceWith(newer);
    }
  };

  document.addEventListener("click", (event) => {
    const { target, button, metaKey, ctrlKey, shiftKey, altKey } = event;
    if (!(target instanceof Element) || button !== 0 || metaKey || ctrlKey || shiftKey || altKey) {
      return;
    }
    const link = target.closest("a[data-ask][href]");
    if (open !== null && open.panel.contains(target.closest("[data-keep]"))) {
      event.preventDefault();
      close();
    } else if (link instanceof HTMLAnchorElement) {
      event.preventDefault();
      if (link.href === open?.from && !open.panel.contains(link)) {
        close();
      } else {
        void ask(link);
      }
    }
  });
  document.addEventListener("keydown", ({ key, target }) => {
    if (key === "Escape" && target instanceof Node && open?.panel.contains(target)) {
      close();
    }
  });
  document.addEventListener("fresh", () => void keepUp());
  mark();
})();
