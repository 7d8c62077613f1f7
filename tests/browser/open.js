// A browser and pages in it that note whatever they should not do.

import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const WIDE = { width: 1400, height: 1000 };
export const NARROW = { width: 400, height: 800 };

/** Chromium as PLAINSIGHT_CHROMIUM names it, else Debian's. */
export function launch() {
  const executablePath = process.env.PLAINSIGHT_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: FLAGS });
}

/** Opens a report; `faults` gathers errors on the console and requests that leave the page. */
export async function open(browser, path, settings = {}) {
  const context = await browser.newContext({ viewport: WIDE, ...settings });
  const page = await context.newPage();
  const address = pathToFileURL(path).href;
  const faults = [];
  page.on("console", (said) => {
    if (["error", "warning"].includes(said.type())) faults.push(`console: ${said.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error}`));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== address) faults.push(`request: ${request.url()}`);
  });
  const started = performance.now();
  await page.goto(address, { waitUntil: "load" });
  return { page, context, faults, milliseconds: performance.now() - started };
}
