import { readConfigFile } from '../process/config-file.ts';
import type { Log } from '../process/log.ts';
import { ConfigReloader } from '../process/reload.ts';
import type { Environment } from './contract/environment.ts';
import { formatProblemsWithExcerpts } from './contract/excerpt.ts';
import { loadMeshDocuments } from './contract/mesh-file.ts';
import { formatProblem, type Problem, unreadable } from './contract/problem.ts';
import { parseYaml } from './contract/yaml-source.ts';
import type { MeshPolicies, Policies } from './mesh-policies.ts';

/** The mesh file of `--mesh`: read at the start, and again whenever it changes. */
export class MeshFileSource {
  /** What it said at the start. */
  readonly policies: Policies;
  readonly warnings: readonly Problem[];
  private readonly path: string;
  private readonly environment: Environment;
  private readonly bytes: Uint8Array;
  private readonly isFile: boolean;
  private reloader: ConfigReloader<Policies> | null = null;

  /** @returns null where it is wrong, which `complain` was told of */
  static async open(
    path: string,
    environment: Environment,
    complain: (text: string) => void,
  ): Promise<MeshFileSource | null> {
    const content = await readConfigFile(path);
    if (!content.ok) {
      complain(`${formatProblem(unreadable(path, content.reason))}\n`);
      return null;
    }
    const { value, problems, lines } = loadMeshDocuments(parseYaml(path, content.bytes, environment));
    if (value !== null) return new MeshFileSource(path, environment, content, value, problems);
    complain(formatProblemsWithExcerpts(problems, lines));
    return null;
  }

  private constructor(
    path: string,
    environment: Environment,
    { bytes, isFile }: { readonly bytes: Uint8Array; readonly isFile: boolean },
    policies: Policies,
    warnings: readonly Problem[],
  ) {
    this.path = path;
    this.environment = environment;
    this.bytes = bytes;
    this.isFile = isFile;
    this.policies = policies;
    this.warnings = warnings;
  }

  /** From here on, what it says goes into the mesh whenever it changes. What is wrong in one place is refused whole. */
  follow(mesh: MeshPolicies, log: Log): void {
    if (!this.isFile) return;
    const { path, environment } = this;
    let { policies } = this;
    const refuse = (reasons: readonly string[]) => {
      mesh.refused(reasons[0]);
      log.error(
        { mesh: path, problems: reasons },
        `${path} is refused, what was in force stays: ${reasons[0]}`,
      );
    };
    const write = async (written: Policies, how: string) => {
      const { changed, dropped } = await mesh.write(written);
      policies = written;
      log.info({ mesh: path, changed }, `${path} ${how} and is in force`);
      if (dropped.length === 0) return;
      const names = dropped.join(', ');
      log.warn(
        { mesh: path, dropped },
        `${path} does not name ${names} any more: they stay until somebody deletes them (outrider apply --prune)`,
      );
    };
    this.reloader = new ConfigReloader<Policies>({
      path,
      current: this.bytes,
      load: async bytes => loadMeshDocuments(parseYaml(path, bytes, environment)),
      listener: {
        async onConfig(written, warnings) {
          await write(written, 'has changed');
          for (const warning of warnings) log.warn({ key: warning.key }, formatProblem(warning));
        },
        // Somebody may have changed by the API what the file says.
        onUnchanged: () => void write(policies, 'was read again').catch(error => refuse([error.message])),
        onRefused(problems) {
          const reasons = problems.filter(({ severity }) => severity === 'error').map(formatProblem);
          refuse(reasons);
        },
      },
    });
    this.reloader.start();
  }

  /** Reads it now (SIGHUP). @returns false where there is nothing to read again */
  reload(): boolean {
    if (this.reloader === null) return false;
    void this.reloader.reload();
    return true;
  }

  async stop(): Promise<void> {
    await this.reloader?.stop();
  }
}
