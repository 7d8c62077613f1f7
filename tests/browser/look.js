// Pictures to look at, at 1400 and 400 pixels, light and dark: REPORT.1400.light.png and so on beside the report.
//
//     node look.js REPORT.html...

import { NARROW, WIDE, launch, open } from "./open.js";

const browser = await launch();
for (const path of process.argv.slice(2)) {
  for (const viewport of [WIDE, NARROW]) {
    for (const colorScheme of ["light", "dark"]) {
      const { page, context } = await open(browser, path, { viewport, colorScheme });
      await page.screenshot({ path: `${path.replace(/\.html$/, "")}.${viewport.width}.${colorScheme}.png`, fullPage: true });
      await context.close();
    }
  }
}
await browser.close();
