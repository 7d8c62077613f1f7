// How long a large report takes to open, and to zoom and move in; prints milliseconds.
//
//     node large.js REPORT.html MOST_MILLISECONDS

import assert from "node:assert/strict";
import { launch, open } from "./open.js";

const [path, most] = process.argv.slice(2);
const browser = await launch();
// The first page of a browser waits for its processes to start.
const warm = await browser.newPage();
await warm.close();

const { page, faults, milliseconds } = await open(browser, path);
// The first paint, and whatever the scripts do after it.
const painted = await page.evaluate(() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
}));
const opened = Math.max(milliseconds, painted);

const chart = page.locator("#chart");
await chart.scrollIntoViewIfNeeded();
await chart.focus();
const frames = await page.evaluate(async () => {
  const chart = document.getElementById("chart");
  const times = [];
  for (let turn = 0; turn < 60; turn += 1) {
    const key = ["+", "+", "ArrowRight", "-", "ArrowLeft", "ArrowDown"][turn % 6];
    const started = performance.now();
    chart.dispatchEvent(new KeyboardEvent("keydown", { key }));
    chart.scrollTop += 40;
    await new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); });
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b);
});
const filter = page.locator("#windows").getByRole("searchbox");
await filter.fill("10.0.1.7 ");
const filtered = await page.evaluate(async () => {
  const started = performance.now();
  const input = document.querySelector("#windows input[type=search]");
  input.value = "10.0.2";
  input.dispatchEvent(new Event("input"));
  await new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); });
  return performance.now() - started;
});
const sorted = await page.evaluate(async () => {
  const started = performance.now();
  document.querySelector("#windows thead th:nth-child(5) button").click();
  await new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); });
  return performance.now() - started;
});
assert.deepEqual(faults, []);
const [median, worst] = [frames[30], frames[59]];
console.log(`opened in ${opened.toFixed(0)} ms; a zoom or move in ${median.toFixed(1)} ms (median), ${worst.toFixed(1)} ms (worst); filtered in ${filtered.toFixed(0)} ms, sorted in ${sorted.toFixed(0)} ms`);
assert.ok(opened < Number(most), `opened in ${opened} ms`);
await browser.close();
