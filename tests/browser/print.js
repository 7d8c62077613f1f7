// The page on paper: writes REPORT.A4.pdf and REPORT.Letter.pdf beside each report, from a browser set to dark.
//
//     node print.js REPORT.html...

import assert from "node:assert/strict";
import { launch, open } from "./open.js";

const browser = await launch();
for (const path of process.argv.slice(2)) {
  const { page, context, faults } = await open(browser, path, { colorScheme: "dark" });
  for (const format of ["A4", "Letter"]) {
    await page.pdf({ path: `${path.replace(/\.html$/, "")}.${format}.pdf`, format, preferCSSPageSize: false, printBackground: true });
  }
  assert.deepEqual(faults, []);
  await context.close();
  console.log(`print: ${path}`);
}
await browser.close();
