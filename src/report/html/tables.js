"use strict";
// Tables: the heads sort, a field filters, and long tables show a part of their rows. Without this script they are
// plain tables. Rows that are not shown are taken out of the page, so that ten thousand cost what is seen.
(() => {
  const PART = 200;
  const collator = new Intl.Collator("en", { numeric: true });
  const shows = new Map();

  for (const table of document.querySelectorAll("table.data")) prepare(table);

  function prepare(table) {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    let order = rows, wanted = rows, texts = null, part = PART;

    const bar = document.createElement("div");
    bar.className = "filter";
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "search";
    label.append("Filter ", input);
    const told = document.createElement("output");
    const more = button(`${PART} more`, () => { part += PART; show(); });
    const all = button("All", () => { part = rows.length; show(); });
    bar.append(label, told, more, all);
    table.parentElement.before(bar);

    function show() {
      body.replaceChildren(...wanted.slice(0, part));
      const shown = Math.min(part, wanted.length);
      told.textContent = shown < wanted.length
        ? `${shown} shown of ${wanted.length}${wanted.length < rows.length ? ` that fit, of ${rows.length}` : ""}`
        : wanted.length < rows.length ? `${wanted.length} of ${rows.length}` : `${rows.length} in all`;
      more.hidden = all.hidden = shown === wanted.length;
    }

    function filter() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      texts ??= new Map(rows.map((row) => [row, Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase()]));
      wanted = words.length ? order.filter((row) => words.every((word) => texts.get(row).includes(word))) : order;
      show();
    }

    input.addEventListener("input", () => { part = PART; filter(); });
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const made = button(head.textContent, () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const isNumber = head.className === "number";
        const key = (row) => (isNumber ? parseFloat(row.cells[column].textContent) : row.cells[column].textContent);
        const compare = isNumber ? ([a], [b]) => a - b : ([a], [b]) => collator.compare(a, b);
        const keyed = rows.map((row) => [key(row), row]).sort(compare);
        if (down) keyed.reverse();
        order = keyed.map(([, row]) => row);
        filter();
      });
      head.replaceChildren(made);
    });
    const reveal = (row) => {
      if (!wanted.includes(row)) { input.value = ""; filter(); }
      part = Math.max(part, wanted.indexOf(row) + 1);
      show();
    };
    for (const row of rows) if (row.id) shows.set(row.id, () => reveal(row));
    table.classList.add("ready");
    show();
  }

  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  // A link may lead to a row that is not shown.
  function reveal() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (!shows.has(id)) return;
    shows.get(id)();
    document.getElementById(id).scrollIntoView({ block: "center" });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    const id = link?.getAttribute("href").slice(1);
    if (id && shows.has(id)) shows.get(id)();
  });
  addEventListener("hashchange", reveal);
  reveal();
})();
