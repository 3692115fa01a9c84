// What ipywidgets cannot say of its own: attributes for phones and screen readers, the announcement of an
// answer, that an answer is not yet for the amounts now entered, and a word when none will come.
"use strict";
(() => {
  const LONG = 1000; // ms after which it is told how much of the page has come
  const SLOW = 30000; // ms until we say that the start takes longer than usual
  const PATIENCE = 5000; // ms until a connection that is being made counts as lost
  const SOON = 150; // ms without a reply until the answer is marked as an earlier one
  const LATE = 3000; // ms without a reply until a word says so
  const TYPED = 150; // ms after the last key until the amounts are tried
  const POLITE = 1000; // ms after an answer until it is said aloud, while amounts are typed
  const FIELDS = ".wc-app .wc-field [class*=wc-input-] input";
  const ENTRIES = ".wc-app .wc-field input"; // the customer on record, and the amounts
  const READY = ".wc-results .wc-hero";
  const KEPT = "wholesale-amounts"; // what was typed, kept while this tab reloads

  window.voila_heartbeat = () => {}; // Voila calls it while a kernel is slow

  // A closing page asks for its kernel's end; without the double-submit cookie the server refuses it.
  if (!document.cookie.includes("_xsrf=")) {
    const token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
    document.cookie = `_xsrf=${token.join("")}; path=/; SameSite=Strict`;
  }

  // Dark, or light where that is preferred; what is pressed here is remembered.
  const THEME = "wholesale-theme";
  const root = document.documentElement;
  if (localStorage.getItem(THEME)) root.dataset.theme = localStorage.getItem(THEME);
  const bright = matchMedia("(prefers-color-scheme: light)");
  const light = () => (root.dataset.theme ? root.dataset.theme === "light" : bright.matches);

  function dressTheme() {
    const button = document.querySelector(".wc-theme");
    button.hidden = false;
    button.textContent = light() ? "Dark theme" : "Light theme";
  }
  bright.addEventListener("change", dressTheme);

  // How much of Voila's script has come; the browser fetches it once for both that ask.
  async function tellProgress() {
    const [said, script] = [".wc-share", "link[data-bytes]"].map((each) => document.querySelector(each));
    const reader = said && script && (await fetch(script.href)).body.getReader();
    for (let part, got = 0; reader && !(part = await reader.read()).done;) {
      got += part.value.length;
      said.textContent = `${Math.floor((100 * got) / script.dataset.bytes)}% loaded. `;
    }
  }

  // The gravest of what hinders an answer is told, for as long as it does.
  const troubles = { gone: "", lost: "", late: "", slow: "" };

  function trouble(kind, sentence) {
    troubles[kind] = sentence;
    const gravest = Object.values(troubles).find(Boolean);
    const notice = document.getElementById("wc-notice");
    if (!notice || (!notice.hidden && notice.firstChild.textContent === gravest)) return;
    if (gravest) notice.firstChild.textContent = gravest;
    notice.hidden = !gravest;
  }

  function set(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  function dress(field, columns, i) {
    const input = field.querySelector("input");
    const error = field.querySelector(".wc-error, .wc-unknown");
    if (!input || !error) return;
    const wrong = error.textContent.trim() !== "";
    error.id ||= input.id + "-error";
    if (columns[i] !== undefined) set(input.closest(".widget-text"), "data-column", columns[i]);
    const said = { inputmode: columns[i] === undefined ? "text" : "decimal", autocomplete: "off", spellcheck: "false", "aria-invalid": String(wrong) };
    for (const [name, value] of Object.entries(said)) set(input, name, value);
    if (wrong) set(input, "aria-describedby", error.id);
    else input.removeAttribute("aria-describedby");
  }

  // What is measured, as the kernel says it: of whatever models, and whoever serves the page.
  const measured = () => document.querySelector(".wc-app [data-columns]")?.dataset || {};

  let polite = 0;

  function announce(words) {
    const status = document.getElementById("wc-status");
    if (status && status.textContent !== words) status.textContent = words;
  }

  function announceAnswer() {
    clearTimeout(polite);
    const spoken = document.querySelector(".wc-results .wc-announce")?.textContent;
    if (spoken) polite = setTimeout(announce, typing ? POLITE : 0, spoken);
  }

  const tabs = () => [...document.querySelectorAll(".wc-tabs [role=tab]")];

  function dressPages() {
    for (const tab of tabs()) {
      const page = document.querySelector(`.wc-app .wc-page-${tab.dataset.page}`);
      if (!page || page.id) continue;
      page.id = `wc-page-${tab.dataset.page}`;
      page.setAttribute("role", "tabpanel");
      page.setAttribute("aria-labelledby", tab.id);
      tab.setAttribute("aria-controls", page.id);
    }
  }

  function show(name) {
    const chosen = tabs().find((tab) => tab.dataset.page === name) || tabs()[0];
    for (const tab of tabs()) {
      set(tab, "aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
    }
    document.body.dataset.page = chosen.dataset.page;
    return chosen;
  }

  // What the other scripts use, and what they want to be told.
  const page = Object.assign(window.wholesale ||= { on: {} }, {
    announce,
    ask,
    columns: () => JSON.parse(measured().columns || "[]"),
    group: (digits) => String(digits).replace(/\B(?=(\d{3})+$)/g, "\u00a0"),
    toAnswer,
    texts: () => fields().map((input) => input.value),
    show(name, told = true) {
      show(name);
      if (told) page.on.shown?.();
    },
  });

  const fields = () => [...document.querySelectorAll(FIELDS)];
  let wishes = 0;
  let shown = null;
  let told = 0; // the last answer that the other scripts know of

  // Ask the kernel for something that no field says; every wish is another text.
  function ask(wish) {
    const input = document.querySelector(".wc-wish input");
    if (!input) return;
    wishes += 1;
    if (!wish.try && !wish.others) asked = replies();
    input.value = JSON.stringify({ ...wish, wish: wishes });
    input.dispatchEvent(new Event("change", { bubbles: true }));
    compare();
  }

  function refresh() {
    if (document.querySelector(READY)) {
      takeOver();
      if (troubles.slow) trouble("slow", "");
    }
    const restored = restore();
    if (!shown && tabs().length) shown = show(new URLSearchParams(location.hash.slice(1)).get("tab")); // this script may run before they are there
    const columns = [undefined, ...page.columns()]; // the first field is the customer's
    document.querySelectorAll(".wc-app .wc-field").forEach((field, i) => dress(field, columns, i));
    const { title } = measured();
    if (title && document.title !== title) document.title = document.querySelector("h1").textContent = title;
    dressPages();
    if (document.querySelector(".wc-theme[hidden]")) dressTheme();
    if (typing && typing.input.value !== typing.text) typing.input.value = typing.text; // a late reply's rewriting
    markRest();
    compare();
    if (drawn() && replies() !== told) {
      if (!told) {
        page.on.ready?.(page.ready = { restored });
        ask({ others: true });
      } else if (!typing) page.on.answered?.();
      told = replies();
      announceAnswer();
    }
    model ||= document.querySelector("script[type$='cell-output+json']")?.textContent.match(/"model_id": *"(\w+)"/)?.[1];
  }

  // What was typed before the page was ready goes into its fields, and the cursor to its place.
  let early = -1;

  function takeOver() {
    const skeleton = document.querySelector(".wc-skeleton");
    if (!skeleton || !drawn()) return;
    const typed = [...skeleton.querySelectorAll("input")].map((input) => input.value);
    skeleton.remove();
    if (typed.some(Boolean)) ask({ fill: page.texts().map((text, i) => typed[i] || text) });
    if (early >= 0) fields()[early].focus();
  }

  // A reload keeps what was typed; a fresh visit starts anew.
  window.addEventListener("pagehide", () => {
    const typed = page.texts();
    if (typed.length) sessionStorage.setItem(KEPT, JSON.stringify(typed));
  });

  let kept = performance.getEntriesByType("navigation")[0]?.type === "reload"
    ? JSON.parse(sessionStorage.getItem(KEPT) || "[]") : [];

  function restore() {
    if (!kept.length || fields().length !== kept.length || !drawn()) return false;
    const typed = kept;
    kept = [];
    if (typed.some((text, i) => text !== page.texts()[i])) ask({ fill: typed });
    return true;
  }

  // The kernel says which amounts it has heard; as long as others are entered, the answer is for earlier ones.
  let typing = null; // what was typed and not yet committed
  let asked = 0; // the reply before which a button was pressed
  let [late, marking, trial] = [0, 0, 0];

  const heard = () => document.querySelector(".wc-results [data-heard]");
  const drawn = () => document.querySelector(READY) && document.querySelector(".wc-wish input") && heard()
    && fields().length === JSON.parse(heard().dataset.heard).length - 2;
  const replies = () => JSON.parse(heard()?.dataset.heard || "[0]")[0];

  // The verdict comes before the rest, which is marked for as long as it is of earlier amounts.
  function markRest() {
    const [verdict, rest] = document.querySelectorAll(".wc-results .wc-answer");
    rest?.classList.toggle("wc-behind", rest.dataset.amounts !== verdict.dataset.amounts);
  }

  function compare() {
    if (!heard() || !fields().length) return; // the form is still being drawn
    const [reply, ...its] = JSON.parse(heard().dataset.heard);
    const others = [...document.querySelectorAll(ENTRIES)].filter((input, i) => input.value !== its[i]);
    mark(reply === asked || others.length > 0);
    const waits = reply === asked || others.some((input) => input !== typing?.input);
    if (waits) late = late || setTimeout(trouble, LATE, "late", "No answer yet: what you see is for the earlier amounts. What you typed is still here.");
    else if (late) {
      clearTimeout(late);
      late = 0;
      trouble("late", "");
    }
  }

  // Most replies come sooner than this shows; until then nothing is drawn anew, so that they come soon.
  function mark(waits) {
    const stale = () => document.querySelector(".wc-results .wc-is-stale"); // which says so itself
    const show = () => document.querySelector(".wc-results").classList.toggle("wc-waits", marking > 0 && !stale());
    if (waits) return void (marking ||= setTimeout(show, SOON));
    clearTimeout(marking);
    marking = 0;
    show();
  }

  document.addEventListener("click", (event) => {
    if (event.target.matches("#wc-notice button")) location.reload();
    if (event.target.matches(".wc-theme")) {
      root.dataset.theme = light() ? "dark" : "light";
      localStorage.setItem(THEME, root.dataset.theme);
      dressTheme();
    }
    const tab = event.target.closest(".wc-tabs [role=tab]");
    if (tab) page.show(tab.dataset.page);
  });

  document.addEventListener("input", (event) => {
    if (!event.target.matches(ENTRIES)) return;
    typing = { input: event.target, text: event.target.value };
    clearTimeout(trial);
    if (event.target.matches(FIELDS)) trial = setTimeout(() => { if (typing) ask({ try: page.texts() }); }, TYPED);
    compare();
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches(ENTRIES)) return;
    typing = null;
    clearTimeout(trial);
    if (target.matches(".wc-picker input")) page.on.picked?.();
    else if (/^[1-9]\d{3,14}$/.test(target.value)) target.value = page.group(target.value); // as the kernel would: no rewriting comes back
    compare();
  }, true);
  const commit = () => typing?.input.dispatchEvent(new Event("change", { bubbles: true }));
  document.addEventListener("focusout", commit);

  // On a phone the form fills the screen: after Predict the answer is brought into view.
  function toAnswer() {
    const results = document.querySelector(".wc-results");
    const { top } = results.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) results.scrollIntoView();
  }

  // The kernel deals a copied row out to the fields; the browser would join its lines.
  function paste(event) {
    const text = (event.clipboardData || event.dataTransfer).getData("text").replace(/[\r\n]+$/, "");
    if (!event.target.matches(FIELDS) || !/[\t\r\n;]/.test(text)) return;
    event.preventDefault();
    event.target.value = text.split(/\r\n|[\t\r\n;]/).join("; ");
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }
  document.addEventListener("paste", paste);
  document.addEventListener("drop", paste);

  // Leaving a field while a button is held down would move the button or draw it anew, and lose the click.
  // An answer that comes meanwhile draws its buttons anew, perhaps elsewhere, and no click would follow.
  let pressed = null;
  let at = [];
  const twin = (button) => [...document.querySelectorAll(".wc-page-one button")]
    .find((other) => other.className === button.className && other.dataset.customer === button.dataset.customer);
  document.addEventListener("mousedown", (event) => {
    pressed = event.target.closest(".wc-page-one button");
    at = [event.clientX, event.clientY];
    if (pressed) event.preventDefault();
  });
  document.addEventListener("mouseup", (event) => {
    const still = Math.hypot(event.clientX - at[0], event.clientY - at[1]) < 5;
    if (still && pressed && !pressed.isConnected) twin(pressed)?.click();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".wc-page-one button");
    if (!button) return;
    if (event.detail) button.focus(); // pressed with a pointer: the field is left, and its change sent, only now
    commit();
    if (button.matches(".wc-predict, .wc-reset, .wc-undo")) asked = replies();
    if (button.matches(".wc-predict")) requestAnimationFrame(toAnswer);
    compare();
  }, true);

  document.addEventListener("focusin", (event) => {
    early = [...document.querySelectorAll(".wc-outline input")].indexOf(event.target);
    if (event.target.matches(ENTRIES)) event.target.select();
  });

  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && event.target.matches(".wc-tabs [role=tab]")) {
      const all = tabs();
      const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
      next.click();
      next.focus();
    }
    if (event.key === "Enter" && event.target.matches(ENTRIES) && !event.isComposing) {
      event.preventDefault(); // else ipywidgets would tell the kernel of Enter first, and then of the change
      if (typing) { commit(); requestAnimationFrame(toAnswer); } else document.querySelector(".wc-app .wc-predict").click();
    }
  });

  // On a crowded server Voila may draw the page before its model has come, and would give it up: let it wait.
  let model = null;

  function meet(manager) {
    const get = manager.get_model.bind(manager);
    manager.get_model = async (id) => {
      while (id === model && !manager.has_model(id)) await new Promise((done) => setTimeout(done, 100));
      return get(id);
    };
    watchConnection(manager.kernel);
  }

  Object.defineProperty(window, "jupyterapp", { set({ widgetManager, widgetManagerPromise: given }) { // Voila, started
    const { resolve } = given;
    given.resolve = (manager) => [meet(manager), resolve.call(given, manager)]; // before anybody else does
    if (widgetManager) meet(widgetManager);
  } });

  function watchConnection(kernel) {
    const lost = "The connection to the server is lost; answers no longer follow. What you typed is still here.";
    const gone = "This page's kernel has stopped; answers no longer follow. What you typed is still here, and stays when you reload.";
    let waiting = 0;
    const check = () => {
      const { connectionStatus, status } = kernel;
      if (["dead", "terminating", "restarting", "autorestarting"].includes(status)) trouble("gone", gone); // for good: a new kernel knows nothing of this page
      clearTimeout(waiting);
      if (connectionStatus === "connected") trouble("lost", "");
      else waiting = setTimeout(trouble, connectionStatus === "connecting" ? PATIENCE : 0, "lost", lost);
    };
    kernel.connectionStatusChanged.connect(check);
    kernel.statusChanged.connect(check);
    kernel.anyMessage.connect((_, { msg }) => {
      if (msg.header.msg_type === "shutdown_reply") trouble("gone", gone); // Jupyter says no more of it
    });
    check();
  }

  // Widgets get their classes after they are in the page, so classes are watched as well.
  const watched = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
  new MutationObserver(refresh).observe(document.documentElement, watched);
  refresh();
  setTimeout(tellProgress, LONG);
  setTimeout(() => {
    if (!document.querySelector(READY + ", .wc-failed")) trouble("slow", "Starting takes longer than usual.");
  }, SLOW);
})();
