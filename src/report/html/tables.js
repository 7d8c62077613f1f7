"use strict";
// Tables: the heads sort, a field filters, and long tables show a part of their rows. Without this script they are
// plain tables. Of a long table all but the first rows stand inside <noscript>, which costs a browser with scripts
// next to nothing; they become rows when they are asked for, and only those that are shown are in the page.
(() => {
  const PART = 200;
  const collator = new Intl.Collator("en", { numeric: true });
  const tables = Array.from(document.querySelectorAll("table.data"), prepare);

  function prepare(table) {
    const body = table.tBodies[0], rest = table.parentElement.querySelector("noscript");
    const rows = Array.from(body.rows);
    const total = rows.length + (rest ? rest.textContent.split("<tr").length - 1 : 0);
    let order = rows, wanted = rows, texts = null, part = PART;

    // The rows that are still text.
    function unfold() {
      if (rows.length === total) return;
      const made = document.createElement("template");
      made.innerHTML = rest.textContent;
      rows.push(...made.content.querySelectorAll("tr"));
    }

    const bar = document.createElement("div");
    bar.className = "filter";
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "search";
    label.append("Filter ", input);
    const told = document.createElement("output");
    const more = button(`${PART} more`, () => { unfold(); part += PART; show(); });
    const all = button("All", () => { unfold(); part = total; show(); });
    bar.append(label, told, more, all);
    table.parentElement.before(bar);

    function show() {
      body.replaceChildren(...wanted.slice(0, part));
      tell();
    }

    function tell() {
      const fitting = wanted === rows ? total : wanted.length, shown = Math.min(part, fitting);
      const of = fitting < total ? ` that fit, of ${total}` : "";
      told.textContent = shown < fitting ? `${shown} shown of ${fitting}${of}` : fitting < total ? `${fitting} of ${total}` : `${total} in all`;
      more.hidden = all.hidden = shown === fitting;
    }

    function filter() {
      unfold();
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
        unfold();
        const isNumber = head.className === "n";
        const key = (row) => (isNumber ? parseFloat(row.cells[column].textContent) : row.cells[column].textContent);
        const compare = isNumber ? ([a], [b]) => a - b : ([a], [b]) => collator.compare(a, b);
        const keyed = rows.map((row) => [key(row), row]).sort(compare);
        if (down) keyed.reverse();
        order = keyed.map(([, row]) => row);
        filter();
      });
      head.replaceChildren(made);
    });
    tell();
    return (id) => {
      const find = () => rows.find((row) => row.id === id);
      if (!find() && !rest?.textContent.includes(`id="${id}"`)) return false;
      unfold();
      const row = find();
      if (!row) return false;
      if (!wanted.includes(row)) { input.value = ""; filter(); }
      part = Math.max(part, wanted.indexOf(row) + 1);
      show();
      return true;
    };
  }

  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  // A link may lead to a row that is not shown.
  const show = (id) => id !== "" && !document.getElementById(id) && tables.some((reveal) => reveal(id));
  function arrive() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (show(id)) document.getElementById(id).scrollIntoView({ block: "center" });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link) show(link.getAttribute("href").slice(1));
  });
  addEventListener("hashchange", arrive);
  arrive();
})();
