// What an auditor asks of each window, answered by the page alone; prints JSON, one list of windows.
//
//     node checklist.js REPORT.html

import assert from "node:assert/strict";
import { launch, open } from "./open.js";

const [path] = process.argv.slice(2);
const browser = await launch();
const { page, faults } = await open(browser, path);
const all = page.locator("#windows").getByRole("button", { name: "All" });
if (await all.count() && await all.isVisible()) await all.click();
const windows = await page.locator("#windows tbody tr").evaluateAll((rows) => {
  const heads = Array.from(document.querySelectorAll("#windows thead th"), (head) => head.textContent.trim());
  const number = (text) => Number(text.replaceAll(",", ""));
  return rows.map((row) => {
    const cell = (name) => row.cells[heads.indexOf(name)];
    const text = (name) => cell(name).innerText;
    const times = Array.from(cell("From, to").querySelectorAll("time"), (time) => `${time.textContent.replace(" ", "T")}Z`);
    const ways = Array.from(text("Each way, payload").matchAll(/([\d,]+) packets, ([\d,]+) bytes/g), ([, packets, bytes]) => [number(packets), number(bytes)]);
    const cause = (words) => text("Cause").match(new RegExp(`${words} (.+) \\((high|medium|low)\\)`))?.slice(1) ?? null;
    return {
      id: text("Window"),
      hosts: Array.from(cell("Pair").querySelectorAll(".h, .long"), (host) => host.textContent),
      names: Array.from(cell("Pair").querySelectorAll("b"), (name) => name.textContent),
      start: times[0],
      end: times[1],
      seconds: number(cell("Duration").dataset.v),
      duration: text("Duration"),
      frames: number(text("Packets")),
      bytes: number(text("Bytes")),
      ways,
      opened: cause("Opened by"),
      kept_open: cause("Kept open by"),
      closed: cause("Closed by"),
      shown_by: text("Frames, filter").match(/E\d+:\d+(?: to E\d+:\d+)?/)[0],
      filter: cell("Frames, filter").querySelector("code").textContent,
    };
  });
});
assert.deepEqual(faults, []);
console.log(JSON.stringify(windows));
await browser.close();
