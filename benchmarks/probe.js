// The same in every page. Times are the page's own clock; a change's count from its keydown event.
// "Painted" is the second animation frame after the change was seen in the document.
(site) => {
  const QUIET = 150; // ms without a change in the results after which an answer is whole
  const LOST = 10000;
  const probe = (window.probe = { usable: null });
  const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(() => then(performance.now())));
  const value = () => document.querySelector(site.value)?.textContent.trim();
  const everything = { childList: true, characterData: true, subtree: true };
  const until = async (condition, pause) => {
    const end = performance.now() + LOST;
    while (!condition() && performance.now() < end) await new Promise((done) => setTimeout(done, pause));
    return condition();
  };
  let change = {}; // what is expected, and the times of its keydown, first and last paint

  const opening = new MutationObserver(() => {
    if (!value() || !document.querySelector(site.input)) return;
    opening.disconnect();
    painted((now) => (probe.usable = now));
  });
  opening.observe(document, { ...everything, attributeFilter: ["class"] }); // a class may come after its element

  new MutationObserver((mutations) => {
    const results = change.keydown && document.querySelector(site.results);
    if (!mutations.some((mutation) => results?.contains(mutation.target))) return;
    const mine = change;
    if (!mine.seen && value() === mine.expected) {
      mine.seen = true;
      painted((now) => (mine.first = now - mine.keydown));
    }
    painted((now) => (mine.last = now));
  }).observe(document, everything);

  addEventListener("keydown", (event) => (change.keydown ??= event.timeStamp), true);
  probe.expect = (expected) => (change = { expected });

  // When the segment was painted, in ms, once the answer is whole; null where it was lost.
  probe.answer = async () => {
    const whole = () => "first" in change && performance.now() - change.last > QUIET;
    return (await until(whole, 20)) ? change.first : null;
  };

  // A visitor without hands: types, leaves the field, waits, types again. Returns how many answers were lost.
  probe.visit = async (steps) => {
    let lost = 0;
    for (const [column, amount, expected] of steps) {
      const field = document.querySelector(site.field.replace("{}", column));
      field.value = amount;
      for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
      if (!(await until(() => value() === expected, 10))) lost += 1;
    }
    return lost;
  };
}
