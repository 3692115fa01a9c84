// What ipywidgets cannot say of its own: attributes for phones and screen readers, the announcement of an
// answer, that an answer is not yet for the amounts now entered. It serves the page, and JupyterLab.
"use strict";
(() => {
  const SOON = 150; // ms without a reply until the answer is marked as an earlier one
  const LATE = 3000; // ms without a reply until a word says so
  const TYPED = 150; // ms after the last key until the amounts are tried
  const POLITE = 1000; // ms after an answer until it is said aloud, while amounts are typed
  const FIELDS = ".wc-app .wc-field [class*=wc-input-] input";
  const ENTRIES = ".wc-app .wc-field input"; // the customer on record, and the amounts
  const $ = (selector) => document.querySelector(selector);

  function dress(field, columns, i) {
    const input = field.querySelector("input");
    const error = field.querySelector(".wc-error, .wc-unknown");
    if (!input || !error) return;
    const wrong = error.textContent.trim() !== "";
    error.id ||= input.id + "-error";
    if (columns[i] !== undefined) input.closest(".widget-text").dataset.column = columns[i];
    const said = { inputmode: columns[i] === undefined ? "text" : "decimal", autocomplete: "off", spellcheck: "false", "aria-invalid": String(wrong) };
    for (const [name, value] of Object.entries(said)) input.setAttribute(name, value);
    if (wrong) input.setAttribute("aria-describedby", error.id);
    else input.removeAttribute("aria-describedby");
  }

  const announce = (words) => { if ($("#wc-status") && $("#wc-status").textContent !== words) $("#wc-status").textContent = words; };

  function announceAnswer() {
    clearTimeout(polite);
    const spoken = $(".wc-results .wc-announce")?.textContent;
    if (spoken) polite = setTimeout(announce, typing ? POLITE : 0, spoken);
  }

  const fields = () => [...document.querySelectorAll(FIELDS)];
  // What is measured, as the kernel says it: of whatever models, and whoever serves the page.
  const measured = () => $(".wc-app [data-columns]")?.dataset || {};

  // What the other scripts use, and what they want to be told.
  const page = Object.assign(window.wholesale ||= { on: {} }, {
    announce,
    ask,
    drawn: () => $(".wc-results .wc-hero") && $(".wc-wish input") && heard()
      && fields().length === JSON.parse(heard().dataset.heard).length - 2,
    columns: () => JSON.parse(measured().columns || "[]"),
    fields,
    group: (digits) => String(digits).replace(/\B(?=(\d{3})+$)/g, "\u00a0"),
    measured,
    texts: () => fields().map((input) => input.value),
    toAnswer,
  });

  let [wishes, told] = [0, 0]; // how many there were; the last answer that the other scripts know of

  // Ask the kernel for something that no field says; every wish is another text.
  function ask(wish) {
    const input = $(".wc-wish input");
    if (!input) return;
    wishes += 1;
    if (!wish.try && !wish.others) asked = replies();
    input.value = JSON.stringify({ ...wish, wish: wishes });
    input.dispatchEvent(new Event("change", { bubbles: true }));
    compare();
  }

  function refresh() {
    page.on.refreshed?.();
    const columns = [undefined, ...page.columns()]; // the first field is the customer's
    document.querySelectorAll(".wc-app .wc-field").forEach((field, i) => dress(field, columns, i));
    if (typing && typing.input.value !== typing.text) typing.input.value = typing.text; // a late reply's rewriting
    markRest();
    compare();
    if (focused && !focused.isConnected && document.activeElement === document.body) twin(focused)?.focus({ preventScroll: true });
    if (!page.drawn() || replies() === told) return;
    page.on.replied?.();
    if (!told) {
      page.on.ready?.(page.ready = true);
      ask({ others: true });
    } else if (!typing) page.on.answered?.();
    told = replies();
    announceAnswer();
  }

  // The kernel says which amounts it has heard; as long as others are entered, the answer is for earlier ones.
  let typing = null; // what was typed and not yet committed
  let asked = 0; // the reply before which a button was pressed
  let [late, marking, trial, polite] = [0, 0, 0, 0];

  const heard = () => $(".wc-results [data-heard]");
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
    const tell = (sentence) => page.on.late?.(sentence);
    if (waits) late = late || setTimeout(tell, LATE, "No answer yet: what you see is for the earlier amounts. What you typed is still here.");
    else if (late) {
      clearTimeout(late);
      late = 0;
      tell("");
    }
  }

  // Most replies come sooner than this shows; until then nothing is drawn anew, so that they come soon.
  function mark(waits) {
    const show = () => $(".wc-results").classList.toggle("wc-waits", marking > 0 && !$(".wc-results .wc-is-stale")); // which says so itself
    if (waits) return void (marking ||= setTimeout(show, SOON));
    clearTimeout(marking);
    marking = 0;
    show();
  }

  document.addEventListener("input", ({ target }) => {
    if (!target.matches(ENTRIES)) return;
    typing = { input: target, text: target.value };
    clearTimeout(trial);
    if (target.matches(FIELDS)) trial = setTimeout(() => { if (typing) ask({ try: page.texts() }); }, TYPED);
    compare();
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches(ENTRIES)) return;
    typing = null;
    clearTimeout(trial);
    page.on.entered?.(target.matches(".wc-picker input"));
    if (target.matches(FIELDS) && /^[1-9]\d{3,14}$/.test(target.value)) target.value = page.group(target.value); // as the kernel would: no rewriting comes back
    compare();
  }, true);
  const commit = () => typing?.input.dispatchEvent(new Event("change", { bubbles: true }));
  document.addEventListener("focusout", commit);
  document.addEventListener("focusin", ({ target }) => { if (target.matches(ENTRIES)) target.select(); });

  // On a phone the form fills the screen: after Predict the answer is brought into view.
  function toAnswer() {
    const results = $(".wc-results");
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
  for (const kind of ["paste", "drop"]) document.addEventListener(kind, paste);

  // Leaving a field while a button is held down would move the button or draw it anew, and lose the click.
  // An answer that comes meanwhile draws its buttons anew, perhaps elsewhere, and no click would follow.
  let [pressed, at, focused] = [null, [], null];
  const twin = (lost) => [...document.querySelectorAll(".wc-page-one :is(button, [tabindex])")].find((other) => other.className === lost.className
    && ["customer", "tip"].every((each) => other.dataset[each] === lost.dataset[each]));
  document.addEventListener("focusin", ({ target }) => { focused = target; });
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

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches(ENTRIES) || event.isComposing) return;
    event.preventDefault(); // else ipywidgets would tell the kernel of Enter first, and then of the change
    if (typing) { commit(); requestAnimationFrame(toAnswer); } else $(".wc-app .wc-predict").click();
  }, true); // ipywidgets lets no key out of its fields

  // Widgets get their classes after they are in the page, so classes are watched as well.
  const watched = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
  new MutationObserver(refresh).observe(document.documentElement, watched);
  refresh();
})();
