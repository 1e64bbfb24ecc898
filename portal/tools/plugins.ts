import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";
import { brandStylesheet } from "./brand.mjs";

const BRAND_ID = "virtual:brand.css";

/** `import "virtual:brand.css"` gives the stylesheet generated from tools/brand.mjs. */
export function brandPlugin(root: string): Plugin {
  return {
    name: "brand-stylesheet",
    resolveId: (id) => (id === BRAND_ID ? "\0virtual:brand.css" : undefined),
    load: async (id) => (id === "\0virtual:brand.css" ? brandStylesheet(root) : undefined),
  };
}

/** Cloudscape's global stylesheet carries eight base64 fonts (180 kB). We ship our own font as files, so they go. */
export function withoutEmbeddedFonts(): Plugin {
  return {
    name: "without-embedded-fonts",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("@cloudscape-design/global-styles") || !id.includes(".css")) return undefined;
      return { code: code.replace(/@font-face\s*\{[^}]*\}/g, ""), map: null };
    },
  };
}

/** The theme must be on <body> before the first paint, and inline scripts are refused: a tiny blocking file does it. */
export function earlyThemePlugin(root: string): Plugin {
  let reference = "";
  return {
    name: "early-theme",
    apply: "build",
    buildStart() {
      if (this.environment?.config.consumer === "server") return;
      const source = readFileSync(join(root, "src/shell/early-theme.js"), "utf8");
      reference = this.emitFile({ type: "asset", name: "early-theme.js", source });
    },
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const html = bundle["index.html"];
        if (!reference || html?.type !== "asset") return;
        const tag = `<body>\n    <script src="/${this.getFileName(reference)}"></script>`;
        html.source = String(html.source).replace("<body>", tag);
      },
    },
  };
}
