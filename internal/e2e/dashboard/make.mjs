// Draws a dashboard of Grafana without Grafana: node make.mjs DATABASE DASHBOARD.json OUT.png
// DATABASE is what a Prometheus has stored; a Prometheus answers the queries of the panels from it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { buildSync } from 'esbuild';

const [database, file, picture] = process.argv.slice(2);
const step = 5; // seconds between scrapes
const dir = mkdtempSync(join(tmpdir(), 'dashboard-'));
const dashboard = JSON.parse(readFileSync(file));
const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });

writeFileSync(join(dir, 'prometheus.yml'), '');
const url = 'http://127.0.0.1:19090';
const prometheus = spawn('prometheus', [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${database}`,
  `--web.listen-address=${url.slice(7)}`, '--storage.tsdb.retention.time=100y'], { stdio: 'ignore' });
try {
  for (let ready = false; !ready; await new Promise((done) => setTimeout(done, 200))) {
    ready = await fetch(`${url}/-/ready`).then((r) => r.ok, () => false);
  }
  const ask = async (path) => {
    const answer = await (await fetch(`${url}/api/v1/${path}`)).json();
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  const { minTime, maxTime } = (await ask('status/tsdb')).headStats;
  const from = minTime / 1000 + 6 * step, to = maxTime / 1000, answers = {};
  for (const panel of dashboard.panels) {
    answers[panel.id] = [];
    for (const target of panel.targets) {
      const query = target.expr.replaceAll('$__rate_interval', `${4 * step}s`).replace(/\$(node|namespace)/g, '.*');
      const at = target.instant ? `query?time=${to}` : `query_range?start=${from}&end=${to}&step=${step}`;
      const { result } = await ask(`${at}&query=${encodeURIComponent(query)}`);
      answers[panel.id].push({ legend: target.legendFormat, result });
    }
  }
  buildSync({
    entryPoints: [join(import.meta.dirname, 'panels.jsx')], bundle: true, minify: true, outfile: join(dir, 'panels.js'),
    alias: { '@grafana/ui': join(import.meta.dirname, 'node_modules/@grafana/ui/dist/cjs/index.cjs') },
    loader: { '.svg': 'dataurl', '.woff2': 'dataurl', '.ttf': 'empty' },
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  writeFileSync(join(dir, 'data.js'), `window.data = ${JSON.stringify({ dashboard, answers, from, to })}`);
  writeFileSync(join(dir, 'index.html'), '<!doctype html><meta charset=utf-8><link rel=stylesheet href=panels.css>' +
    '<body style="margin:0"><div id=root></div><script src=data.js></script><script src=panels.js></script>');
  const height = 8 + 38 * Math.max(...dashboard.panels.map(({ gridPos: g }) => g.y + g.h));
  run('chromium', '--headless', '--no-sandbox', '--hide-scrollbars', '--disable-gpu', `--window-size=1400,${height}`,
    '--virtual-time-budget=20000', '--allow-file-access-from-files',
    ...(process.env.DEBUG ? ['--enable-logging=stderr'] : []), `--screenshot=${picture}`, `file://${dir}/index.html`);
} finally {
  prometheus.kill();
  if (!process.env.DEBUG) rmSync(dir, { recursive: true }); else console.log(dir);
}
