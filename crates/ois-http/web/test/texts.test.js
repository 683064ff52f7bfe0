import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { outline, parse } from '../markdown.js';
import { EVERYONE, mentionable } from '../mention.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SEED = process.env.SEED ?? '1';
const TEXTS = process.env.TEXTS ?? '5000';

/** The names that the nodes call or tell, in order, each once. */
function named(nodes) {
  const names = nodes.flatMap((node) => {
    if (node.kind === 'mention') return node.holders ?? [EVERYONE.includes(node.name) ? 'all' : node.name];
    if (node.kind === 'list') return node.items.flatMap(named);
    return node.kind === 'link' ? [] : named(node.children ?? []);
  });
  return [...new Set(names)];
}

test('the texts are read as the table says', () => {
  const table = JSON.parse(readFileSync(`${ROOT}specs/texts.json`, 'utf8'));
  const names = mentionable(table.team);
  for (const { text, calls, outline: expected } of table.cases) {
    const blocks = parse(text, names);
    // What is only told is shown like what is called.
    const shown = named(blocks);
    if (text.includes('fyi')) assert.ok(calls.every((name) => shown.includes(name)), text);
    else assert.deepEqual(shown, calls, text);
    if (expected) assert.deepEqual(outline(blocks), expected, text);
  }
});

test('random texts are read as the server reads them', () => {
  const run = spawnSync('cargo', ['run', '--quiet', '-p', 'ois-protocol', '--example', 'texts', '--', SEED, TEXTS], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 30 });
  assert.equal(run.status, 0, run.stderr);
  const [team, ...lines] = run.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  const names = mentionable(team);
  assert.equal(lines.length, Number(TEXTS));
  for (const { text, outline: expected } of lines) assert.deepEqual(outline(parse(text, names)), expected, JSON.stringify(text));
});
