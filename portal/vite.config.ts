import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { brandPlugin, earlyThemePlugin, withoutEmbeddedFonts } from "./tools/plugins.ts";

const root = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig({
  root,
  plugins: [brandPlugin(root), withoutEmbeddedFonts(), earlyThemePlugin(root), react()],
  build: {
    outDir: "../packages/control-plane/src/aifactory/api/portal_dist",
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8042", "/dev-issuer": "http://127.0.0.1:8042" } },
  ssr: { noExternal: [/@cloudscape-design\//] },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    server: { deps: { inline: [/@cloudscape-design\//] } },
    css: false,
    setupFiles: ["src/test-setup.ts"],
    testTimeout: 60_000, // a limit for what hangs, not a measure: machines that run tests may be slow
  },
});
