// No error on the console, no request, no serious fault of accessibility, in each of the page's looks; of all but the
// last page in two of them.
//
//     node sound.js REPORT.html...

import assert from "node:assert/strict";
import axe from "axe-core";
import { NARROW, WIDE, launch, open } from "./open.js";

const LOOKS = [
  { name: "light", viewport: WIDE, colorScheme: "light" },
  { name: "narrow and dark", viewport: NARROW, colorScheme: "dark" },
];
const MORE_LOOKS = [
  { name: "more contrast", viewport: WIDE, colorScheme: "dark", contrast: "more" },
  { name: "forced colours", viewport: WIDE, forcedColors: "active" },
  { name: "no script", viewport: WIDE, javaScriptEnabled: false },
];

const browser = await launch();
const paths = process.argv.slice(2);
for (const path of paths) {
  const looks = path === paths.at(-1) ? [...LOOKS, ...MORE_LOOKS] : LOOKS;
  for (const { name, ...settings } of looks) {
    const { page, context, faults } = await open(browser, path, settings);
    assert.deepEqual(faults, [], `${path}, ${name}`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${path}, ${name}: ${overflow} pixels wider than the screen`);
    if (settings.javaScriptEnabled !== false) {
      // Evaluated by the debugger, which the content security policy does not concern.
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const told = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html.slice(0, 300)} (${nodes.length})`);
      assert.deepEqual(told, [], `${path}, ${name}`);
    }
    await context.close();
  }
  console.log(`sound: ${path}`);
}
await browser.close();
