// The page on paper: writes REPORT.A4.pdf and REPORT.Letter.pdf beside each report, from a browser set to dark.
//
//     node print.js REPORT.html...

import assert from "node:assert/strict";
import { launch, open } from "./open.js";

/** Both formats, from a browser of their own. */
async function print(path) {
  const browser = await launch();
  try {
    const { page, faults } = await open(browser, path, { colorScheme: "dark" });
    for (const format of ["A4", "Letter"]) {
      const written = page.pdf({ path: `${path.replace(/\.html$/, "")}.${format}.pdf`, format, printBackground: true });
      const late = new Promise((_, fail) => { setTimeout(fail, 60_000, new Error("no answer")).unref(); });
      await Promise.race([written, late]);
    }
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
  }
}

for (const path of process.argv.slice(2)) {
  // On a busy machine Chromium was seen never to answer to one print in twenty; then it is asked once more.
  await print(path).catch((error) => {
    if (error.message !== "no answer") throw error;
    console.log(`print: ${path}: asked again`);
    return print(path);
  });
  console.log(`print: ${path}`);
}
