import { existsSync } from 'node:fs';
import type { Environment } from '../control-plane/contract/environment.ts';
import { hasErrors, type Problem, sortProblems } from '../control-plane/contract/problem.ts';
import type { LoadedFile, SourceFile } from '../control-plane/contract/source-file.ts';
import type { MapNode } from '../control-plane/contract/source-tree.ts';
import { readConfigFile } from '../process/config-file.ts';
import { loadSidecarConfig } from './config/load.ts';
import type { SidecarConfig } from './config/sidecar-config.ts';

/** What a command that is about a sidecar was asked to take its configuration from. */
export interface ConfigRequest {
  /** Null: `outrider.yaml` in the working directory, if there is one. */
  readonly configFile: string | null;
  /** What environment variables and flags say, weakest first. */
  readonly overrides: readonly MapNode[];
  /** What is wrong with flags; told together with what is wrong with the configuration. */
  readonly problems: readonly Problem[];
  readonly environment: Environment;
}

/** A configuration as it was found. */
interface RequestedConfig {
  /** Null where there is no file. */
  readonly path: string | null;
  /** What was read of it. */
  readonly file: { readonly bytes: Buffer; readonly isFile: boolean } | null;
  readonly loaded: LoadedFile<SidecarConfig>;
}

const DEFAULT_FILE = 'outrider.yaml';

/** @returns why its file could not be read, with its name, where that is so */
export async function readRequestedConfig(request: ConfigRequest): Promise<RequestedConfig | string> {
  const path = request.configFile ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null);
  if (path === null) return { path, file: null, loaded: judge(request, null) };
  const file = await readConfigFile(path);
  if (!file.ok) return `${path}: can not be read: ${file.reason}`;
  return { path, file, loaded: await loadRequested(request, path, file.bytes) };
}

/** What a request makes of the bytes of a sidecar file. @param name what it is called in messages */
export async function loadRequested(
  request: ConfigRequest,
  name: string,
  bytes: Uint8Array,
): Promise<LoadedFile<SidecarConfig>> {
  const { parseYaml } = await import('../control-plane/contract/yaml-source.ts');
  return judge(request, parseYaml(name, bytes, request.environment));
}

function judge({ overrides, problems }: ConfigRequest, file: SourceFile | null): LoadedFile<SidecarConfig> {
  const loaded = loadSidecarConfig({ file, overrides });
  const all = sortProblems([...problems, ...loaded.problems]);
  return { ...loaded, value: hasErrors(problems) ? null : loaded.value, problems: all };
}
