import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The pages are embedded into the hub, which serves them at its root.
// `HUB=http://127.0.0.1:8080 npm run dev` works on them against a running hub.
export default defineConfig({
  plugins: [svelte()],
  build: { outDir: "dist", emptyOutDir: false, target: "es2022", assetsInlineLimit: 0 },
  server: { proxy: { "/api": process.env.HUB ?? "http://127.0.0.1:8080" } },
});
