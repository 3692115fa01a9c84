// Everything that shows a customer opens it; the address holds its amounts; marks say what they are at once.
"use strict";
(() => {
  const REACH = 14; // pixels from the pointer within which a point of the map is meant
  const HERE = /^(localhost|127\.|\[::1)/.test(location.hostname);
  const AFTER = 60; // ms after an answer until the address says it
  const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
  const $ = (selector) => document.querySelector(selector);
  const page = window.wholesale ||= { on: {} };

  // ---- Tips: of whatever carries one, under the pointer, the finger or the focus

  const tip = Object.assign(document.createElement("div"), { id: "wc-tip", role: "tooltip", hidden: true });

  function tell(words, x, y) {
    if (!tip.isConnected) document.body.append(tip);
    tip.hidden = !words;
    if (!words) return;
    if (tip.textContent !== words) tip.textContent = words;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x - width / 2, document.documentElement.clientWidth - width - 8))}px`;
    tip.style.top = `${y - height - 12 > 0 ? y - height - 12 : y + 18}px`;
  }

  function about(element, x, y) {
    const owner = element.closest?.("[data-tip]");
    if (owner && x === undefined) {
      const box = owner.getBoundingClientRect();
      [x, y] = [box.left + box.width / 2, box.top];
    }
    tell(owner?.dataset.tip, x, y);
  }

  const hover = (event) => { if (!event.target.closest?.(".wc-chooser")) about(event.target, event.clientX, event.clientY); };
  for (const kind of ["pointerover", "pointerdown"]) document.addEventListener(kind, hover);
  document.addEventListener("focusin", (event) => about(event.target));
  document.addEventListener("focusout", () => tell(""));
  document.addEventListener("scroll", () => tell(""), { passive: true });

  // ---- The map: its points are one path, so the nearest to the pointer is looked up

  let cloud = null; // the points, their place on the map, segment, number and total; read once
  let chosen = null;

  const points = () => (cloud ||= JSON.parse($(".wc-points")?.dataset.points || "null")) || [];

  function choose(map, point) {
    map.querySelector(".wc-chosen")?.remove();
    chosen = point;
    if (!point) return tell("");
    const [x, y, segment, number, total] = point;
    const svg = map.querySelector("svg");
    svg.insertAdjacentHTML("beforeend", `<circle class="wc-chosen" cx="${x}" cy="${y}" r="7"/>`);
    const box = svg.lastElementChild.getBoundingClientRect();
    const { names, unit } = $(".wc-points").dataset;
    const words = `Customer ${number}: ${JSON.parse(names)[segment]}, ${total} ${unit}`;
    tell(words, box.left + box.width / 2, box.top);
    if (document.activeElement === map) page.announce(words);
  }

  function under(map, event) {
    const box = map.querySelector("svg").getBoundingClientRect();
    const scale = 360 / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const far = (point) => Math.hypot(point[0] - x, point[1] - y);
    const nearest = points().reduce((best, point) => (!best || far(point) < far(best) ? point : best), null);
    return nearest && far(nearest) <= REACH * scale ? nearest : null;
  }

  // The next point in the direction of an arrow: near, and not much aside.
  function beyond(map, across, up) {
    const ring = map.querySelector(".wc-you");
    const [x, y] = chosen || [Number(ring.getAttribute("cx")), Number(ring.getAttribute("cy"))];
    let best = null;
    for (const point of points()) {
      const ahead = (point[0] - x) * across - (point[1] - y) * up;
      const aside = Math.abs((point[0] - x) * up) + Math.abs((point[1] - y) * across);
      const cost = ahead + 2 * aside;
      if (ahead > 0 && (!best || cost < best.cost)) best = { point, cost };
    }
    return best?.point || chosen;
  }

  document.addEventListener("pointermove", (event) => {
    const map = event.target.closest?.(".wc-chooser");
    if (map) choose(map, under(map, event));
    else if (chosen) { chosen = null; $(".wc-chosen")?.remove(); tell(""); }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tell("");
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!event.target.matches?.(".wc-chooser")) return;
    if (step) choose(event.target, beyond(event.target, ...step));
    if (event.key === "Enter" && chosen) open(chosen[3]);
    if (step || event.key === "Enter") event.preventDefault();
  });

  // ---- Opening

  function open(number, fromFile) {
    chosen = null;
    tell("");
    call("");
    page.ask({ open: String(number) });
    arrive(fromFile);
  }

  function arrive(fromFile = false) {
    page.show("one", false);
    const results = $(".wc-results");
    results.tabIndex = -1;
    results.focus({ preventScroll: true });
    page.toAnswer();
    $(".wc-back").hidden = !fromFile;
  }

  const call = (name) => { $("#wc-called").value = name; };

  document.addEventListener("click", (event) => {
    const map = event.target.closest?.(".wc-chooser");
    const opener = event.target.closest?.("button.wc-open");
    if (map) {
      const point = under(map, event);
      if (point) open(point[3]);
    } else if (opener?.dataset.customer) open(opener.dataset.customer, Boolean(opener.closest(".wc-customers")));
    else if (opener) {
      page.ask({ fill: JSON.parse(opener.dataset.amounts) });
      call(opener.dataset.called || "");
      arrive(true);
    }
    if (event.target.matches(".wc-back")) {
      event.target.hidden = true;
      page.show("many");
    }
    if (event.target.matches(".wc-pin")) page.ask({ pin: event.target.getAttribute("aria-pressed") !== "true" });
    if (event.target.matches(".wc-copy")) copy(event.target, `${heading()}\n${$(".wc-results .wc-text").textContent}`);
    if (event.target.matches(".wc-copy-link")) copy(event.target, `${location.href.split("#")[0]}#${fragment()}`, HERE ? "Copied, but it opens on this computer only: send the text" : "Copied");
  });

  // ---- Copies

  const heading = () => [$("#wc-called").value.trim(), DAY.format(new Date())].filter(Boolean).join(", ");
  window.addEventListener("beforeprint", () => { $(".wc-header").dataset.printed = heading(); });

  async function copy(button, text, said = "Copied") {
    const label = button.textContent;
    button.textContent = await navigator.clipboard?.writeText(text).then(() => said, () => null) || "Copying is not allowed here";
    setTimeout(() => { button.textContent = label; }, 4000);
  }

  // ---- The address: the tab, and each category's amount behind "a."; in the fragment, which no server sees

  const plain = (text) => text.replaceAll("\u00a0", "");
  let start = null; // what was entered before the address said anything
  let following = false; // an answer to what the address says is no new entry in the history

  function fragment() {
    const texts = page.texts().map(plain);
    const entries = [["tab", document.body.dataset.page], ...page.columns().map((column, i) => [`a.${column}`, texts[i]])];
    return entries.map((entry) => entry.map(encodeURIComponent).join("=")).join("&");
  }

  const asked = () => new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));

  // Amounts of the address go into the fields, whatever they are: what is wrong or missing is named there.
  function follow() {
    const wanted = asked();
    page.show(wanted.get("tab"), false);
    if (!page.columns().length) return;
    const named = page.columns().some((column) => wanted.has(`a.${column}`));
    const texts = named ? page.columns().map((column) => wanted.get(`a.${column}`) ?? "") : start;
    if (texts.map(plain).join("\n") !== page.texts().map(plain).join("\n")) {
      following = true;
      page.ask({ fill: texts });
    }
  }

  function note() {
    const written = `#${fragment()}`;
    if (start && written !== location.hash) history[following ? "replaceState" : "pushState"](null, "", written);
    following = false;
  }

  function ready({ restored }) {
    start = page.texts();
    if (!restored) { follow(); if (location.hash.includes("a.")) page.toAnswer(); }
  }

  window.addEventListener("popstate", follow);
  // A new address makes the browser work out every style: not before the answer is painted.
  const answered = () => setTimeout(note, AFTER);
  Object.assign(page.on, { ready, answered, shown: note, picked: () => call("") });
  if (page.ready) ready(page.ready);
})();
