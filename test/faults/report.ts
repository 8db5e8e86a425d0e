import { table } from '../bench/table.ts';
import { renderVerdict, type Verdict } from '../bench/verdict.ts';
import { judge } from './expectations.ts';
import type { Figures } from './figures.ts';
import type { Scenario } from './scenarios.ts';
import type { Trial } from './trial.ts';

/** What every proxy did in one scenario. */
export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly rows: ReadonlyMap<string, Trial>;
}

/** The row that the expectations are for. */
const OWN = 'outrider';
/** Above this, latencies are those of a machine that had no core for the callers. */
const HELD_UP_MS = 25;

interface Column {
  readonly title: string;
  /** Null where it does not apply: then the column is left out of the scenario's table. */
  cell(figures: Figures, scenario: Scenario): string | null;
}

/** Those of every scenario, and of the page's table. */
const COLUMNS: readonly Column[] = [
  { title: 'requests', cell: figures => String(figures.requests) },
  { title: 'failed', cell: figures => String(figures.failed) },
  { title: '> 50 ms', cell: figures => String(figures.slow) },
  { title: 'p99 ms', cell: figures => ms(figures.p99Ms) },
  { title: 'good again after ms', cell: figures => ms(figures.recoveryMs) },
  { title: 'amplification', cell: figures => figures.amplification.toFixed(2) },
  { title: 'to the bad one', cell: figures => share(figures.shareToBad) },
];

/** Those of scenarios that are about something else. */
const OWN_COLUMNS: readonly Column[] = [
  {
    title: 'failed POSTs',
    cell: (figures, { load }) => (load.method === 'GET' ? null : String(figures.failedPosts)),
  },
  {
    title: 'sent twice',
    cell: (figures, { load }) => (load.method === 'GET' ? null : String(figures.sentTwice)),
  },
  { title: 'torn', cell: (figures, { name }) => (/torn/.test(name) ? String(figures.torn) : null) },
  {
    title: 'torn as whole',
    cell: (figures, { name }) => (/torn/.test(name) ? String(figures.wrong) : null),
  },
  {
    title: 'goodput',
    cell: ({ goodput }, { capacity }) => (capacity === null ? null : share(goodput)),
  },
  {
    title: 'served p99 ms',
    cell: ({ servedP99Ms }, { capacity }) => (capacity === null ? null : ms(servedP99Ms)),
  },
  {
    title: 'failed p99 ms',
    cell: ({ failureP99Ms }, { name }) => (isAboutFailing(name) ? ms(failureP99Ms) : null),
  },
  {
    title: 'slowest',
    cell: ({ slowestFailureMs }, { name }) => (isAboutFailing(name) ? ms(slowestFailureMs) : null),
  },
  {
    title: 'good answers lost',
    cell: (figures, { needs }) => (needs.retries500 ? String(figures.lostAnswers) : null),
  },
  {
    title: 'hung up',
    cell: (figures, { load }) => (load.hangUpAfterMs === null ? null : String(figures.left)),
  },
  {
    title: 'done all the same',
    cell: (figures, { load }) => (load.hangUpAfterMs === null ? null : String(figures.leftAndFinished)),
  },
];

/** Where requests have to fail, and how fast they do counts. */
function isAboutFailing(scenario: string): boolean {
  return ['all-down', 'overload-told', 'overload'].includes(scenario);
}

/** A scenario's table and what became of the expectations, for the terminal. */
export function renderScenario({ scenario, rows }: ScenarioResult): string {
  const columns = [...COLUMNS, ...OWN_COLUMNS.filter(column => applies(column, rows, scenario))];
  const own = rows.get(OWN);
  return [
    `${scenario.name}: ${scenario.title}`,
    table(
      ['', ...columns.map(({ title }) => title)],
      [...rows].map(([name, { figures }]) => [
        name,
        ...columns.map(column => column.cell(figures, scenario) ?? '-'),
      ]),
    ),
    ...[...rows].flatMap(([name, trial]) => notes(name, trial)),
    ...verdicts(scenario, own).map(verdict => renderVerdict(OWN, verdict)),
  ].join('\n');
}

/** The tables of all scenarios, for the page. */
export function renderPage(results: readonly ScenarioResult[], about: readonly string[]): string {
  const head = ['', 'proxy', ...COLUMNS.map(({ title }) => title), 'and'];
  const lines = results.flatMap(({ scenario, rows }) =>
    [...rows].map(([name, { figures }], i) => [
      i === 0 ? scenario.title : '',
      name,
      ...COLUMNS.map(column => column.cell(figures, scenario) ?? '-'),
      besides(figures, scenario),
    ]),
  );
  const expected = results.flatMap(({ scenario, rows }) =>
    verdicts(scenario, rows.get(OWN)).map(({ says, limit, value, met }) => [
      scenario.title,
      `${says}: ${limit}`,
      value === null ? '-' : String(Number(value.toFixed(2))),
      met === null ? 'not measured' : met ? 'met' : 'NOT MET',
    ]),
  );
  const notQuiet = results.flatMap(({ rows }) => [...rows.values()]).some(isDisturbed);
  return [
    ...about.map(line => `    ${line}`),
    '',
    ...(notQuiet ? ['The machine was not quiet: some latencies are the other programs’.', ''] : []),
    markdownTable(head, lines),
    '',
    'What is expected of Outrider, and what was measured in this run:',
    '',
    markdownTable(['', 'expected', 'measured', ''], expected),
  ].join('\n');
}

/** The same as data. */
export function scenarioToJson({ scenario, rows }: ScenarioResult): unknown {
  const { name, title } = scenario;
  return { name, title, rows: Object.fromEntries(rows), expectations: verdicts(scenario, rows.get(OWN)) };
}

const BEGIN = '<!-- made by npm run faults: begin -->';
const END = '<!-- made by npm run faults: end -->';

/** The page with other tables between its markers. Throws where it has none. */
export function putIntoPage(page: string, tables: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from === -1 || to < from) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${tables}\n\n${page.slice(to)}`;
}

function verdicts({ name }: Scenario, own: Trial | undefined): Verdict[] {
  return own === undefined ? [] : judge(name, own.figures);
}

function applies(column: Column, rows: ScenarioResult['rows'], scenario: Scenario): boolean {
  return [...rows.values()].some(({ figures }) => column.cell(figures, scenario) !== null);
}

function besides(figures: Figures, scenario: Scenario): string {
  return OWN_COLUMNS.flatMap(({ title, cell }) => {
    const text = cell(figures, scenario);
    return text === null ? [] : [`${title} ${text}`];
  }).join(', ');
}

function notes(name: string, trial: Trial): string[] {
  const { failedBefore, heldUpMs } = trial;
  return [
    ...(failedBefore > 0 ? [`${name}: ${failedBefore} requests failed before anything was wrong`] : []),
    ...(isDisturbed(trial)
      ? [`${name}: the callers were held up for ${ms(heldUpMs)} ms, so latencies are the machine's as well`]
      : []),
  ];
}

function isDisturbed({ heldUpMs }: Trial): boolean {
  return heldUpMs > HELD_UP_MS;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function ms(value: number | null): string {
  return value === null ? '-' : value.toFixed(value < 10 ? 1 : 0);
}

function share(value: number | null): string {
  return value === null ? '-' : `${(100 * value).toFixed(1)} %`;
}
