"use strict";
// The timeline: a lane a pair, the worst first, then what each file covers. No more is drawn than the screen shows:
// lanes outside of it are passed over, and of runs that share a pixel one is drawn. Without this script a still
// picture is shown in its place.
(() => {
  const chart = document.getElementById("chart");
  if (!chart) return;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const [canvas, more, hint, shown, tip] = [chart.querySelector("canvas"), byId("more"), byId("hint"), byId("shown"), byId("tip")];
  const pen = canvas.getContext("2d");
  const AXIS = 34, REACH = 4, FIRST_LANES = 60;

  // Seconds since the first whole second, so that nanoseconds survive.
  const whole = (text) => Date.parse(`${text.slice(0, 19)}Z`) / 1000;
  const times = [data.lanes.flatMap(({ seen, clear, esp, failed }) => [seen, ...clear, ...esp, ...failed]), data.files.map((file) => [file.first])];
  const base = times.flat().reduce((least, [start]) => Math.min(least, whole(start)), Infinity);
  const seconds = (text) => whole(text) - base + Number(`0${text.slice(19, -1) || ".0"}`);
  const pad = (number, digits = 2) => String(number).padStart(digits, "0");
  const date = (at) => new Date((base + at) * 1000);
  const clock = (at, step) => {
    const text = date(Math.round(at * 1e6) / 1e6).toISOString();
    if (step >= 86400) return text.slice(5, 10);
    if (step >= 60) return text.slice(11, 16);
    return step >= 1 ? text.slice(11, 19) : `${text.slice(11, 19)}.${pad(Math.round((((base + at) % 1) + 1) % 1 * 1e6) % 1e6, 6).slice(0, step >= 0.001 ? 3 : 6)}`;
  };
  const moment = (at) => `${date(at).toISOString().slice(0, 10)} ${clock(at, 0.001)}`;
  const length = (s) => (s < 1 ? `${+(s * 1000).toPrecision(3)} ms` : s < 120 ? `${+s.toPrecision(3)} s` : s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${+(s / 3600).toPrecision(3)} h` : `${Math.round(s / 86400)} days`);

  // Items of a list are in order of their start; `reach` is the latest end up to each of them.
  function sorted(items) {
    items.sort((a, b) => a.start - b.start);
    let reach = -Infinity;
    for (const item of items) item.reach = reach = Math.max(reach, item.end);
    return items;
  }
  function search(list, fits, from = 0) {
    let [low, high] = [from, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (fits(list[middle])) high = middle; else low = middle + 1;
    }
    return low;
  }
  const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  const item = (kind, start, end, id, say) => ({ kind, start, end, id, say });
  // Of an end only what differs from its start is written.
  const ended = (start, end) => (end.length < start.length ? start.slice(0, start.length - end.length) + end : end);
  const run = (kind, start, tail, id, say, end = ended(start, tail)) => item(kind, seconds(start), seconds(end), id, () => `${say()}, ${start} to ${end} (${length(seconds(end) - seconds(start))})`);

  function pairLane({ a, b, names, verdict, seen, clear, esp, failed, readable, doubtful }) {
    const windows = clear.map(([start, end, id, frames, mixed, first, last, cause]) => run(mixed ? "mixed" : "clear", start, end, id,
      () => `${id}: ${mixed ? "clear text among ESP" : "clear text"}, ${counted(frames, "packet")}, frames ${first} to ${last}${cause ? `, leading cause ${cause.replaceAll("_", " ")}` : ""}`));
    return {
      names: [a, b].map((address, side) => (names[side] ? `${address} ${names[side]}` : address)),
      verdict: verdict.replaceAll("_", " "),
      summary: `${counted(windows.length, "cleartext window")}, ${counted(esp.length, "run")} under ESP, ${counted(failed.length, "failed negotiation")}`,
      bars: [
        sorted([run("seen", seen[0], seen[1], null, () => `${counted(seen[2], "packet")} of any kind`)]),
        sorted(readable.map(([start, end, frames]) => run("readable", start, end, null, () => `ESP without encryption (NULL) or AH: ${counted(frames, "packet")}`))),
        sorted(esp.map(([start, end, frames, spis]) => run("esp", start, end, null, () => `Under ESP: ${counted(frames, "packet")}, SPI ${spis}`))),
        sorted(doubtful.map(([start, end, frames, spi]) => run("doubtful", start, end, null, () => `ESP or AH, not corroborated: ${counted(frames, "packet")}, SPI ${spi}`))),
        sorted(windows.filter((w) => w.kind === "mixed")),
        sorted(windows.filter((w) => w.kind === "clear")),
      ],
      marks: [sorted(failed.map(([start, end, id, reason, first, last]) => run("failure", start, end, id,
        () => `${id}: IKE failed, ${reason.replaceAll("_", " ")}, frames ${first} to ${last}`)))],
      hosts: [a, b],
    };
  }

  function fileLane(file) {
    const shift = file.ahead ?? 0;
    const clockTold = file.kind !== "log" ? "" : file.ahead === null ? " (by the host's own clock, which was not compared)" : ` (by the host's clock, drawn ${length(Math.abs(shift))} ${shift < 0 ? "later" : "earlier"})`;
    const span = (kind, start, end, say) => item(kind, seconds(start) - shift, seconds(end) - shift, file.id, () => `${say}, ${start} to ${end}${clockTold}`);
    const events = file.events.filter(([time]) => time !== null).map(([time, id, kind, told, record, corrected]) => {
      const at = seconds(time) - (corrected ? 0 : shift);
      return item(kind, at, at, id, () => `${id}: ${told}, record ${file.id}:${record}, ${time}${corrected ? "" : clockTold}`);
    });
    return {
      names: [`${file.id} ${file.kind}`, file.name],
      verdict: "",
      summary: `${counted(file.records, file.kind === "log" ? "record" : "frame")}, ${file.first} to ${file.last}`,
      bars: [
        [span("file", file.first, file.last, `${file.id} covers ${counted(file.records, file.kind === "log" ? "record" : "frame")}`)].map((one) => ({ ...one, reach: one.end })),
        sorted([
          ...file.gaps.filter(([after, before]) => after && before).map(([after, before, first, last]) => span("missing", after, before, `Records ${first} to ${last} are missing`)),
          ...file.silences.map(([from, to]) => span("missing", from, to, "No record")),
        ]),
        sorted(file.bypasses.map(([start, end, first, last]) => span("clear", start, end ?? file.last, `The driver applied no IPsec, records ${first} to ${last ?? "the end"}`))),
      ],
      marks: [sorted(events)],
      addresses: file.addresses,
    };
  }

  const files = data.files.map(fileLane);
  const hostEvents = new Map();
  for (const lane of files) {
    const changes = lane.marks[0].filter((mark) => mark.kind !== "failure");
    if (changes.length) for (const address of lane.addresses) hostEvents.set(address, [...(hostEvents.get(address) ?? []), changes]);
  }
  const pairs = data.lanes.map(pairLane);
  // What changed at a host is shown in the lanes of its pairs too.
  for (const lane of pairs) for (const host of lane.hosts) lane.marks.push(...(hostEvents.get(host) ?? []));
  const lanes = [...pairs, ...files];
  for (const lane of lanes) lane.lists = [...lane.bars, ...lane.marks].filter((list) => list.length);

  const extent = (of) => {
    let [least, most] = [Infinity, -Infinity];
    for (const lane of of) for (const list of lane.lists) {
      least = Math.min(least, list[0].start);
      most = Math.max(most, list[list.length - 1].reach);
    }
    const room = Math.max((most - least) * 0.01, 0.0005);
    return least <= most ? [least - room, most + room] : null;
  };
  const captures = files.filter((lane, at) => data.files[at].kind === "capture");
  // The files first: nothing of a pair lies outside of the captures.
  const everything = extent(lanes) ?? [0, 1];
  const focus = extent(captures) ?? everything;
  let view = focus.slice(), chosen = null, laneAt = 0, drag = null, pointer = null, waiting = 0;
  let width = 0, height = 0, left = 0, laneHeight = 0, laneCount = Math.min(lanes.length, FIRST_LANES);
  let ink = {};

  const x = (at) => left + ((at - view[0]) / (view[1] - view[0])) * (width - left);
  const at = (px) => view[0] + ((px - left) / (width - left)) * (view[1] - view[0]);

  const above = () => Math.round(canvas.getBoundingClientRect().top - chart.getBoundingClientRect().top) - chart.clientTop;
  function showLanes(wanted) {
    laneCount = Math.min(lanes.length, wanted);
    measure();
    redraw();
  }

  function measure() {
    width = chart.clientWidth;
    const isNarrow = width < 640;
    left = isNarrow ? 0 : Math.min(260, width * 0.3);
    laneHeight = isNarrow ? 66 : 34;
    const wanted = AXIS + laneCount * laneHeight + 4;
    chart.style.height = `${wanted + 2}px`;
    // The canvas is no higher than the screen and stays on it while the chart passes.
    height = Math.min(wanted, Math.max(240, innerHeight));
    more.hidden = laneCount === lanes.length;
    more.textContent = `Show ${(lanes.length - laneCount).toLocaleString("en")} more lanes`;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const color = (of) => getComputedStyle(of).color;
    ink = { ink: color(chart), paper: getComputedStyle(chart).backgroundColor };
    for (const key of document.querySelectorAll(".legend .key")) ink[key.classList[1]] = color(key);
    ink.missing = ink.seen = ink.file;
  }

  const shapes = {
    failure: [[-6, -6], [-3, -6], [0, -2], [3, -6], [6, -6], [2, 0], [6, 6], [3, 6], [0, 2], [-3, 6], [-6, 6], [-2, 0]],
    service: [[-6, -5], [6, -5], [0, 6]],
    policy: [[0, -6], [6, 0], [0, 6], [-6, 0]],
    log: [[-5, -5], [5, -5], [5, 5], [-5, 5]],
  };

  function drawBars(list, y) {
    // Whatever begins behind what is drawn; what ends on the same pixel is drawn with it.
    for (let i = search(list, (one) => one.reach >= view[0]); i < list.length && list[i].start <= view[1];) {
      const { kind, start, end } = list[i];
      const from = Math.max(left, x(start)), to = Math.min(width, Math.max(x(end), from + 1.5));
      pen.fillStyle = pen.strokeStyle = ink[kind];
      if (kind === "esp") pen.fillRect(from, y + 8, to - from, 6);
      else if (kind === "readable") { pen.fillRect(from, y + 5, to - from, 2); pen.fillRect(from, y + 15, to - from, 2); }
      else if (kind === "doubtful") for (let dash = from; dash < to; dash += 7) pen.fillRect(dash, y + 10, Math.min(4, to - dash), 3);
      else if (kind === "seen") pen.fillRect(from, y + 10, to - from, 2);
      else if (kind === "file") pen.fillRect(from, y + 9, to - from, 4);
      else if (kind === "missing") {
        pen.fillStyle = ink.paper;
        pen.fillRect(from, y + 8, to - from, 6);
        pen.fillStyle = ink.file;
        for (let dot = from; dot < to; dot += 5) pen.fillRect(dot, y + 10, 1.5, 2);
      } else if (kind === "mixed") {
        pen.fillRect(from, y + 3, to - from, 2);
        pen.fillRect(from, y + 15, to - from, 2);
        for (let stripe = from; stripe < to; stripe += 6) pen.fillRect(stripe, y + 3, Math.min(3, to - stripe), 14);
      } else pen.fillRect(from, y + 3, to - from, 14);
      const edge = at(to + 0.5);
      i = search(list, (one) => one.reach > edge, i + 1);
    }
  }

  function drawMarks(list, y) {
    for (let i = search(list, (one) => one.start >= view[0]); i < list.length && list[i].start <= view[1];) {
      const { kind, start } = list[i], px = x(start);
      pen.beginPath();
      for (const [dx, dy] of shapes[kind]) pen.lineTo(px + dx, y + 11 + dy);
      pen.closePath();
      pen.strokeStyle = ink.paper;
      pen.lineWidth = 3;
      pen.stroke();
      pen.lineWidth = 1;
      pen.fillStyle = ink[kind];
      pen.fill();
      const edge = at(px + 3);
      i = search(list, (one) => one.start > edge, i + 1);
    }
  }

  function fitted(text, room) {
    if (pen.measureText(text).width <= room) return text;
    let keep = text.length;
    while (keep > 1 && pen.measureText(`${text.slice(0, keep)}…`).width > room) keep -= 1;
    return `${text.slice(0, keep)}…`;
  }

  function drawLane(lane, row, top) {
    const isNarrow = left === 0, y = top + (isNarrow ? 34 : 3);
    pen.fillStyle = ink.ink;
    lane.names.forEach((name, line) => pen.fillText(fitted(name, (left || width) - 12), 6, top + 14 + line * 13));
    pen.save();
    pen.beginPath();
    pen.rect(left, top, width - left, laneHeight);
    pen.clip();
    for (const list of lane.bars) drawBars(list, y);
    for (const list of lane.marks) drawMarks(list, y);
    if (chosen && chosen.row === row) {
      pen.strokeStyle = ink.ink;
      pen.lineWidth = 2;
      const from = Math.max(left - 4, x(chosen.item.start) - 3), to = Math.min(width + 4, x(chosen.item.end) + 3);
      pen.strokeRect(from, y - 1, Math.max(8, to - from), 24);
      pen.lineWidth = 1;
    }
    pen.restore();
    pen.globalAlpha = 0.25;
    pen.fillStyle = ink.ink;
    pen.fillRect(0, top + laneHeight - 1, width, 1);
    pen.globalAlpha = 1;
    if (row === laneAt && document.activeElement === chart) {
      pen.fillRect(0, top + 2, 3, laneHeight - 5);
    }
  }

  const STEPS = [1e-6, 1e-5, 1e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000, 31536000];
  function drawAxis() {
    pen.fillStyle = ink.paper;
    pen.fillRect(0, 0, width, AXIS - 4);
    pen.fillStyle = ink.ink;
    const space = ((view[1] - view[0]) / (width - left)) * 110;
    const step = STEPS.find((one) => one >= space) ?? STEPS[STEPS.length - 1];
    let day = "";
    for (let n = Math.ceil((base + view[0]) / step); n * step - base <= view[1]; n += 1) {
      const tick = n * step - base, px = x(tick), today = date(tick).toISOString().slice(0, 10);
      if (px > width - 70) break;
      pen.fillText(clock(tick, step), px + 3, 26);
      if (today !== day) pen.fillText(`${today} UTC`, px + 3, 12);
      day = today;
      pen.globalAlpha = 0.25;
      pen.fillRect(px, 16, 1, height);
      pen.globalAlpha = 1;
    }
  }

  function draw() {
    waiting = 0;
    const ratio = canvas.width / width || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = ink.paper;
    pen.fillRect(0, 0, width, height);
    pen.font = `12px ${getComputedStyle(chart).fontFamily}`;
    const scroll = above(), first = Math.floor(scroll / laneHeight);
    const last = Math.min(laneCount - 1, Math.ceil((scroll + height - AXIS) / laneHeight));
    for (let row = first; row <= last; row += 1) drawLane(lanes[row], row, AXIS + row * laneHeight - scroll);
    drawAxis();
    if (drag?.moved) {
      pen.globalAlpha = 0.25;
      pen.fillStyle = ink.ink;
      pen.fillRect(Math.min(drag.from, drag.to), 16, Math.abs(drag.to - drag.from), height);
      pen.globalAlpha = 1;
    } else if (pointer) {
      pen.fillStyle = ink.ink;
      pen.globalAlpha = 0.5;
      pen.fillRect(pointer.x, 16, 1, height);
      pen.globalAlpha = 1;
    }
  }
  const redraw = () => { waiting ||= requestAnimationFrame(draw); };

  function zoom(from, to) {
    const span = Math.max(1e-5, Math.min(to - from, everything[1] - everything[0]));
    const start = Math.min(Math.max((from + to - span) / 2, everything[0]), everything[1] - span);
    view = [start, start + span];
    shown.textContent = `${moment(view[0])} to ${moment(view[1])} UTC (${length(span)})`;
    tip.hidden = true;
    redraw();
  }
  const scale = (factor, around = (view[0] + view[1]) / 2) => zoom(around - (around - view[0]) * factor, around + (view[1] - around) * factor);
  const shift = (part) => { const by = (view[1] - view[0]) * part; zoom(view[0] + by, view[1] + by); };

  // What is at a point: the item that is drawn last, and how many more there are.
  function found(px, py) {
    const row = Math.floor((py - AXIS + above()) / laneHeight), lane = lanes[row];
    if (!lane || py < AXIS) return null;
    if (px < left) return { row, text: `${lane.names.join(" - ")}${lane.verdict && `, ${lane.verdict}`}: ${lane.summary}` };
    const [from, to] = [at(px - REACH), at(px + REACH)];
    let first = null, many = 0;
    for (const list of [...lane.marks, ...lane.bars.slice().reverse()]) {
      const low = search(list, (one) => one.reach >= from), high = search(list, (one) => one.start > to, low);
      const nearest = list[low];
      if (high > low && nearest.end >= from) { first ??= nearest; many += high - low; }
    }
    return first && { row, item: first, text: `${first.say()}${many > 1 ? `; ${many - 1} more here` : ""}` };
  }

  function choose(hit) {
    chosen = hit?.item ? hit : null;
    hint.textContent = hit ? hit.text : "";
    if (hit?.item?.id) {
      const link = document.createElement("a");
      link.href = `#${hit.item.id}`;
      link.textContent = `Go to ${hit.item.id}`;
      hint.append(" ", link);
    }
    redraw();
  }

  function toLane(row) {
    laneAt = Math.max(0, Math.min(lanes.length - 1, row));
    if (laneAt >= laneCount) showLanes(lanes.length);
    // Below the axis, which stays at the top of the screen.
    const top = chart.getBoundingClientRect().top + AXIS + laneAt * laneHeight;
    if (top < AXIS) scrollBy(0, top - AXIS);
    else if (top + laneHeight > innerHeight) scrollBy(0, top + laneHeight - innerHeight);
    redraw();
  }
  function lane(by) {
    toLane(laneAt + by);
    const { names, verdict, summary } = lanes[laneAt];
    choose({ row: laneAt, text: `${names.join(" - ")}${verdict && `, ${verdict}`}: ${summary}` });
  }
  function step(by) {
    const items = lanes[laneAt].lists.flat().sort((a, b) => a.start - b.start || a.end - b.end);
    const here = chosen?.row === laneAt ? items.indexOf(chosen.item) : -1;
    const next = here < 0 ? (by > 0 ? 0 : items.length - 1) : here + by;
    if (!items[next]) return;
    const { start, end } = items[next], span = view[1] - view[0];
    if (start < view[0] || start > view[1]) zoom(start - span / 2, start + span / 2);
    choose({ row: laneAt, item: items[next], text: `${items[next].say()}; ${next + 1} of ${items.length} in this lane` });
  }

  const actions = {
    "zoom-in": () => scale(0.5), "zoom-out": () => scale(2), earlier: () => shift(-0.5), later: () => shift(0.5),
    captures: () => zoom(...focus), all: () => zoom(...everything),
  };
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
  const keys = {
    "+": () => scale(0.5), "=": () => scale(0.5), "-": () => scale(2), _: () => scale(2), "−": () => scale(2),
    ArrowLeft: () => shift(-0.25), ArrowRight: () => shift(0.25), ArrowUp: () => lane(-1), ArrowDown: () => lane(1),
    Home: actions.all, n: () => step(1), p: () => step(-1),
    Enter: () => hint.querySelector("a")?.click(), Escape: () => { drag = null; choose(null); },
  };
  chart.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
    if (act && lanes.length) { act(); event.preventDefault(); }
  });

  const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [px] = place(event);
    canvas.setPointerCapture(event.pointerId);
    drag = { from: Math.max(left, px), to: px, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = place(event);
    pointer = { x: px };
    if (drag) {
      drag.to = Math.max(left, Math.min(width, px));
      drag.moved ||= Math.abs(drag.to - drag.from) > 4;
    }
    const hit = drag?.moved ? null : found(px, py);
    tip.hidden = !hit;
    if (hit) {
      tip.textContent = hit.text;
      const room = chart.offsetWidth - tip.offsetWidth;
      tip.style.left = `${chart.offsetLeft + Math.max(0, Math.min(px + 12, room))}px`;
      tip.style.top = `${chart.offsetTop + above() + py + 18}px`;
    }
    redraw();
  });
  canvas.addEventListener("pointerup", (event) => {
    const [px, py] = place(event), moved = drag;
    drag = null;
    if (moved?.moved) zoom(at(Math.min(moved.from, moved.to)), at(Math.max(moved.from, moved.to)));
    else if (moved) {
      const hit = found(px, py);
      if (hit) laneAt = hit.row;
      choose(hit);
    }
  });
  canvas.addEventListener("pointercancel", () => { drag = null; redraw(); });
  canvas.addEventListener("pointerleave", () => { pointer = null; tip.hidden = true; redraw(); });
  chart.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scale(event.deltaY < 0 ? 0.8 : 1.25, at(Math.max(left, place(event)[0])));
  }, { passive: false });
  addEventListener("scroll", redraw, { passive: true });
  more.addEventListener("click", () => showLanes(lanes.length));
  for (const name of ["focus", "blur"]) chart.addEventListener(name, redraw);
  const again = () => { measure(); redraw(); };
  addEventListener("resize", again);
  for (const question of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"]) matchMedia(question).addEventListener("change", again);
  measure();
  zoom(...focus);
})();
