// Makes the README's pictures of the dashboard from a running demo:
//   node browser/pictures.mjs ../../docs/img
import { join } from "node:path";
import { launch, startDemo } from "./demo.mjs";

const out = process.argv[2];
const demo = await startDemo("--machines", "5", "--every", "2500ms", "--service", "200ms", "--seed", "7");
const browser = await launch();
try {
  for (const [name, locale, colorScheme] of [["dashboard", "ru-RU", "light"], ["dashboard.en", "en-GB", "dark"]]) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, locale, colorScheme });
    await page.goto(demo.dashboard);
    await page.locator("[data-test=feed] li").nth(14).waitFor({ timeout: 120_000 });
    await page.locator(".u-over").waitFor();
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(out, `${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  console.log(JSON.stringify((await demo.stop()).result));
}
