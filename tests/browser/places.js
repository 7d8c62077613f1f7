// Links of the page's own navigation lead to their sections, the timeline shows every lane without a box that scrolls,
// and severities stand in their order.
//
//     node places.js REPORT.html...

import assert from "node:assert/strict";
import { NARROW, WIDE, launch, open } from "./open.js";

const ORDER = ["critical", "high", "medium", "low", "info"];
const browser = await launch();
for (const path of process.argv.slice(2)) {
  for (const viewport of [WIDE, NARROW]) {
    const first = await open(browser, path, { viewport });
    const links = await first.page.locator('nav a[href^="#"]').evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    assert.ok(links.length > 9);
    const severities = await first.page.locator("#findings .filter input").evaluateAll((all) => all.map((box) => box.value));
    assert.deepEqual(severities, ORDER.filter((one) => severities.includes(one)));

    // Each from a page of its own: what was laid out for one link must not help the next.
    await first.context.close();
    for (const link of links) {
      const { page, context } = await open(browser, path, { viewport });
      await page.click(`nav a[href="${link}"]`);
      await page.waitForTimeout(300);
      const { top, end } = await page.evaluate((id) => ({
        top: document.getElementById(id).getBoundingClientRect().top,
        end: document.documentElement.scrollHeight - innerHeight - scrollY,
      }), link.slice(1));
      // At the end of the page nothing can stand higher.
      assert.ok(Math.abs(top) < 120 || (top > 0 && end < 2), `${path}, ${viewport.width}: ${link} is at ${top}`);
      await context.close();
    }

    const { page, context, faults } = await open(browser, path, { viewport });
    const chart = page.locator("#chart");
    if (await chart.count()) {
      const lanes = () => page.evaluate(() => {
        const box = document.getElementById("chart"), data = JSON.parse(document.getElementById("data").textContent);
        return { all: data.lanes.length + data.files.length, height: box.clientHeight, inside: box.scrollHeight };
      });
      const more = page.locator("#more");
      const lane = viewport === NARROW ? 66 : 34;
      const { all, height, inside } = await lanes();
      assert.ok(inside <= height + 1, `${path}: the chart scrolls`);
      assert.ok(height >= Math.min(all, 60) * lane, `${path}: ${all} lanes in ${height} pixels`);
      assert.equal(await more.isVisible(), all > 60);
      if (all > 60) {
        assert.equal(await more.textContent(), `Show ${all - 60} more lanes`);
        await more.click();
        assert.ok((await lanes()).height >= all * lane);
      }
      // The last lane is drawn where it is looked at.
      await page.evaluate(() => document.getElementById("chart").scrollIntoView({ block: "end" }));
      await page.waitForTimeout(100);
      const box = await page.locator("#chart canvas").boundingBox();
      await page.mouse.move(box.x + (viewport === NARROW ? 20 : 40), box.y + box.height - lane / 2);
      if (viewport === WIDE) assert.match(await page.locator("#tip").textContent(), /^E\d+ |\d+ \S+:|record|frame/);
    }
    assert.deepEqual(faults, []);
    await context.close();
  }
  console.log(`places: ${path}`);
}
await browser.close();
