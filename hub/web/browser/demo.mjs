// Starts a demo with real programs and a headless Chromium beside it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import jsQR from "jsqr";
import { chromium } from "playwright-core";
import { PNG } from "pngjs";

const bench = process.env.TESTBENCH ?? join(import.meta.dirname, "../../../bin/testbench");

export async function startDemo(...args) {
  const data = await mkdtemp(join(tmpdir(), "chekomat-demo-"));
  const child = spawn(bench, ["demo", "--data", data, "--json", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [first] = await once(lines, "line");
  const last = [];
  lines.on("line", (l) => last.push(l));
  return {
    ...JSON.parse(first),
    /** Stops as Ctrl-C does and gives the count. */
    async stop() {
      child.kill("SIGINT");
      const [code] = await once(child, "close"); // at its exit the last line may not have been read yet
      await rm(data, { recursive: true, force: true });
      return { code, result: JSON.parse(last.at(-1)) };
    },
  };
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });

/** Opens a page of the dashboard and collects what goes wrong on it. */
export async function openPage(browser, url, { viewport, locale }, errors) {
  const page = await browser.newPage({ viewport, locale });
  page.on("pageerror", (e) => errors.push(String(e)));
  await page.goto(url);
  await page.locator("[data-machine]").first().waitFor();
  return page;
}

/** Decodes the QR code in a screenshot with a decoder that shares nothing with our encoder. */
export function decodeQR(png) {
  const { data, width, height } = PNG.sync.read(png);
  return jsQR(new Uint8ClampedArray(data), width, height)?.data ?? null;
}
