// In a worker, so that the page stays responsive: sends a file to be scored, reads the answer, finds rows in it.
"use strict";
(() => {
  const TOLD_EVERY = 100000; // rows between two words of progress
  const alphabet = new Intl.Collator(undefined, { numeric: true });
  let table = null; // the scored file's records as text and their lines; what was read of its columns; the rows now wanted

  const tell = (kind, content) => self.postMessage({ kind, ...content });

  function send(file, query) {
    const request = new XMLHttpRequest(); // fetch does not say how far an upload is
    request.open("POST", query);
    request.setRequestHeader("Content-Type", "text/csv");
    request.setRequestHeader("Accept", "multipart/form-data");
    request.responseType = "blob";
    request.upload.onprogress = (event) => tell("sent", { share: event.loaded / event.total });
    request.upload.onload = () => tell("scoring");
    request.onerror = () => tell("failed", { status: 0 });
    request.onload = () => receive(request).catch(() => tell("failed", { status: 0 }));
    request.send(file);
  }

  async function receive(request) {
    const type = request.getResponseHeader("Content-Type") || "";
    if (!type.startsWith("multipart/form-data")) {
      const refused = type.startsWith("application/json") ? JSON.parse(await request.response.text()) : {};
      return tell("failed", { status: request.status, ...refused });
    }
    const form = await new Response(request.response, { headers: { "Content-Type": type } }).formData();
    const scored = form.get("scored");
    tell("answer", { page: await text(form.get("page")), scored, rejected: form.get("rejected") });
    const lines = JSON.parse(await text(form.get("lines")));
    const [head, ...rows] = await records(scored);
    table = { head, rows, lines, columns: new Map(), wanted: null };
    tell("read", { rows: table.rows.length });
  }

  const text = (part) => (typeof part === "string" ? part : part.text());

  // A record ends where a line does outside quotes; inside, the number of quotes so far is odd.
  async function records(file) {
    const rows = [];
    let rest = "";
    const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
    for (let told = 0, { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (let i = 0; i < lines.length; i += 1) {
        let line = lines[i];
        while (odd(line) && i + 1 < lines.length) line += "\n" + lines[i += 1];
        if (odd(line)) rest = `${line}\n${rest}`;
        else rows.push(line);
      }
      if (rows.length > told + TOLD_EVERY) tell("reading", { rows: told = rows.length });
    }
    if (rest) rows.push(rest);
    return rows;
  }

  const odd = (line) => line.split('"').length % 2 === 0;

  // Text that a spreadsheet would run has an apostrophe before it in the file; it is shown without.
  const shown = (row, column) => field(row, column).replace(/^'(?='*[=+\-@\t\r])/, "");

  function field(row, column) {
    let at = 0;
    for (let i = 0; ; i += 1) {
      const quoted = row[at] === '"';
      let end = at;
      if (quoted) {
        end = row.indexOf('"', at + 1) + 1;
        while (row[end] === '"') end = row.indexOf('"', end + 1) + 1;
      } else {
        end = row.indexOf(",", at);
        if (end < 0) end = row.length;
      }
      if (i === column) return quoted ? row.slice(at + 1, end - 1).replaceAll('""', '"') : row.slice(at, end);
      at = end + 1;
    }
  }

  // Numbers if they all are; read when first asked for. Column -1 is the line of the file that was sent.
  function column(i) {
    if (!table.columns.has(i)) {
      const texts = i < 0 ? [] : table.rows.map((row) => shown(row, i));
      const numbers = i < 0 ? Float64Array.from(table.lines) : Float64Array.from(texts, number);
      table.columns.set(i, i < 0 || !numbers.some(Number.isNaN) ? numbers : texts);
    }
    return table.columns.get(i);
  }

  const number = (text) => (text === "inf" ? Infinity : Number(text));
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  function choose({ equal, least, search, within, sort }) {
    let wanted = Uint32Array.from(table.rows.keys());
    const keep = (holds, its) => { wanted = wanted.filter((row) => holds(its?.[row], table.rows[row])); };
    for (const [i, value] of equal) keep((cell) => String(cell) === value, column(i));
    for (const [i, amount] of least) keep((cell) => cell >= amount, column(i));
    const needle = folded(search);
    if (needle) keep((_, row) => within.some((i) => folded(shown(row, i)).includes(needle)));
    if (sort) {
      const [its, sign] = [column(sort.column), sort.down ? -1 : 1];
      const order = Array.isArray(its) ? (a, b) => alphabet.compare(its[a], its[b]) : (a, b) => its[a] - its[b] || 0;
      wanted.sort((a, b) => sign * order(a, b) || a - b);
    }
    table.wanted = wanted;
  }

  function show({ id, change, from, count, columns }) {
    if (!table) return; // the page asks again when it is read
    if (change) choose(change);
    const page = [...table.wanted.slice(from, from + count)];
    const rows = page.map((row) => columns.map((i) => (i < 0 ? String(table.lines[row]) : shown(table.rows[row], i))));
    tell("rows", { id, from, rows, found: table.wanted.length, of: table.rows.length });
  }

  self.onmessage = ({ data }) => {
    if (data.file) send(data.file, data.query);
    else if (data.save) tell("saved", { part: new Blob([[table.head, ...Array.from(table.wanted, (row) => table.rows[row])].join("\n"), "\n"], { type: "text/csv" }) });
    else show(data);
  };
})();
