// Builds the app, prerenders the public pages into portal_dist/public, and writes a .gz beside every text asset.
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "../packages/control-plane/src/aifactory/api/portal_dist");
const ssrFolder = join(root, "node_modules/.portal-prerender");
const configFile = join(root, "vite.config.ts");
const ENTRY_KILOBYTES = 110;
const VISITOR_KILOBYTES = 125;
const PUBLIC_ENTRY = "src/shell/PublicLayout.tsx";
const VISIT = ["index.html", "src/shell/portal.tsx", PUBLIC_ENTRY, "src/domains/product/landing.tsx"];

await build({ root, configFile, logLevel: "warn" });
await build({
  root,
  configFile,
  logLevel: "warn",
  build: { ssr: "src/prerender.tsx", outDir: ssrFolder, emptyOutDir: true, manifest: false },
});
await prerender();
await checkEntrySize();
await compress(join(dist, "assets"));
await rm(ssrFolder, { recursive: true, force: true });

async function prerender() {
  const { pages, render } = await import(pathToFileURL(join(ssrFolder, "prerender.js")).href);
  const shell = await readFile(join(dist, "index.html"), "utf8");
  const manifest = JSON.parse(await readFile(join(dist, ".vite/manifest.json"), "utf8"));
  await mkdir(join(dist, "public"), { recursive: true });
  for (const page of pages) {
    const styles = [...stylesOf(manifest, PUBLIC_ENTRY), ...stylesOf(manifest, page.source)];
    const links = [...new Set(styles)].filter((href) => !shell.includes(href));
    const head = [
      `<title>${page.title}</title>`,
      `<meta name="description" content="${page.description}">`,
    ];
    const styleLinks = links.map((href) => `    <link rel="stylesheet" href="/${href}">\n`).join("");
    const html = shell
      .replace(/<title>.*<\/title>/, head.join("\n    "))
      .replace("  </head>", `${styleLinks}  </head>`)
      .replace('<div id="root"></div>', () => `<div id="root">${render(page)}</div>`)
      .replace("</body>", '<script type="application/json" id="live-data">{}</script>\n  </body>');
    await writeFile(join(dist, "public", `${page.file}.html`), html);
  }
}

// What every visitor downloads before anything else: the entry and what it imports at once. And, so that nothing hides
// behind a later download, all scripts of a first visit to the front page.
async function checkEntrySize() {
  const manifest = JSON.parse(await readFile(join(dist, ".vite/manifest.json"), "utf8"));
  await rm(join(dist, ".vite"), { recursive: true });
  await checkSize(manifest, "the entry", ["index.html"], ENTRY_KILOBYTES);
  await checkSize(manifest, "a first visit", VISIT, VISITOR_KILOBYTES);
}

async function checkSize(manifest, what, roots, most) {
  const files = new Set();
  const add = (key) => {
    if (files.has(manifest[key].file)) return;
    files.add(manifest[key].file);
    (manifest[key].imports ?? []).forEach(add);
  };
  roots.forEach(add);
  const sizes = await Promise.all([...files].map(async (file) => gzipSync(await readFile(join(dist, file)), { level: 9 }).length));
  const kilobytes = sizes.reduce((sum, size) => sum + size, 0) / 1000;
  if (process.env.AIF_SHOW_SIZES) console.log(`${what}: ${kilobytes.toFixed(1)} kB gzip in ${files.size} files`);
  if (kilobytes > most) throw new Error(`${what} is ${kilobytes.toFixed(1)} kB gzip, more than ${most}: load something lazily`);
}

function stylesOf(manifest, key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(key)) return [];
  seen.add(key);
  const inherited = (chunk.imports ?? []).flatMap((imported) => stylesOf(manifest, imported, seen));
  return [...inherited, ...(chunk.css ?? [])];
}

async function compress(folder) {
  for (const name of await readdir(folder)) {
    if (!/\.(js|css|svg|json)$/.test(name)) continue;
    const plain = await readFile(join(folder, name));
    const packed = gzipSync(plain, { level: 9 });
    if (packed.length < plain.length * 0.9) await writeFile(join(folder, `${name}.gz`), packed);
  }
}
