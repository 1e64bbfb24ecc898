// Writes src/api/generated/schema.ts from contracts/openapi.yaml; with --check it only fails when the two differ.
// It has packages of its own because openapi-typescript needs TypeScript 5, and the portal is built with a newer one.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = process.env.AIF_OPENAPI ?? here("../../../contracts/openapi.yaml");
const target = here("../../src/api/generated/schema.ts");

const header = "// Generated from contracts/openapi.yaml by `npm run generate`. Do not edit.\n\n";
const wanted = header + astToString(await openapiTS(pathToFileURL(source), { alphabetize: true, defaultNonNullable: false }));
if (process.argv.includes("--check")) {
  const found = await readFile(target, "utf8").catch(() => "");
  if (found !== wanted) {
    console.error("portal/src/api/generated/schema.ts does not match contracts/openapi.yaml. Run: npm --prefix portal run generate");
    process.exit(1);
  }
} else {
  await writeFile(target, wanted);
}
