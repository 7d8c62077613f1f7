// Filters filter, heads sort, links lead to rows, advice is ticked off.
//
//     node tables.js REPORT.html...

import assert from "node:assert/strict";
import { launch, open } from "./open.js";

const browser = await launch();
for (const path of process.argv.slice(2)) {
  const { page, context, faults } = await open(browser, path);
  for (const table of await page.locator("table.data").all()) {
    const name = await table.evaluate((one) => one.closest("section").id);
    const texts = () => table.locator("tbody tr").allTextContents();
    const filter = page.locator(`#${name}`).getByRole("searchbox");
    const before = await texts();
    await filter.fill("no row says this");
    assert.deepEqual(await texts(), [], name);
    await filter.fill("");
    assert.deepEqual(await texts(), before, name);
    const word = (await table.locator("tbody th").last().textContent()).split(" ")[0];
    await filter.fill(word.toUpperCase());
    const fitting = before.filter((text) => text.toLowerCase().includes(word.toLowerCase()));
    assert.ok(fitting.length > 0 && (await texts()).length >= fitting.length, name);
    for (const text of await texts()) assert.ok(text.toLowerCase().includes(word.toLowerCase()), `${name}: ${text}`);
    await filter.fill("");

    const heads = await table.locator("thead th").all();
    for (const [column, head] of heads.entries()) {
      const cells = () => table.locator("tbody tr").evaluateAll((rows, at) => rows.map((row) => row.cells[at].dataset.v ?? row.cells[at].textContent.replaceAll(",", "")), column);
      const isNumber = (await head.getAttribute("class")) === "n";
      await head.getByRole("button").click();
      assert.equal(await head.getAttribute("aria-sort"), "ascending");
      const up = await cells();
      if (isNumber) assert.deepEqual(up, up.slice().sort((a, b) => parseFloat(a) - parseFloat(b)), name);
      const many = up.length;
      await head.getByRole("button").click();
      assert.equal(await head.getAttribute("aria-sort"), "descending");
      const down = await cells();
      assert.equal(down.length, many);
      if (isNumber) assert.ok(down.every((cell, at) => at === 0 || parseFloat(cell) <= parseFloat(down[at - 1])), name);
    }
  }

  // A link leads to its row, whatever the filter says.
  const link = page.locator('#findings a[href^="#W"]').first();
  if (await link.count()) {
    const id = (await link.getAttribute("href")).slice(1);
    await page.locator("#windows").getByRole("searchbox").fill("no row says this");
    await link.click();
    // The page hears of the new address only after the click is done.
    await page.locator(`[id="${id}"]`).waitFor({ state: "visible", timeout: 10_000 });
  }

  const boxes = page.locator(".advice input");
  if (await boxes.count()) {
    await boxes.first().check();
    assert.match(await page.locator("#findings .filter output").textContent(), /^1 of \d+ steps/);
    await page.reload();
    // The store of a page is read a moment after it is loaded; what was ticked off is kept.
    await page.waitForFunction(() => document.querySelector(".advice input").checked, null, { timeout: 10_000 });
    const severity = page.locator("#findings .filter input").first();
    const hidden = await severity.getAttribute("value");
    await severity.uncheck();
    assert.equal(await page.locator(`article.${hidden}:visible`).count(), 0, hidden);
  }
  assert.deepEqual(faults, []);
  await context.close();
  console.log(`tables: ${path}`);
}
await browser.close();
