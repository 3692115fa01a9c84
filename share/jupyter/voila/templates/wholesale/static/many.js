// The tab "Many customers": a file goes to the server by way of a worker, and what comes back is shown.
"use strict";
(() => {
  const PAGE = 50; // rows shown at a time
  const PATIENCE = 250; // ms after the last key before a search begins
  const worker = document.currentScript.dataset.worker;

  let job = null; // the file being scored or shown: its worker, its parts, and what its table shows
  let good = null; // the one whose answer is on the page; it stays until another file has one
  let chosen = null; // the file chosen last, scored or not

  const panel = () => document.querySelector(".wc-page-many");
  const $ = (selector) => panel().querySelector(selector);
  const group = (digits) => window.wholesale.group(digits);
  const show = (selector) => $(selector).scrollIntoView({ block: "nearest" });

  const say = (words) => { $(".wc-said").textContent = words; };

  function fail(sentence) {
    $(".wc-progress").hidden = true;
    $(".wc-failure").textContent = sentence;
    $(".wc-failure").hidden = !sentence;
    if (sentence) show(".wc-failure");
  }

  function progress(words, share) {
    $(".wc-step").textContent = words;
    if (share === undefined) $("progress").removeAttribute("value");
    else $("progress").value = share;
  }

  const end = (ended) => { ended?.worker.terminate(); ended?.links.forEach(URL.revokeObjectURL); }; // so does its upload

  function stop() {
    if (job !== good) end(job);
    job = good;
    fail("");
    say("");
    $(".wc-mapping").hidden = true;
  }

  // ---- Sending

  // The field names the file that is shown, however it came: chosen, dropped, or the example.
  function hold(file) {
    const files = new DataTransfer();
    if (file) files.items.add(file);
    $("#wc-file").files = files.files;
    chosen = file;
  }

  function start(file, columns = {}, segment = "") {
    if (document.body.dataset.api !== "yes") return; // the page says so
    stop();
    hold(file);
    const limit = Number($("#wc-file").dataset.limit);
    if (file.size > limit) {
      return fail(`${file.name} is too large for the page: it has ${(file.size / 1e6).toFixed(1)} MB, and the page takes `
        + `${limit / 1e6} MB. The command line takes any size: python -m wholesale score FILE.`);
    }
    const query = new URLSearchParams(Object.entries(columns).map(([column, name]) => ["column", `${column}=${name}`]));
    if ($("#wc-decimal").value) query.set("decimal", $("#wc-decimal").value);
    job = { file, columns, segment, worker: new Worker(worker), links: [], asked: 0, from: 0, sort: null };
    const mine = job;
    job.worker.onmessage = ({ data }) => { if (mine === job) heard[data.kind](data); };
    job.worker.onerror = () => fail("The browser could not read the answer.");
    $(".wc-progress").hidden = false;
    show(".wc-progress");
    progress(`Sending ${file.name}…`, 0);
    say(`Sending ${file.name}`);
    job.worker.postMessage({ file, query: new URL(`api/score?${query}`, location.href).href });
  }

  const heard = {
    sent: ({ share }) => progress(`Sending ${job.file.name}: ${Math.floor(100 * share)}%`, share),
    scoring: () => [progress, say].forEach((tell) => tell(`Scoring ${job.file.name}…`)),
    reading: ({ rows }) => progress(`Reading the answer: ${group(rows)} rows`),
    failed({ status, errors, header, columns }) {
      if (header) return ask(errors[0].reason, header, columns);
      const refused = job;
      end(job);
      job = good;
      const reason = errors?.map((error) => error.reason).join("; ");
      if (reason && status !== 500) fail(`${refused.file.name}: ${reason}.`);
      else if (status) fail(`${refused.file.name} could not be scored: the server answered ${status}. Try again.`);
      else fail(`${refused.file.name} could not be sent: the connection to the server is lost. Is it still running?`);
    },
    answer({ page, scored, rejected }) {
      if (job !== good) end(good);
      good = job;
      const answer = $(".wc-scored-answer");
      answer.innerHTML = page; // written, and escaped, by our own server
      answer.querySelector(".wc-by").textContent = job.file.name;
      for (const button of answer.querySelectorAll(".wc-save")) {
        const [content, part] = button.dataset.part === "scored" ? [scored, "scored"] : [rejected, "scored.rejected"];
        const { textContent, className } = button;
        button.replaceWith(Object.assign(link(new Blob([content], { type: "text/csv" }), part), { textContent, className }));
      }
      progress("Reading the answer…");
      say(answer.querySelector(".wc-hero").innerText);
    },
    read() {
      $(".wc-progress").hidden = true;
      if (!$(".wc-customers")) return;
      if (job.segment) $("#wc-segment").value = job.segment($("#wc-segment"));
      find(true);
    },
    saved: ({ part }) => link(part, asked().join(", ") || "shown").click(),
    rows: fill,
  };

  function link(content, part) {
    const download = `${job.file.name.replace(/\.[^.]*$/, "")}.${part}.csv`;
    const made = Object.assign(document.createElement("a"), { href: URL.createObjectURL(content), download });
    job.links.push(made.href);
    return made;
  }

  function ask(reason, header, guess) {
    fail("");
    $(".wc-why-mapping").textContent = `${job.file.name}: ${reason}.`;
    for (const select of panel().querySelectorAll(".wc-mapping select")) {
      select.replaceChildren(new Option("Choose…", ""), ...header.map((name) => new Option(name, name)));
      select.value = job.columns[select.dataset.column] ?? guess[select.dataset.column] ?? "";
    }
    $(".wc-mapping").hidden = false;
    ($(".wc-mapping select:invalid") ?? $(".wc-mapping select")).focus();
    say(reason);
  }

  // ---- The table

  // What is asked for, in words: a segment, and how much of what.
  function asked() {
    const [[segment], [amount], least] = [$("#wc-segment").selectedOptions, $("#wc-amount").selectedOptions, $("#wc-least").value.trim()];
    return [segment.value && `${segment.parentNode.label} ${segment.text}`, least && `${amount.text} from ${least}`, $("#wc-unfamiliar").checked && "unfamiliar"].filter(Boolean);
  }

  const heads = () => [...panel().querySelectorAll(".wc-customers th")];
  const place = (head) => Number(head.querySelector("button").dataset.column);

  // Ask the worker for rows; `anew` if which rows are wanted, or their order, has changed.
  function find(anew) {
    const unfamiliar = Number($("[data-unfamiliar]").dataset.unfamiliar);
    const [column, number] = $("#wc-segment").value.split("=");
    const equal = number ? [[Number(column), number]] : [];
    if ($("#wc-unfamiliar").checked) equal.push([unfamiliar, "true"]);
    const within = JSON.parse($("[data-own]").dataset.own);
    const typical = JSON.parse($("#wc-segment").selectedOptions[0].dataset.typical);
    $("#wc-least").placeholder = `typical ${typical[$("#wc-amount").selectedIndex]}`;
    const typed = $("#wc-least").value.replace(/[\s\u00a0]/g, "");
    const least = typed && [[Number($("#wc-amount").value), Number(typed.replace(",", "."))]];
    if (/^\d{1,3}[.,]\d{3}$/.test(typed) || Number.isNaN(least[0]?.[1])) { // a rule of the form's, too: nothing is guessed
      $(".wc-range").textContent = `${typed} is not clear: write it without a mark of thousands`;
      return void ($(".wc-save-shown").disabled = true);
    }
    const change = anew && { equal, least, within, search: $("#wc-search").value, sort: job.sort };
    if (anew) job.from = 0;
    $(".wc-customers").setAttribute("aria-busy", "true");
    job.asked += 1;
    const columns = [...heads().map(place), ...JSON.parse($("[data-amounts]").dataset.amounts), unfamiliar];
    job.worker.postMessage({ id: job.asked, change, from: job.from, count: PAGE, columns });
  }

  function fill({ id, from, rows, found, of }) {
    if (id !== job.asked) return; // a later question is under way
    const all = heads();
    all.forEach((head, i) => {
      if (head.dataset.kind === "text") head.classList.toggle("wc-words", rows.some((row) => Number.isNaN(Number(row[i]))));
    });
    $(".wc-customers tbody").replaceChildren(...rows.map((row) => {
      const line = document.createElement("tr");
      line.append(...all.map((head, i) => cell(head, row[i], row.at(-1) === "true")));
      const opener = document.createElement("button");
      const called = all.findIndex((head) => head.dataset.kind === "text"); // on record, the customer's number
      const shown = line.children[job.file.recorded ? called : 0];
      Object.assign(opener, { type: "button", className: "wc-open", textContent: shown.textContent });
      Object.assign(opener.dataset, job.file.recorded ? { customer: row[called] }
        : { amounts: JSON.stringify(row.slice(all.length, -1)), called: called < 0 ? "" : row[called] });
      shown.replaceChildren(opener);
      return line;
    }));
    $(".wc-customers").removeAttribute("aria-busy");
    $(".wc-customers").classList.toggle("wc-recorded", Boolean(job.file.recorded));
    $(".wc-customers").classList.toggle("wc-of-one", $("#wc-segment").selectedOptions[0].parentNode.dataset.model === "kmeans");
    if (id === 1 && job.file.recorded) {
      $("#wc-segment").focus();
      $(".wc-filters").closest(".wc-card").scrollIntoView();
    }
    const last = from + rows.length;
    const whole = found === of ? `of ${group(of)}` : `of ${group(found)} found among ${group(of)}`;
    const range = found ? `${group(from + 1)}–${group(last)} ${whole}` : `None among ${group(of)}`;
    $(".wc-range").textContent = [range, ...asked()].join(", ") + (!found && $("#wc-unfamiliar").checked ? ". Sort by How typical for the most unusual." : "");
    const steps = [...panel().querySelectorAll("[data-step]")];
    const held = steps.indexOf(document.activeElement);
    [steps[0].disabled, steps[1].disabled] = [from === 0, last >= found];
    if (steps[held]?.disabled) steps[1 - held].focus();
    Object.assign($(".wc-save-shown"), { textContent: `Download these ${group(found)}`, disabled: !found });
  }

  const SHOWN = {
    agreement: (value) => `${value} of ${panel().querySelectorAll("#wc-segment optgroup").length}`,
    clarity: (value) => (value === "inf" || value >= 10 ? "10 or more" : Number(value).toFixed(1)),
    familiarity: (value) => (value < 0.01 ? "<1%" : value >= 0.995 ? ">99%" : `${Math.round(100 * value)}%`),
    number: group,
    amount: (value) => value.replace(/^\d+/, group),
    text: (value) => value,
  };

  function cell(head, value, unfamiliar) {
    const { kind } = head.dataset;
    const element = document.createElement("td");
    const option = panel().querySelector(`#wc-segment optgroup[data-model="${kind}"]`)?.children[value - 1];
    if (option) {
      const dot = Object.assign(document.createElement("i"), { className: "wc-dot" });
      dot.style.setProperty("--seg", option.dataset.colour);
      element.append(dot, option.textContent);
    } else {
      element.textContent = SHOWN[kind](value);
      if (kind === "text") element.title = value;
    }
    for (const name of ["wc-words", "wc-stays"]) element.classList.toggle(name, head.classList.contains(name));
    element.classList.toggle("wc-unusual", kind === "familiarity" && unfamiliar);
    return element;
  }

  function sortBy(head) {
    const down = head.dataset.kind === "amount" ? head.ariaSort !== "descending" : head.ariaSort === "ascending";
    for (const other of heads()) other.ariaSort = "none";
    head.ariaSort = down ? "descending" : "ascending";
    job.sort = { column: place(head), down };
    find(true);
  }

  // ---- What is done on the page; the panel comes after this script, so the document listens

  const on = (kind, act) => document.addEventListener(kind, (event) => { if (panel()?.contains(event.target)) act(event, event.target); });

  const begin = (file) => { $("#wc-decimal").value = ""; start(file); };

  on("change", (_, field) => {
    if (field.id === "wc-file" && field.files.length) begin(field.files[0]);
    else if (field.id === "wc-decimal" && job) start(job.file, job.columns);
    else if (field.matches("#wc-segment, #wc-unfamiliar, #wc-amount")) find(true);
  });
  on("cancel", (_, field) => { if (field.id === "wc-file") hold(chosen); });

  let typing = 0;
  on("input", (_, field) => {
    if (!field.matches("#wc-search, #wc-least")) return;
    clearTimeout(typing);
    typing = setTimeout(find, PATIENCE, true);
  });

  on("submit", (event, form) => {
    event.preventDefault();
    if (!form.matches(".wc-mapping")) return;
    const named = [...form.querySelectorAll("select")].map((select) => [select.dataset.column, select.value]);
    start(job.file, Object.fromEntries(named));
  });

  on("click", (_, pressed) => {
    const step = pressed.closest("[data-step]");
    const head = pressed.closest(".wc-customers th");
    if (pressed.id === "wc-file") pressed.value = ""; // so that the same file can be chosen again
    if (pressed.closest(".wc-try")) start(new File([$(".wc-example").textContent], "example.csv"));
    if (pressed.closest(".wc-stop")) { stop(); say("Stopped"); $("#wc-file").focus(); }
    if (step) { job.from += PAGE * Number(step.dataset.step); find(false); show(".wc-filters"); }
    if (head) sortBy(head);
    if (pressed.closest(".wc-save-shown")) job.worker.postMessage({ save: true });
  });

  // Those of a segment, without an upload: the customers on record are scored as a file would be.
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.(".wc-members");
    if (!button) return;
    const answer = await fetch("api/customers");
    const { model, segment } = button.dataset;
    window.wholesale.show("many");
    const wanted = model && ((select) => select.querySelector(`[data-model="${model}"]`).children[segment - 1].value);
    start(Object.assign(new File([await answer.text()], "customers on record.csv"), { recorded: true }), {}, wanted);
  });

  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (document.body.dataset.page !== "many" || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault(); // else the browser would open the file in place of the page
      $(".wc-drop").classList.toggle("wc-over", kind === "dragover" || kind === "dragenter");
      if (kind === "drop" && event.dataTransfer.files.length) begin(event.dataTransfer.files[0]);
    });
  }
})();
