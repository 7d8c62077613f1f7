// Nothing is cut, overlaps or breaks: at 1400 and 400 pixels, light and dark, and as paper has it.
//
//     node measure.js REPORT.html...

import assert from "node:assert/strict";
import { NARROW, WIDE, launch, open } from "./open.js";

// A4 without its margins, at 96 pixels an inch.
const PAPER = { width: 703, height: 1009 };
const LOOKS = [
  { name: "wide, light", viewport: WIDE, colorScheme: "light" },
  { name: "wide, dark", viewport: WIDE, colorScheme: "dark" },
  { name: "narrow, light", viewport: NARROW, colorScheme: "light" },
  { name: "narrow, dark", viewport: NARROW, colorScheme: "dark" },
  { name: "paper", viewport: PAPER, media: "print" },
];

/** Runs in the page: what is wrong with it, in words; at most twenty of a kind. */
function measure() {
  const faults = [];
  const say = (kind, element, more = "") => {
    if (faults.filter((fault) => fault.startsWith(kind)).length < 20) faults.push(`${kind}: ${element.tagName} ${element.id || element.className} "${element.textContent.trim().slice(0, 60)}" ${more}`);
  };
  const isShown = (element) => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
  const page = document.documentElement.clientWidth + 0.5;
  const lines = (rects) => new Set(rects.map((rect) => Math.round(rect.top))).size;

  // Every text lies inside the boxes around it.
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let seen = 0;
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const parent = text.parentElement;
    if (!text.data.trim() || parent.closest("script, style, svg, .skip, option, template, noscript") || !isShown(parent)) continue;
    range.selectNodeContents(text);
    const rects = Array.from(range.getClientRects()).filter((rect) => rect.width > 0);
    seen += 1;
    for (let box = parent; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).display.startsWith("inline") || getComputedStyle(box).display === "contents") continue;
      const { left, right } = box.getBoundingClientRect();
      if (rects.some((rect) => rect.right > right + 1.5 || rect.left < left - 1.5)) { say("wider than its box", box, text.data.trim().slice(0, 40)); break; }
    }
    if (rects.some((rect) => rect.right > page || rect.left < -0.5)) say("outside of the page", parent);
  }

  // Nothing scrolls inside.
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest("svg, .skip") || !isShown(element)) continue;
    const { overflowX, overflowY } = getComputedStyle(element);
    if (overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1) say("cut", element);
    if (overflowY !== "visible" && element.scrollHeight > element.clientHeight + 1) say("cut", element);
  }

  // Rows: none without height, no cell over another one.
  for (const row of document.querySelectorAll("tbody tr")) {
    if (!isShown(row)) continue;
    const cells = Array.from(row.cells, (cell) => cell.getBoundingClientRect()).filter((rect) => rect.width > 0);
    if (row.getBoundingClientRect().height < 4) say("hidden row", row);
    for (let one = 1; one < cells.length; one += 1) {
      const [a, b] = [cells[one - 1], cells[one]];
      if (a.right > b.left + 1 && b.right > a.left + 1 && a.bottom > b.top + 1 && b.bottom > a.top + 1) say("overlap", row);
    }
  }

  // A word breaks behind its own marks or between them, never by letter. Digests have no marks, and what is too long for any
  // column breaks where it must.
  const letters = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = letters.nextNode(); text; text = letters.nextNode()) {
    const parent = text.parentElement;
    if (!text.data.trim() || parent.closest("script, style, svg, .skip, option, template, noscript, .hash, .any") || !isShown(parent)) continue;
    range.selectNodeContents(text);
    if (lines(Array.from(range.getClientRects())) < 2) continue;
    for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
      if (word.length > 48) continue;
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      if (lines(Array.from(range.getClientRects())) < 2) continue;
      let before = null;
      for (let at = 0; at < word.length; at += 1) {
        range.setStart(text, index + at);
        range.setEnd(text, index + at + 1);
        const { top } = range.getBoundingClientRect();
        if (before !== null && Math.abs(top - before) > 3 && !/[-./:\\=&|_,;)–…?%]/.test(word[at - 1]) && !/[([{]/.test(word[at])) { say("broken word", parent, word); break; }
        before = top;
      }
    }
  }

  // Ids, times, addresses and SPIs are in one piece.
  for (const element of document.querySelectorAll("time, .h, tr[id] > th, .key-id")) {
    if (!isShown(element) || !element.firstChild) continue;
    range.selectNodeContents(element);
    if (lines(Array.from(range.getClientRects()).filter((rect) => rect.width > 0)) > 1) say("split", element);
  }
  return { faults, seen };
}

const browser = await launch();
for (const path of process.argv.slice(2)) {
  for (const { name, media, ...settings } of LOOKS) {
    const { page, context, faults } = await open(browser, path, settings);
    if (media) await page.emulateMedia({ media });
    const told = await page.evaluate(measure);
    assert.ok(told.seen > 50, `${path}, ${name}: hardly any text`);
    assert.deepEqual(told.faults, [], `${path}, ${name}`);
    assert.deepEqual(faults, []);
    await context.close();
  }
  console.log(`measure: ${path}`);
}
await browser.close();
