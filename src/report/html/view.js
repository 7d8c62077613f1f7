"use strict";
// Tables: a click on a head sorts, a field filters. Without this script they are plain tables.
for (const table of document.querySelectorAll("table.data")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const label = document.createElement("label");
  label.className = "filter";
  label.textContent = "Filter ";
  const input = document.createElement("input");
  input.type = "search";
  label.append(input);
  table.parentElement.before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    rows.forEach((row, at) => { row.hidden = !texts[at].includes(wanted); });
  });
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].textContent;
      const compare = head.className === "number"
        ? (a, b) => parseFloat(value(a)) - parseFloat(value(b))
        : (a, b) => value(a).localeCompare(value(b), "en", { numeric: true });
      const sorted = rows.slice().sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
      body.append(...sorted);
    });
  });
}

// The timeline: no more is drawn than the screen can show.
const data = JSON.parse(document.getElementById("data").textContent);
const chart = document.getElementById("chart");
const hint = document.getElementById("hint");
const time = (text) => Date.parse(text) / 1000;
const lanes = data.lanes.map((lane) => ({
  name: lane.name,
  clear: lane.clear.map(([start, end, id, frames, mixed]) => ({ start: time(start), end: time(end), id, frames, mixed, from: start, to: end })),
  esp: lane.esp.map(([start, end, frames]) => ({ start: time(start), end: time(end), frames, from: start, to: end })),
}));
const failures = data.failures.map(([at, id, reason, frame]) => ({ at: time(at), id, text: `${id}: ${reason}, frame ${frame}, ${at}` }));
const changes = data.changes.map(([at, id, what]) => ({ at: time(at), id, text: `${id}: event ${what}, ${at}` }));
let [least, most] = [Infinity, -Infinity];
for (const lane of lanes) {
  for (const run of lane.clear.concat(lane.esp)) {
    least = Math.min(least, run.start);
    most = Math.max(most, run.end);
  }
}
const whole = most > least ? [least - (most - least) * 0.01, most + (most - least) * 0.01] : [least - 1, most + 1];
let view = whole.slice();
const NAMES = 230, LANE = 26, TOP = 34;

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function runs(svg, list, kind, y, height, x, width) {
  let drawn = -1;
  for (const run of list) {
    if (run.end < view[0] || run.start > view[1]) continue;
    const left = Math.max(NAMES, x(run.start)), right = Math.min(width, x(run.end));
    if (right <= drawn && right - left < 1) continue;
    drawn = Math.max(right, left + 1);
    const rect = element("rect", { x: left, y, height, width: Math.max(1.5, right - left), class: run.mixed ? "mixed" : kind });
    const what = kind === "esp" ? "under ESP" : run.mixed ? "clear text among ESP" : "clear text";
    rect.append(element("title", {}, `${run.id ? run.id + ": " : ""}${what}, ${run.frames} packets, ${run.from} to ${run.to}`));
    svg.append(rect);
  }
}

function marks(svg, list, kind, y, x, width) {
  let drawn = -9;
  for (const mark of list) {
    const at = x(mark.at);
    if (at < NAMES || at > width || at - drawn < 2) continue;
    drawn = at;
    const dot = element("circle", { cx: at, cy: y, r: 4, class: kind });
    dot.append(element("title", {}, mark.text));
    svg.append(dot);
  }
}

function draw() {
  if (!lanes.length) {
    chart.replaceChildren("No pair owes protection, so there is nothing to draw.");
    return;
  }
  const width = Math.max(600, chart.clientWidth - 4);
  const height = TOP + LANE * (lanes.length + 2);
  const x = (at) => NAMES + ((at - view[0]) / (view[1] - view[0])) * (width - NAMES - 8);
  const svg = element("svg", { width, height, "aria-hidden": "true" });
  for (let step = 0; step <= 4; step += 1) {
    const at = view[0] + ((view[1] - view[0]) * step) / 4;
    svg.append(element("line", { x1: x(at), x2: x(at), y1: 20, y2: height, class: "grid" }));
    const anchor = step === 4 ? "end" : step === 0 ? "start" : "middle";
    svg.append(element("text", { x: x(at), y: 14, "text-anchor": anchor }, new Date(at * 1000).toISOString().replace("T", " ").slice(0, 23)));
  }
  lanes.forEach((lane, row) => {
    const y = TOP + row * LANE;
    svg.append(element("text", { x: 4, y: y + 14 }, lane.name.length > 34 ? lane.name.slice(0, 33) + "…" : lane.name));
    runs(svg, lane.esp, "esp", y + 2, 8, x, width);
    runs(svg, lane.clear, "clear", y + 11, 9, x, width);
  });
  const y = TOP + lanes.length * LANE + 12;
  svg.append(element("text", { x: 4, y: y + 4 }, "IKE failures"), element("text", { x: 4, y: y + LANE + 4 }, "Changes in the logs"));
  marks(svg, failures, "failure", y, x, width);
  marks(svg, changes, "change", y + LANE, x, width);
  let from = null, band = null;
  const place = (event) => view[0] + ((event.clientX - svg.getBoundingClientRect().left - NAMES) / (width - NAMES - 8)) * (view[1] - view[0]);
  svg.addEventListener("pointerdown", (event) => {
    from = { at: place(event), x: event.clientX - svg.getBoundingClientRect().left };
    band = element("rect", { x: from.x, y: 20, width: 0, height: height - 20, class: "drag" });
    svg.append(band);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const now = event.clientX - svg.getBoundingClientRect().left;
    band.setAttribute("x", Math.min(from.x, now));
    band.setAttribute("width", Math.abs(now - from.x));
  });
  svg.addEventListener("pointerup", (event) => {
    const to = place(event), start = from && from.at;
    from = null;
    if (start !== null && Math.abs(to - start) > (view[1] - view[0]) / 200) zoom(Math.min(start, to), Math.max(start, to));
    else if (band) band.remove();
  });
  chart.replaceChildren(svg);
  hint.textContent = `${new Date(view[0] * 1000).toISOString()} to ${new Date(view[1] * 1000).toISOString()}`;
}

function zoom(from, to) {
  const span = Math.max(0.01, Math.min(to - from, whole[1] - whole[0]));
  const start = Math.min(Math.max(from, whole[0]), whole[1] - span);
  view = [start, start + span];
  draw();
}

function scale(factor) {
  const middle = (view[0] + view[1]) / 2, half = ((view[1] - view[0]) / 2) * factor;
  zoom(middle - half, middle + half);
}

function shift(part) {
  const by = (view[1] - view[0]) * part;
  zoom(view[0] + by, view[1] + by);
}

const actions = { "zoom-in": () => scale(0.5), "zoom-out": () => scale(2), earlier: () => shift(-0.5), later: () => shift(0.5), all: () => zoom(whole[0], whole[1]) };
for (const [id, act] of Object.entries(actions)) document.getElementById(id).addEventListener("click", act);
chart.addEventListener("keydown", (event) => {
  const act = { "+": actions["zoom-in"], "-": actions["zoom-out"], ArrowLeft: actions.earlier, ArrowRight: actions.later, Home: actions.all }[event.key];
  if (act && lanes.length) { act(); event.preventDefault(); }
});
window.addEventListener("resize", draw);
draw();
