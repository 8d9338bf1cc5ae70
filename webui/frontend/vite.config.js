// One build for all pages. `webui/assets.py` reads the manifest to find the hashed names; the strict CSP of the pages
// forbids inline scripts and styles, so nothing is inlined: no module-preload polyfill, no data: assets.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";
import { bootstrapTheme } from "./bootstrap-theme.js";

const entry = (name) => resolve(import.meta.dirname, "src", name, "index.js");
const BUNDLES = ["base", "viewer", "replay", "modeler"].filter((name) => existsSync(entry(name)));

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: false,
  plugins: [bootstrapTheme()],
  build: {
    outDir: resolve(import.meta.dirname, "../static/dist"),
    emptyOutDir: true,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2500,
    target: "es2022",
    rolldownOptions: { input: Object.fromEntries(BUNDLES.map((name) => [name, entry(name)])) },
  },
});
