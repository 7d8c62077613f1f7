// What evidence says stands on the page as text, and what it wants to run does not run.
//
//     node text.js REPORT.html TEXT

import assert from "node:assert/strict";
import { launch, open } from "./open.js";

const [path, text] = process.argv.slice(2);
const browser = await launch();
const { page, context, faults } = await open(browser, path);
const row = page.locator("#events tbody tr").filter({ hasText: text });
assert.ok((await row.count()) > 0, "the row of the hostile event");
await row.first().locator("summary").click();
const shown = await row.first().innerText();
assert.ok(shown.includes("=cmd|'/c calc'!A1") && shown.includes("<script>alert(1)</script>"), shown);
assert.ok((await page.locator("#evidence").innerText()).includes(text), "the host in the evidence");
// The page's own five, and none of the evidence's.
assert.equal(await page.locator("script:not(.rest)").count(), 5);
await page.locator("#chart").focus();
let hint = "";
for (let press = 0; press < 200 && !hint.includes("&lt;script&gt;"); press += 1) {
  await page.keyboard.press("ArrowDown");
  hint = await page.locator("#hint").innerHTML();
}
assert.ok(hint.includes("&lt;script&gt;"), "the host in the timeline");
assert.deepEqual(faults, []);
await context.close();
await browser.close();
console.log(`text: ${shown}`);
