import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decodeQR, launch, startDemo } from "./demo.mjs";

let demo, browser;
const errors = [];

before(async () => {
  demo = await startDemo("--machines", "3", "--every", "2s", "--service", "50ms");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  const { code, result } = await demo.stop();
  assert.equal(code, 0, `the demo's count: ${JSON.stringify(result)}`);
  assert.equal(result.lost, 0);
  assert.equal(result.duplicated, 0);
  assert.ok(result.receipts > 0, "receipts were made");
});

async function open(url, viewport, more = {}) {
  const page = await browser.newPage({ viewport, locale: "ru-RU", ...more });
  page.on("pageerror", (e) => errors.push(String(e)));
  await page.goto(url);
  return page;
}

test("the dashboard shows machines, sales as they come, the register and money", async () => {
  const page = await open(demo.dashboard, { width: 1440, height: 900 });
  await page.locator("[data-machine]").nth(2).waitFor();
  assert.equal(await page.locator("[data-machine]").count(), 3);
  const chip = page.locator("[data-test=feed] button.chip.good").first();
  await chip.waitFor({ timeout: 60_000 });
  // The sums come a moment after the sale they are of.
  const says = (selector, source) =>
    page.waitForFunction(([s, r]) => new RegExp(r).test(document.querySelector(s)?.innerText ?? ""), [selector, source]);
  await says("[data-test=today]", "^(?!0 ₽)\\S");
  await says("[data-lane]", "работает|занята");
  assert.ok(!page.url().includes("token"), "the token does not stay in the address");
  await chip.click();
  const picture = page.locator("dialog img");
  await picture.waitFor();
  await page.waitForFunction(() => document.querySelector("dialog img").naturalWidth > 0);
  const said = await picture.getAttribute("alt");
  assert.equal(decodeQR(await page.screenshot()), said, "the QR in the dialog");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "English" }).click();
  await page.getByText("Machines").first().waitFor();
  assert.deepEqual(errors, []);
});

test("the dashboard fits a phone, and tells the operator's time wherever the phone is", async () => {
  const page = await open(demo.dashboard, { width: 390, height: 844 }, { timezoneId: "Pacific/Auckland" });
  await page.locator("[data-machine]").first().waitFor();
  const time = page.locator("[data-test=feed] time").last();
  await time.waitFor({ timeout: 60_000 });
  const [at, shown] = await time.evaluate((t) => [t.dateTime, t.innerText]);
  assert.equal(shown, new Date(at).toLocaleTimeString("ru-RU", { timeZone: "Europe/Moscow" }));
  const [scroll, width] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(scroll <= width, `the page is ${scroll} px wide on a screen of ${width}`);
});

test("a receipt is found again by its number", async () => {
  const page = await open(demo.dashboard, { width: 1200, height: 800 });
  const chip = page.locator("[data-test=feed] button.chip.good").first();
  await chip.waitFor({ timeout: 60_000 });
  const fd = /\d+/.exec(await chip.innerText())[0];
  await page.getByRole("link", { name: "Чеки" }).click();
  await page.locator("section .row").first().waitFor();
  await page.getByLabel("Номер ФД").fill(fd);
  await page.getByLabel("Номер ФН").fill(demo.fn);
  await page.getByRole("button", { name: "Найти" }).click();
  await page.waitForFunction(() => document.querySelectorAll("section .row").length === 1);
  assert.match(await page.locator("section .row").innerText(), new RegExp(`ФД ${fd}`));
});

test("the kiosk page shows the QR of the receipt that the register made", async () => {
  const page = await open(demo.kiosks[0].url, { width: 800, height: 480 });
  let qr = null;
  for (const until = Date.now() + 90_000; qr === null && Date.now() < until; await page.waitForTimeout(200)) {
    qr = decodeQR(await page.screenshot());
  }
  assert.match(qr ?? "no QR came", /^t=\d{8}T\d{4,6}&s=\d+\.\d\d&fn=\d{16}&i=\d+&fp=\d+&n=1$/);
  const archive = await (await fetch(demo.archive + "?type=receipt&tlv=0")).json();
  const fd = Number(/&i=(\d+)/.exec(qr)[1]);
  const made = archive.find((d) => d.fd === fd);
  assert.equal(made?.qr, qr, "the QR on the display is the one in the archive");
  assert.equal(made.machine, demo.kiosks[0].serial, "and it names this machine");
});

test("a wrong token says what to do", async () => {
  const page = await open(demo.dashboard.split("#")[0], { width: 800, height: 600 });
  await page.context().clearCookies();
  await page.reload();
  await page.locator("input").fill("wrong");
  await page.locator("form button.main").click();
  assert.ok((await page.getByRole("alert").innerText()).length > 10);
});
