// The same in every page. Times are the page's own clock; a change's count from its keydown event.
// "Painted" is the second animation frame after the change was seen in the document.
(site) => {
  const QUIET = 150; // ms without a change in the results after which an answer is whole
  const LOST = 10000;
  const probe = (window.probe = { usable: null });
  const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(() => then(performance.now())));
  const value = () => document.querySelector(site.value)?.textContent.trim();
  const everything = { childList: true, characterData: true, subtree: true };
  let change = null;

  const opening = new MutationObserver(() => {
    if (!value() || !document.querySelector(site.input)) return;
    opening.disconnect();
    painted((now) => (probe.usable = now));
  });
  opening.observe(document, { ...everything, attributeFilter: ["class"] }); // a class may come after its element

  new MutationObserver((mutations) => {
    if (change === null || change.keydown === null) return;
    const results = document.querySelector(site.results);
    if (!mutations.some((mutation) => results?.contains(mutation.target))) return;
    const mine = change;
    if (!mine.seen && value() === mine.expected) {
      mine.seen = true;
      painted((now) => (mine.first = now - mine.keydown));
    }
    painted((now) => (mine.last = now - mine.keydown));
  }).observe(document, everything);

  addEventListener("keydown", (event) => {
    if (change !== null) change.keydown ??= event.timeStamp;
  }, true);

  probe.expect = (expected) => (change = { expected, keydown: null, seen: false, first: null, last: null });

  // [first, last] in ms, or null where the answer was lost.
  probe.answer = async () => {
    const until = performance.now() + LOST;
    while (performance.now() < until) {
      const quiet = performance.now() - change.keydown - change.last;
      if (change.first !== null && quiet > QUIET) return [change.first, change.last];
      await new Promise((done) => setTimeout(done, 20));
    }
    return null;
  };

  // A visitor without hands: types, leaves the field, waits for the answer, types again. Returns how many
  // answers were lost.
  probe.visit = async (steps) => {
    const commit = (column, amount) => {
      const field = document.querySelector(site.field.replace("{}", column));
      field.value = amount;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    };
    let lost = 0;
    for (const [column, amount, expected] of steps) {
      commit(column, amount);
      const until = performance.now() + LOST;
      while (value() !== expected && performance.now() < until) await new Promise((done) => setTimeout(done, 10));
      if (value() !== expected) lost += 1;
    }
    return lost;
  };
}
