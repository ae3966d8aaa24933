// Makes the README's picture of the dashboard from a running demo:
//   node browser/pictures.mjs ../../docs/img
import { join } from "node:path";
import { launch, startDemo } from "./demo.mjs";

const out = process.argv[2];
const demo = await startDemo("--machines", "5", "--every", "2500ms", "--service", "200ms", "--seed", "7");
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "ru-RU", colorScheme: "light" });
  await page.goto(demo.dashboard);
  await page.locator("[data-test=feed] li").nth(14).waitFor({ timeout: 120_000 });
  await page.screenshot({ path: join(out, "dashboard.png") });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: join(out, "dashboard-phone.png") });
  for (const [name, hash] of [["receipts", "#receipts"], ["waiting", "#waiting"]]) {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.evaluate((h) => (location.hash = h), hash);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(out, `dashboard-${name}.png`) });
  }
  const dark = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "en-GB", colorScheme: "dark" });
  await dark.goto(demo.dashboard);
  await dark.locator("[data-test=feed] li").first().waitFor();
  await dark.waitForTimeout(1500);
  await dark.screenshot({ path: join(out, "dashboard-dark.png") });
} finally {
  await browser.close();
  console.log(JSON.stringify((await demo.stop()).result));
}
