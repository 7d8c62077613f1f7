"use strict";
// Tables: the heads sort, a field filters, and long tables show a part of their rows. Without this script they are
// plain tables. Of a long table all but the first rows are in a script element as JSON: pieces that
// rows share, and what each row is made of. They become rows when they are asked for, and only those that are shown
// are in the page.
(() => {
  const PART = 100, ON_PAPER = 500;
  const collator = new Intl.Collator("en", { numeric: true });
  const tables = Array.from(document.querySelectorAll("table.data"), prepare);

  function prepare(table) {
    const body = table.tBodies[0], rest = table.parentElement.querySelector("script.rest");
    let data = null;
    const folded = () => { data ??= JSON.parse(rest.textContent); return data; };
    const rows = Array.from(body.rows);
    const total = rows.length + Number(rest?.dataset.rows ?? 0);
    let order = rows, wanted = rows, texts = null, part = PART;

    // The rows that are still text.
    function unfold() {
      if (rows.length === total) return;
      const made = document.createElement("template");
      const { pieces, rows: more } = folded();
      made.innerHTML = more.map((row) => row.map((part) => (typeof part === "number" ? pieces[part] : part)).join("")).join("");
      data = null;
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
      const n = (number) => number.toLocaleString("en");
      const fitting = wanted === rows ? total : wanted.length, shown = Math.min(part, fitting);
      const of = fitting < total ? ` that fit, of ${n(total)}` : "";
      told.textContent = shown < fitting ? `${n(shown)} shown of ${n(fitting)}${of}` : fitting < total ? `${n(fitting)} of ${n(total)}` : `${n(total)} in all`;
      more.hidden = all.hidden = shown === fitting;
    }

    function filter() {
      unfold();
      const words = input.value.toLowerCase().replace(/(?<=\d),(?=\d{3})/g, "").split(/\s+/).filter(Boolean);
      texts ??= new Map(rows.map((row) => [row, Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase().replace(/(?<=\d),(?=\d{3})/g, "")]));
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
        const key = (row) => (isNumber ? parseFloat(row.cells[column].dataset.v ?? row.cells[column].textContent.replaceAll(",", "")) : row.cells[column].textContent);
        const compare = isNumber ? ([a], [b]) => a - b : ([a], [b]) => collator.compare(a, b);
        const keyed = rows.map((row) => [key(row), row]).sort(compare);
        if (down) keyed.reverse();
        order = keyed.map(([, row]) => row);
        filter();
      });
      head.replaceChildren(made);
    });
    tell();
    // Paper has what a reader would ask for.
    // Chromium repeats a head on each sheet, but not the buttons in it.
    const buttons = heads.map((head) => head.firstChild);
    addEventListener("beforeprint", () => { for (const head of heads) head.replaceChildren(head.textContent); });
    addEventListener("afterprint", () => heads.forEach((head, at) => head.replaceChildren(buttons[at])));
    let before = part;
    addEventListener("beforeprint", () => { if (rest && !table.closest(".screen") && part < Math.min(total, ON_PAPER)) { before = part; unfold(); part = ON_PAPER; show(); } });
    addEventListener("afterprint", () => { if (part === ON_PAPER) { part = before; show(); } });
    return (id) => {
      const find = () => rows.find((row) => row.id === id);
      if (!find() && !rest?.textContent.includes(`id=\\"${id}\\"`)) return false;
      unfold();
      const row = find();
      if (!row) return false;
      if (!wanted.includes(row)) { input.value = ""; filter(); }
      // Far down it is shown by itself: thousands of rows before it would take seconds.
      if (wanted.indexOf(row) >= ON_PAPER) { input.value = id; part = PART; filter(); }
      else { part = Math.max(part, wanted.indexOf(row) + 1); show(); }
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
  // Before a link is followed, all of the page is laid out, so that its target is where the link leads.
  const exact = () => document.documentElement.classList.add("exact");
  const show = (id) => id !== "" && !document.getElementById(id) && tables.some((reveal) => reveal(id));
  function arrive() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (id) exact();
    if (show(id)) document.getElementById(id).scrollIntoView({ block: "start" });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (!link) return;
    exact();
    show(link.getAttribute("href").slice(1));
  });
  addEventListener("hashchange", arrive);
  arrive();
})();
