import { didYouMean, sourceOf } from '../../command-line/arguments.ts';
import type { Command, Host } from '../../command-line/command.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import { formatProblemsWithExcerpts } from '../../control-plane/contract/excerpt.ts';
import { loadMeshFile, MESH_FILE_SCHEMA } from '../../control-plane/contract/mesh-file.ts';
import { nearest } from '../../control-plane/contract/nearest.ts';
import { type Problem, unreadable } from '../../control-plane/contract/problem.ts';
import type { LoadedFile, SourceFile } from '../../control-plane/contract/source-file.ts';
import { fileOfArgument, readConfigFile } from '../../process/config-file.ts';
import { loadSidecarConfig } from '../config/load.ts';
import { SIDECAR_FILE_SCHEMA } from '../config/sidecar-file.ts';

const KINDS = ['sidecar', 'mesh'] as const;

type Kind = (typeof KINDS)[number];

/** `outrider validate`. */
export const VALIDATE_COMMAND: Command = {
  name: 'validate',
  summary: 'Checks configuration files, and says what is wrong where.',
  description: [
    'Checks sidecar files (outrider.yaml) and mesh files (mesh.yaml) without running anything. Which of the two a file is shows in its keys. Every error is told with file, line, column, the setting it is about, what was expected and what was probably meant.',
    `References to the environment (\${NAME}) are filled in from the environment of this command.`,
  ].join('\n\n'),
  operands: { placeholder: 'FILE…', description: 'The files to check; - for standard input.' },
  flags: [
    {
      name: 'kind',
      value: 'KIND',
      description: 'What the files are: sidecar or mesh.',
      default: 'what their keys say',
      isRepeatable: false,
      variable: 'OUTRIDER_KIND',
    },
    {
      name: 'json',
      value: null,
      description: 'Prints one JSON object about all files instead of text.',
      default: null,
      isRepeatable: false,
      variable: 'OUTRIDER_JSON',
    },
  ],
  examples: [
    { description: 'Check a file before it is deployed', command: 'outrider validate outrider.yaml' },
    { description: 'For another program', command: 'outrider validate --json outrider.yaml mesh.yaml' },
  ],
  async run({ flags, operands }, host) {
    const kind = flags.get('kind')?.values[0] ?? null;
    if (kind !== null && !isKind(kind)) {
      const complaint = `${sourceOf(flags, 'kind')}: expected one of ${KINDS.join(', ')}, found ${JSON.stringify(kind)}${didYouMean(kind, KINDS)}`;
      return refuseUsage(host, 'validate', [complaint]);
    }
    if (operands.length === 0) {
      return refuseUsage(host, 'validate', ['expected a file: outrider validate FILE…']);
    }
    const reports = await Promise.all(operands.map(file => validate(file, kind, host)));
    if (flags.has('json')) host.print(`${JSON.stringify({ files: reports.map(toJson) }, null, 2)}\n`);
    else for (const report of reports) tell(report, host);
    return reports.every(report => report.loaded.value !== null) ? 0 : 2;
  },
};

interface Report {
  readonly file: string;
  /** Null where that could not be found out. */
  readonly kind: Kind | null;
  readonly loaded: LoadedFile<unknown>;
}

async function validate(argument: string, given: Kind | null, { environment }: Host): Promise<Report> {
  const { path, name: file } = fileOfArgument(argument);
  const content = await readConfigFile(path);
  if (!content.ok) {
    const problems = [unreadable(file, content.reason)];
    return { file, kind: given, loaded: { value: null, problems, lines: [] } };
  }
  const { parseYaml } = await import('../../control-plane/contract/yaml-source.ts');
  const source = parseYaml(file, content.bytes, environment);
  const kind = given ?? detectKind(source);
  const loaded = kind === 'mesh' ? loadMeshFile(source) : loadSidecarConfig({ file: source, overrides: [] });
  return { file, kind, loaded };
}

/** The kind that more of the file's keys belong to, each taken for the nearest key that there is; services with settings are a mesh's. */
function detectKind({ root }: SourceFile): Kind {
  const ofMesh = Object.keys(MESH_FILE_SCHEMA.properties);
  const ofSidecar = Object.keys(SIDECAR_FILE_SCHEMA.properties);
  const entries = root?.entries ?? [];
  const meant = entries.map(({ key, value }) =>
    key === 'service' && value.kind === 'map' ? 'services' : (nearest(key, [...ofMesh, ...ofSidecar]) ?? ''),
  );
  const mesh = meant.filter(key => ofMesh.includes(key)).length;
  return mesh > meant.filter(key => ofSidecar.includes(key)).length ? 'mesh' : 'sidecar';
}

function isKind(text: string): text is Kind {
  return (KINDS as readonly string[]).includes(text);
}

function tell({ file, kind, loaded }: Report, host: Host): void {
  host.complain(formatProblemsWithExcerpts(loaded.problems, loaded.lines));
  if (loaded.value !== null) host.print(`${file}: ok (${kind})\n`);
}

function toJson({ file, kind, loaded }: Report) {
  const problems = loaded.problems.map(({ at, ...rest }: Problem) => ({
    ...rest,
    line: at.line === 0 ? null : at.line,
    column: at.line === 0 ? null : at.column,
  }));
  return { file, kind, ok: loaded.value !== null, problems };
}
