// What ipywidgets cannot say of its own: attributes for phones and screen readers, grouped thousands,
// the announcement of an answer, and a word when the connection is lost.
"use strict";
(() => {
  const SLOW = 30000; // ms until we say that the start takes longer than usual
  const PATIENCE = 5000; // ms until a connection that is being made counts as lost
  const FIELDS = ".wc-app .wc-field input";
  const READY = ".wc-results .wc-hero";

  window.voila_heartbeat = () => {}; // Voila calls it while a kernel is slow

  // A closing page asks for its kernel's end; without the double-submit cookie the server refuses it.
  if (!document.cookie.includes("_xsrf=")) {
    const token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
    document.cookie = `_xsrf=${token.join("")}; path=/; SameSite=Strict`;
  }

  function notify(sentence) {
    const notice = document.getElementById("wc-notice");
    if (!notice || !notice.hidden) return;
    const reload = document.createElement("button");
    reload.textContent = "Reload";
    reload.addEventListener("click", () => location.reload());
    notice.replaceChildren(sentence, reload);
    notice.hidden = false;
  }

  function unnotify() {
    const notice = document.getElementById("wc-notice");
    if (notice) notice.hidden = true;
  }

  function set(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }

  function dress(field) {
    const input = field.querySelector("input");
    const error = field.querySelector(".wc-error");
    if (!input || !error) return;
    const wrong = error.textContent.trim() !== "";
    if (!error.id) error.id = input.id + "-error";
    set(input, "inputmode", "decimal");
    set(input, "autocomplete", "off");
    set(input, "spellcheck", "false");
    set(input, "aria-invalid", String(wrong));
    if (wrong) set(input, "aria-describedby", error.id);
    else input.removeAttribute("aria-describedby");
  }

  function announce() {
    const spoken = document.querySelector(".wc-results .wc-announce");
    const status = document.getElementById("wc-status");
    if (spoken && status && status.textContent !== spoken.textContent) status.textContent = spoken.textContent;
  }

  function refresh() {
    if (document.querySelector(READY)) document.querySelector(".wc-skeleton")?.remove();
    document.querySelectorAll(".wc-app .wc-field").forEach(dress);
    announce();
  }

  // Only plain digits are regrouped; anything else stays as it was typed.
  function group(text) {
    const [, whole, decimals] = text.replace(/(?<=\d)[\s\u00a0](?=\d{3})/g, "").match(/^\s*(\d+)(\.\d+)?\s*$/) || [];
    return whole ? whole.replace(/\B(?=(\d{3})+$)/g, "\u00a0") + (decimals || "") : text;
  }

  // Capturing, so that it comes before ipywidgets reads the value.
  document.addEventListener("change", (event) => {
    if (!event.target.matches(FIELDS)) return;
    const grouped = group(event.target.value);
    if (grouped !== event.target.value) event.target.value = grouped;
  }, true);

  document.addEventListener("focusin", (event) => {
    if (event.target.matches(FIELDS)) event.target.select();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(FIELDS) && !event.isComposing) {
      setTimeout(() => document.querySelector(".wc-app .wc-predict").click());
    }
  });

  function watchConnection() {
    const manager = window.jupyterapp && window.jupyterapp.widgetManager;
    if (!manager) return setTimeout(watchConnection, 500);
    const lost = "The connection to the server is lost; answers no longer follow. What you typed is still here.";
    const check = () => {
      const { connectionStatus, status } = manager.kernel;
      if (connectionStatus === "disconnected" || status === "dead" || status === "terminating") notify(lost);
      else if (connectionStatus === "connecting") waiting = waiting || setTimeout(() => notify(lost), PATIENCE);
      else { clearTimeout(waiting); waiting = 0; unnotify(); }
    };
    let waiting = 0;
    manager.kernel.connectionStatusChanged.connect(check);
    manager.kernel.statusChanged.connect(check);
    check();
  }

  // Widgets get their classes after they are in the page, so classes are watched as well.
  const watched = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
  new MutationObserver(refresh).observe(document.documentElement, watched);
  watchConnection();
  setTimeout(() => {
    if (!document.querySelector(READY + ", .wc-failed")) notify("Starting takes longer than usual.");
  }, SLOW);
})();
