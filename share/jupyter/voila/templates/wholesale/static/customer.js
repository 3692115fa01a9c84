// Everything that shows a customer opens it; marks say what they are at once; what is said can be copied.
"use strict";
(() => {
  const REACH = 14; // pixels from the pointer within which a point of the map is meant
  const HERE = /^(localhost|127\.|\[::1)/.test(location.hostname);
  const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
  const $ = (selector) => document.querySelector(selector);
  const page = window.wholesale ||= { on: {} };

  // ---- Tips: of whatever carries one, under the pointer, the finger or the focus

  const tip = Object.assign(document.createElement("div"), { id: "wc-tip", role: "tooltip", popover: "manual", hidden: true });

  function tell(words, x, y) {
    tip.hidden = !words;
    if (!words) return;
    if (!tip.isConnected) ($(".wc-app") || document.body).append(tip);
    if (!tip.matches(":popover-open")) tip.showPopover(); // above all else, wherever that scrolls or is cut off
    if (tip.textContent !== words) tip.textContent = words;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x - width / 2, document.documentElement.clientWidth - width - 8))}px`;
    tip.style.top = `${y - height - 12 > 0 ? y - height - 12 : y + 18}px`;
  }

  function about(element, x, y) {
    const owner = element.closest?.("[data-tip]");
    const box = owner?.getBoundingClientRect() ?? {};
    tell(owner?.dataset.tip, x ?? box.left + box.width / 2, y ?? box.top);
  }

  for (const kind of ["pointerover", "pointerdown"]) {
    document.addEventListener(kind, ({ target, clientX: x, clientY: y }) => { if (!target.closest?.(".wc-chooser")) about(target, x, y); });
  }
  document.addEventListener("focusin", (event) => about(event.target));
  document.addEventListener("focusout", () => tell(""));
  document.addEventListener("scroll", () => tell(""), { passive: true });

  // ---- The map: its points are one path, so the nearest to the pointer is looked up

  let [holder, cloud] = [null, []]; // of the points: their place on the map, segment, number and total; read once
  let chosen = null;

  function points() {
    if (holder !== $(".wc-points")) cloud = JSON.parse((holder = $(".wc-points"))?.dataset.points || "[]");
    return cloud;
  }

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

  const least = (some, cost) => some.reduce((best, each) => (best && cost(best) <= cost(each) ? best : each), null);

  function under(map, event) {
    const box = map.querySelector("svg").getBoundingClientRect();
    const scale = 360 / box.width;
    const far = ([x, y]) => Math.hypot(x - (event.clientX - box.left) * scale, y - (event.clientY - box.top) * scale);
    return least(points().filter((point) => far(point) <= REACH * scale), far);
  }

  // The next point in the direction of an arrow: near, and not much aside.
  function beyond(map, across, up) {
    const ring = map.querySelector(".wc-you");
    const [x, y] = chosen || [Number(ring.getAttribute("cx")), Number(ring.getAttribute("cy"))];
    const ahead = (point) => (point[0] - x) * across - (point[1] - y) * up;
    const aside = (point) => Math.abs((point[0] - x) * up) + Math.abs((point[1] - y) * across);
    return least(points().filter((point) => ahead(point) > 0), (point) => ahead(point) + 2 * aside(point)) || chosen;
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
    if (event.key === "Enter" && chosen) open({ open: String(chosen[3]) });
    if (step || event.key === "Enter") event.preventDefault();
  });

  // ---- Opening

  let opener = null; // in the table of a file, to which the way back leads

  function open(wish, name = "", fromFile = false) {
    chosen = null;
    tell("");
    page.call(name);
    page.ask(wish);
    page.show?.("one", false);
    const results = $(".wc-results");
    results.tabIndex = -1;
    results.focus({ preventScroll: true });
    page.toAnswer();
    $(".wc-back").hidden = !fromFile;
  }

  document.addEventListener("click", (event) => {
    const map = event.target.closest?.(".wc-chooser");
    const point = map && under(map, event);
    if (point) open({ open: String(point[3]) });
    const pressed = event.target.closest?.("button.wc-open");
    if (pressed) {
      const { customer, amounts, called } = pressed.dataset;
      opener = pressed;
      open(customer ? { open: customer } : { fill: JSON.parse(amounts) }, called, Boolean(pressed.closest(".wc-customers")));
    }
    if (event.target.matches(".wc-back")) {
      event.target.hidden = true;
      page.show("many");
      opener?.focus({ preventScroll: true });
    }
    if (event.target.closest?.(".wc-reset")) page.call("");
    undone ||= Boolean(event.target.closest?.(".wc-undo"));
    if (event.target.matches(".wc-pin")) page.ask({ pin: event.target.getAttribute("aria-pressed") !== "true", called: name() });
    if (event.target.matches(".wc-copy")) copy(event.target, `${heading()}\n${$(".wc-results .wc-text").textContent}`);
    if (event.target.matches(".wc-copy-link")) copy(event.target, page.link(), HERE ? "It opens on this computer only: to others, send the text." : "");
    if (event.target.matches(".wc-print")) print();
  });

  // ---- The name, and copies

  const name = () => $("#wc-called")?.value.trim() ?? "";
  const names = new Map(); // that were given, by amounts
  let undone = false; // Undo was pressed, and is not answered
  const keep = () => names.set(page.texts().join(), name());
  const write = () => { $(".wc-results").dataset.called = name(); };
  page.call = (given = "") => { keep(); $("#wc-called").value = given; write(); };
  // A name is of one customer: it goes with another one on record, and stays with the one that was pinned by it.
  page.on.entered = (picked) => { if (picked || name() === $(".wc-pin")?.dataset.called) page.call(); };
  page.on.replied = () => {
    if (undone) page.call(names.get(page.texts().join()));
    undone = false;
    keep();
  };
  document.addEventListener("input", ({ target }) => { if (target.id === "wc-called") write(); });
  const heading = () => [name(), DAY.format(new Date())].filter(Boolean).join(", ");
  window.addEventListener("beforeprint", () => {
    const [who, other] = [".wc-results .wc-by", ".wc-besides thead th"].map((each) => $(each)?.textContent);
    if ($(".wc-header")) $(".wc-header").dataset.printed = [who, heading(), other && `beside ${other}`].filter(Boolean).join(", ");
  });

  async function copy(button, text, more = "") {
    const label = button.textContent;
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    button.textContent = done ? "Copied" : "Copying is not allowed here";
    const { left, top, width } = button.getBoundingClientRect();
    if (done) tell(more, left + width / 2, top);
    if (done) page.announce(more || "Copied");
    setTimeout(() => { button.textContent = label; }, 4000);
  }
})();
