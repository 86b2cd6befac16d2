// Writes the SQL of migrations/ into a TypeScript table, so that bundles and every runtime carry it.
// Run after adding a file there: node infra/migrations/embed-migrations.ts
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const folder = new URL("../../migrations/", import.meta.url);
export const embeddedFile = new URL(
  "../../control-plane/store/migrations.table.ts",
  import.meta.url,
);

/** The text that the embedded table must have. */
export function embeddedMigrations(): string {
  const entries = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .toSorted()
    .map((file) => {
      const text = readFileSync(new URL(file, folder), "utf8");
      if (/[`\\]|\$\{/.test(text)) {
        throw new Error(
          `migrations/${file} has a backquote, a backslash or a \${: write it otherwise`,
        );
      }
      return `  {\n    name: ${JSON.stringify(file.replace(/\.sql$/, ""))},\n    text: \`${text}\`,\n  },\n`;
    });
  return `// Made by infra/migrations/embed-migrations.ts from migrations/*.sql; do not edit.

export interface Migration {
  readonly name: string;
  readonly text: string;
}

export const migrations: readonly Migration[] = [
${entries.join("")}];
`;
}

if (import.meta.main) writeFileSync(embeddedFile, embeddedMigrations());
