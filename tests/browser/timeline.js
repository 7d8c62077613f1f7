// The timeline zooms by dragging, buttons and keys, and tells frames at hover, tap and step.
//
//     node timeline.js REPORT.html...

import assert from "node:assert/strict";
import { NARROW, WIDE, launch, open } from "./open.js";

const TELLING = /frames E\d+:\d+ to E\d+:\d+|Under ESP: [\d,]+ packets?|record E\d+:\d+|covers \d+|packets? of any kind/;
const browser = await launch();

/** The seconds that the timeline says it shows. */
async function shown(page) {
  const [from, to] = (await page.locator("#shown").textContent()).split(" UTC")[0].split(" to ");
  return (Date.parse(`${to.replace(" ", "T")}Z`) - Date.parse(`${from.replace(" ", "T")}Z`)) / 1000;
}

/** Whether anything but paper is on the canvas. */
function isDrawn(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector("#chart canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    return colours.size > 4;
  });
}

async function check(path, viewport) {
  const { page, context, faults } = await open(browser, path, { viewport });
  const chart = page.locator("#chart");
  // The canvas is the part of the chart that is on the screen.
  await chart.evaluate((one) => one.scrollIntoView({ block: "start" }));
  await page.waitForTimeout(100);
  assert.ok(await isDrawn(page), "nothing is drawn");
  const box = await chart.locator("canvas").boundingBox();
  const whole = await shown(page);

  await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
  await page.mouse.up();
  const dragged = await shown(page);
  assert.ok(dragged < whole / 4, `a drag shows ${dragged} s of ${whole} s`);

  await page.getByRole("button", { name: "Captures" }).click();
  assert.equal(await shown(page), whole);
  await page.getByRole("button", { name: "Zoom in" }).click();
  assert.ok(Math.abs((await shown(page)) - whole / 2) < 0.01);

  await chart.focus();
  await page.keyboard.press("-");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  assert.ok(Math.abs((await shown(page)) - whole / 4) < 0.01);
  await page.keyboard.press("ArrowRight");
  assert.ok(Math.abs((await shown(page)) - whole / 4) < 0.01);
  await page.keyboard.press("Home");
  assert.ok((await shown(page)) >= whole);
  await page.getByRole("button", { name: "Captures" }).click();

  // The first lane is the worst one: from item to item by key, and by what the pointer meets.
  await chart.focus();
  const told = [];
  for (let press = 0; press < 400; press += 1) {
    await page.keyboard.press("n");
    const hint = await page.locator("#hint").textContent();
    if (hint === told.at(-1)) break;
    told.push(hint);
  }
  assert.ok(told.some((hint) => TELLING.test(hint)), told.join("\n"));
  await page.getByRole("button", { name: "Captures" }).click();
  let tip = "";
  await chart.evaluate((one) => { one.scrollIntoView({ block: "start" }); });
  const { x, y, width } = await chart.boundingBox();
  for (let part = viewport.width < 640 ? 0 : 0.2; part < 1 && !TELLING.test(tip); part += 0.004) {
    await page.mouse.move(x + width * part, y + 34 + (viewport.width < 640 ? 30 : 14));
    if (await page.locator("#tip").isVisible()) tip = await page.locator("#tip").textContent();
  }
  assert.match(tip, TELLING);
  await page.mouse.down();
  await page.mouse.up();
  assert.equal((await page.locator("#hint").textContent()).replace(/ Go to .*/, ""), tip);
  const link = page.locator("#hint a");
  if (await link.count()) {
    await chart.focus();
    await page.keyboard.press("Enter");
    const id = (await link.getAttribute("href")).slice(1);
    await page.locator(`[id="${id}"]`).waitFor({ state: "visible", timeout: 10_000 });
  }
  assert.deepEqual(faults, []);
  await context.close();
}

for (const path of process.argv.slice(2)) {
  await check(path, WIDE);
  await check(path, NARROW);
  console.log(`timeline: ${path}`);
}
await browser.close();
