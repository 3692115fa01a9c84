// What is around the widgets where they are a page: its tabs, theme and address, a word while it starts, and a
// word when no answer will come. In JupyterLab there is none of this.
"use strict";
(() => {
  const LONG = 1000; // ms after which it is told how much of the page has come
  const SLOW = 30000; // ms until we say that the start takes longer than usual
  const PATIENCE = 5000; // ms until a connection that is being made counts as lost
  const AFTER = 60; // ms after an answer until the address says it
  const READY = ".wc-results .wc-hero";
  const KEPT = "wholesale-amounts"; // what was typed, kept while this tab reloads
  const $ = (selector) => document.querySelector(selector);
  const page = window.wholesale ||= { on: {} };

  window.voila_heartbeat = () => {}; // Voila calls it while a kernel is slow

  // A closing page asks for its kernel's end; without the double-submit cookie the server refuses it.
  if (!document.cookie.includes("_xsrf=")) {
    const token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
    document.cookie = `_xsrf=${token.join("")}; path=/; SameSite=Strict`;
  }

  // ---- Dark, or light where that is preferred; what is pressed here is remembered

  const THEME = "wholesale-theme";
  const root = document.documentElement;
  if (localStorage.getItem(THEME)) root.dataset.theme = localStorage.getItem(THEME);
  const bright = matchMedia("(prefers-color-scheme: light)");
  const light = () => (root.dataset.theme ? root.dataset.theme === "light" : bright.matches);

  const dressTheme = () => Object.assign($(".wc-theme"), { hidden: false, textContent: light() ? "Dark theme" : "Light theme" });
  bright.addEventListener("change", dressTheme);

  // ---- While it starts: how much of Voila's script has come; the browser fetches it once for both that ask

  async function tellProgress() {
    const [said, script] = [".wc-share", "link[data-bytes]"].map($);
    const reader = said && script && (await fetch(script.href)).body.getReader();
    for (let part, got = 0; reader && !(part = await reader.read()).done;) {
      got += part.value.length;
      said.textContent = `${Math.floor((100 * got) / script.dataset.bytes)}% loaded. `;
    }
  }

  // What was typed before the page was ready goes into its fields, and the cursor to its place.
  const place = (input) => [...document.querySelectorAll(".wc-outline input")].indexOf(input);
  let early = place(document.activeElement);

  function takeOver() {
    const skeleton = $(".wc-skeleton");
    if (!skeleton || !page.drawn()) return;
    const typed = [...skeleton.querySelectorAll("input")].map((input) => input.value);
    skeleton.remove();
    if (typed.some(Boolean)) page.ask({ fill: page.texts().map((text, i) => typed[i] || text) });
    if (early >= 0) page.fields()[early].focus();
  }

  document.addEventListener("focusin", (event) => { early = place(event.target); });

  // A reload keeps what was typed; a fresh visit starts anew.
  window.addEventListener("pagehide", () => { if (page.texts?.().length) sessionStorage.setItem(KEPT, JSON.stringify(page.texts())); });
  let kept = performance.getEntriesByType("navigation")[0]?.type === "reload"
    ? JSON.parse(sessionStorage.getItem(KEPT) || "[]") : [];

  // ---- The gravest of what hinders an answer is told, for as long as it does

  const troubles = { gone: "", lost: "", late: "", slow: "" };

  function trouble(kind, sentence) {
    troubles[kind] = sentence;
    const gravest = Object.values(troubles).find(Boolean);
    const notice = $("#wc-notice");
    if (!notice || (!notice.hidden && notice.firstChild.textContent === gravest)) return;
    if (gravest) notice.firstChild.textContent = gravest;
    notice.hidden = !gravest;
  }

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
    const gone = "This page's kernel has stopped; answers no longer follow. What you typed is still here, and stays when you reload.";
    let waiting = 0;
    const check = () => {
      if (["dead", "terminating", "restarting", "autorestarting"].includes(kernel.status)) trouble("gone", gone); // for good: a new kernel knows nothing of this page
      clearTimeout(waiting);
      if (kernel.connectionStatus === "connected") trouble("lost", "");
      else waiting = setTimeout(trouble, kernel.connectionStatus === "connecting" ? PATIENCE : 0, "lost",
        "The connection to the server is lost; answers no longer follow. What you typed is still here.");
    };
    kernel.connectionStatusChanged.connect(check);
    kernel.statusChanged.connect(check);
    kernel.anyMessage.connect((_, { msg }) => { if (msg.header.msg_type === "shutdown_reply") trouble("gone", gone); }); // Jupyter says no more of it
    check();
  }

  // ---- Tabs

  const tabs = () => [...document.querySelectorAll(".wc-tabs [role=tab]")];

  function dressPages() {
    for (const tab of tabs()) {
      const panel = $(`.wc-app .wc-page-${tab.dataset.page}`);
      if (!panel || panel.id) continue;
      panel.id = `wc-page-${tab.dataset.page}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.setAttribute("aria-controls", panel.id);
    }
  }

  const places = {}; // how far down each was left, which the browser does not know
  history.scrollRestoration = "manual";
  page.show = (name, told = true) => {
    const chosen = tabs().find((tab) => tab.dataset.page === name) || tabs()[0];
    const [before, now] = [document.body.dataset.page, chosen.dataset.page];
    places[before] = scrollY;
    for (const tab of tabs()) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
    }
    document.body.dataset.page = now;
    if (now !== before) scrollTo(0, places[now] ?? 0);
    if (told) note();
  };

  document.addEventListener("click", ({ target }) => {
    const tab = target.closest(".wc-tabs [role=tab]");
    if (tab) page.show(tab.dataset.page);
    if (target.matches("#wc-notice button")) location.reload();
    if (target.matches(".wc-theme")) {
      root.dataset.theme = light() ? "dark" : "light";
      localStorage.setItem(THEME, root.dataset.theme);
      dressTheme();
    }
  });

  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !event.target.matches(".wc-tabs [role=tab]")) return;
    const all = tabs();
    const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
    next.click();
    next.focus();
  });

  // ---- The address: the tab, each category's amount behind "a.", those of a pinned customer behind "p.", and
  // the names that the two were given; in the fragment, which no server sees

  const plain = (text) => text.replaceAll("\u00a0", "");
  const pinned = () => JSON.parse($(".wc-pin")?.dataset.pinned || "[]");
  const alike = (texts, others) => texts.map(plain).join("\n") === others.map(plain).join("\n");
  // What was entered before the address said anything; answers to what it says are no new entries in the history.
  let [start, following] = [null, false];
  for (const kind of ["pointerdown", "keydown", "click"]) document.addEventListener(kind, () => { following = false; }, true);

  function fragment() {
    const amounts = (mark, texts) => page.columns().slice(0, texts.length).map((column, i) => [`${mark}.${column}`, plain(texts[i])]);
    const entries = [["tab", document.body.dataset.page], ...amounts("a", page.texts()), ...amounts("p", pinned())];
    const names = [["name", $("#wc-called")?.value.trim()], ["pname", $(".wc-pin")?.dataset.called]].filter(([, given]) => given);
    return `#${[...entries, ...names].map((entry) => entry.map(encodeURIComponent).join("=")).join("&")}`;
  }
  page.link = () => location.href.split("#")[0] + fragment();

  const asked = () => new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));

  // Amounts of the address go into the fields, whatever they are: what is wrong or missing is named there.
  function follow() {
    const wanted = asked();
    page.show(wanted.get("tab"), false);
    if (!page.columns().length) return;
    const amounts = (mark, none) => {
      const texts = page.columns().map((column) => wanted.get(`${mark}.${column}`));
      return texts.some((text) => text !== null) ? texts.map((text) => text ?? "") : none;
    };
    const texts = kept.length === page.columns().length ? kept : amounts("a", start);
    const other = amounts("p", []);
    kept = [];
    page.call(wanted.get("name") ?? "");
    if (!following && alike(texts, page.texts()) && alike(other, pinned())) return; // an earlier step may be on its way
    following = true;
    page.ask({ fill: texts, pinned: other, called: wanted.get("pname") });
  }

  const write = (how) => history[how](null, "", fragment());
  const note = () => { if (start && fragment() !== location.hash) write(following ? "replaceState" : "pushState"); };

  function ready() {
    start = page.texts();
    const linked = !kept.length && location.hash.includes("a.");
    follow();
    if (linked) page.toAnswer();
  }

  window.addEventListener("popstate", follow);
  document.addEventListener("change", ({ target }) => { if (target.id === "wc-called") write("replaceState"); });

  // ---- What the widgets' script tells

  function refreshed() {
    if ($(READY) && troubles.slow) trouble("slow", "");
    takeOver();
    dressPages();
    const { title } = page.measured();
    if (title && document.title !== title) document.title = $("h1").textContent = title;
    model ||= $("script[type$='cell-output+json']")?.textContent.match(/"model_id": *"(\w+)"/)?.[1];
  }

  // A new address makes the browser work out every style: not before the answer is painted.
  Object.assign(page.on, { refreshed, ready, answered: () => setTimeout(note, AFTER), late: (sentence) => trouble("late", sentence) });
  dressTheme();
  page.show(asked().get("tab"), false);
  if (page.drawn) refreshed();
  if (page.ready) ready();
  setTimeout(tellProgress, LONG);
  setTimeout(() => { if (!$(READY + ", .wc-failed")) trouble("slow", "Starting takes longer than usual."); }, SLOW);
})();
