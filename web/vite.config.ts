/** Builds the pages into `expo/edge/web`, the only folder the server reads: hashed assets, manifest, icons, templates, catalogues. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, "../expo/edge/web");
const lucide = resolve(here, "../node_modules/lucide-static/icons");

/** One entry per page script and per page style sheet; a manifest key is the path below `web/`. */
function entries(): string[] {
  const scripts = readdirSync(join(here, "src/pages"))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => `src/pages/${name}`);
  const sheets = readdirSync(join(here, "styles"))
    .filter((name) => name.endsWith(".css") && !["tokens.css", "components.css"].includes(name)) // site.css holds those
    .map((name) => `styles/${name}`);
  return [...scripts, ...sheets].map((path) => join(here, path));
}

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => pattern.test(name) && !name.endsWith(".test.ts"))
    .map((name) => join(folder, name));
}

/** Every icon that a template or a view calls by a plain string, as one inline sprite: no request, no inline style (CSP). */
function sprite(): string {
  const names = new Set<string>();
  for (const file of [...filesBelow(join(here, "templates"), /\.html$/), ...filesBelow(join(here, "src"), /\.ts$/)]) {
    for (const match of readFileSync(file, "utf8").matchAll(/\bicon\(\s*"([a-z0-9-]+)"/g))
      names.add(match[1] as string);
  }
  const symbols = [...names].sort().map((name) => {
    const path = join(lucide, `${name}.svg`);
    if (!existsSync(path)) throw new Error(`lucide has no icon "${name}"`);
    const shapes = readFileSync(path, "utf8")
      .replace(/^[\s\S]*?<svg[^>]*>/, "")
      .replace("</svg>", "")
      .replace(/\s*\n\s*/g, "");
    return `<symbol id="i-${name}" viewBox="0 0 24 24">${shapes}</symbol>`;
  });
  return `{# Lucide (ISC), gathered by the build. #}<svg width="0" height="0" class="sprite" aria-hidden="true" focusable="false">${symbols.join("")}</svg>\n`;
}

type Manifest = Record<string, { file: string; imports?: string[] }>;

/** A macro that preloads a page's script with all its imports at once, instead of one round trip per level. */
function preloads(manifest: Manifest): string {
  const files = (key: string, found: Set<string>): Set<string> => {
    const entry = manifest[key];
    if (entry === undefined || found.has(entry.file)) return found;
    found.add(entry.file);
    for (const name of entry.imports ?? []) files(name, found);
    return found;
  };
  const cases = Object.keys(manifest)
    .filter((key) => key.startsWith("src/pages/"))
    .map((key) => {
      const links = [...files(key, new Set())].map((file) => `<link rel="modulepreload" href="/static/${file}">`);
      return `{% if source == "${key}" %}${links.join("")}{% endif %}`;
    });
  return `{# Written by the build. #}{% macro preload(source) %}${cases.join("")}{% endmacro %}\n`;
}

/** Templates and catalogues go beside the assets, so that the wheel holds everything and no Node is needed at run time. */
function packPages(): Plugin {
  return {
    name: "expo-pack-pages",
    apply: "build",
    closeBundle() {
      if (!existsSync(join(target, "static", "manifest.json"))) return; // a build that failed tells why itself
      for (const folder of ["templates", "locale"]) {
        rmSync(join(target, folder), { recursive: true, force: true });
        mkdirSync(join(target, folder), { recursive: true });
        cpSync(join(here, folder), join(target, folder), { recursive: true });
      }
      writeFileSync(join(target, "templates", "icons.html"), sprite());
      const manifest = JSON.parse(readFileSync(join(target, "static", "manifest.json"), "utf8")) as Manifest;
      writeFileSync(join(target, "templates", "preload.html"), preloads(manifest));
    },
  };
}

export default defineConfig({
  root: here,
  base: "/static/",
  publicDir: join(here, "public"),
  plugins: [packPages()],
  css: {
    transformer: "lightningcss",
    // Phones' in-app browsers of 2021: oklch() and friends get sRGB fallbacks here.
    lightningcss: {
      targets: { chrome: 87 << 16, safari: 14 << 16, ios_saf: 14 << 16, firefox: 78 << 16, samsung: 14 << 16 },
    },
  },
  build: {
    outDir: join(target, "static"),
    emptyOutDir: true,
    manifest: "manifest.json",
    target: ["chrome87", "safari14", "firefox78"],
    cssMinify: "lightningcss",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: entries() },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
