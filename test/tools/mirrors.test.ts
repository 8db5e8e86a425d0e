import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSourceTree, type SourceFile } from '../../tools/source-tree.ts';
import { ROOT } from './repository-files.ts';

/**
 * Source files that have no test of the same name, and the one that tests them: together with what they are made for, where they are
 * nothing by themselves. All paths from the root, tests without `test/` and `.test.ts`.
 */
const TESTED_BY: Readonly<Record<string, readonly string[]>> = {
  'bin/command-line': ['bin/other-commands.ts', 'command-line/refuse-usage.ts'],
  'control-plane/api/access-control': ['control-plane/registry/actor.ts'],
  'control-plane/api/api-server': [
    'control-plane/api/api-problem.ts',
    'control-plane/api/instance-routes.ts',
    'control-plane/api/mesh-routes.ts',
    'control-plane/api/metrics.ts',
    'control-plane/api/operation-routes.ts',
    'control-plane/api/resources.ts',
    'control-plane/api/route.ts',
    'control-plane/api/routes.ts',
    'control-plane/api/service-routes.ts',
  ],
  'control-plane/api/open-api': [
    'control-plane/api/answer-schemas.ts',
    'control-plane/api/api-schemas.ts',
    'control-plane/contract/answers.ts',
  ],
  'control-plane/commands/wait': ['control-plane/commands/local-wait.ts'],
  'control-plane/contract/policy': [
    'control-plane/contract/breaker-policy.ts',
    'control-plane/contract/callers-setting.ts',
    'control-plane/contract/fallback-policy.ts',
    'control-plane/contract/fault-policy.ts',
    'control-plane/contract/hedge-policy.ts',
    'control-plane/contract/default-policy.ts',
    'control-plane/contract/limits-policy.ts',
    'control-plane/contract/outliers-policy.ts',
    'control-plane/contract/rate-limit-policy.ts',
    'control-plane/contract/retry-policy.ts',
    'control-plane/contract/timeouts-policy.ts',
    'control-plane/contract/switchable.ts',
  ],
  'control-plane/contract/read': [
    'control-plane/contract/setting.ts',
    'control-plane/contract/source-tree.ts',
  ],
  'control-plane/contract/calls': ['control-plane/contract/resources.ts'],
  'control-plane/contract/yaml-source': [
    'control-plane/contract/source-file.ts',
    'control-plane/contract/yaml-document.ts',
  ],
  'control-plane/registry/leases': [
    'control-plane/registry/lease-verdicts.ts',
    'control-plane/registry/stream-table.ts',
  ],
  'control-plane/registry/registry': [
    'control-plane/registry/event-log.ts',
    'control-plane/registry/instance-entry.ts',
    'control-plane/registry/registry-core.ts',
  ],
  'control-plane/store/every-store': ['control-plane/store/memory-store.ts', 'control-plane/store/store.ts'],
  'control-plane/store/registry-keeper': [
    'control-plane/registry/moment.ts',
    'control-plane/registry/stored-state.ts',
  ],
  'control-plane/watch/watch-hub': [
    'control-plane/watch/service-states.ts',
    'control-plane/watch/watch-stream.ts',
  ],
  'process/metrics-text': ['process/collected-metric.ts'],
  'sidecar/application/application-process': ['sidecar/application/process-group.ts'],
  'sidecar/admin/admin-server': [
    'process/browser-guard.ts',
    'sidecar/admin/admin-answer.ts',
    'sidecar/admin/admin-routes.ts',
  ],
  'sidecar/config/load': ['sidecar/config/resolve.ts', 'sidecar/config/sidecar-file.ts'],
  'sidecar/data-path': ['sidecar/io/stream-socket.ts', 'sidecar/upstream/subject.ts'],
  'sidecar/discovery/snapshot': ['sidecar/discovery/snapshot-file.ts'],
  'sidecar/downstream/egress-listeners': [
    'sidecar/downstream/egress-listener.ts',
    'sidecar/io/accept.ts',
    'sidecar/io/runtime-handles.ts',
  ],
  'sidecar/policy/fallback': ['sidecar/policy/cached-answers.ts'],
  'sidecar/policy/timeout': ['sidecar/policy/timed-reply.ts'],
  'sidecar/policy/retry': ['sidecar/exchange/retry-refusal.ts', 'sidecar/policy/retry-rules.ts'],
  'sidecar/http1/response-head': ['sidecar/exchange/body-length.ts', 'sidecar/http1/protocol-error.ts'],
  'sidecar/io/byte-socket': ['sidecar/io/handle-socket.ts', 'sidecar/io/shared-buffers.ts'],
  'sidecar/io/name-resolver': ['sidecar/discovery/schedule.ts'],
  'sidecar/policy/hold': ['sidecar/policy/hold-room.ts'],
  'sidecar/telemetry/metrics': [
    'process/process-metrics.ts',
    'sidecar/telemetry/counters.ts',
    'sidecar/telemetry/discovery-metrics.ts',
    'sidecar/telemetry/upstream-metrics.ts',
  ],
  'sidecar/telemetry/telemetry-layer': ['sidecar/telemetry/received-bytes.ts'],
  'sidecar/sidecar-view': ['sidecar/upstream-view.ts'],
  'sidecar/upstream/connection-pool': ['sidecar/upstream/lane.ts'],
  'sidecar/upstream/outliers/outlier-detection': [
    'sidecar/upstream/outliers/ejection.ts',
    'sidecar/upstream/outliers/endpoint-health.ts',
    'sidecar/upstream/outliers/unanswered.ts',
    'sidecar/upstream/outliers/waiting-request.ts',
  ],
  'sidecar/upstream/balancers/every-balancer': ['sidecar/upstream/balancers/candidates.ts'],
};

/** These run in processes of their own, which tests start as users do. */
const TESTED_AS_PROCESS = {
  'bin/outrider.js': 'bin/require-node',
  'bin/outrider.ts': 'bin/require-node',
  'control-plane/main.ts': 'control-plane/mesh-file',
  'control-plane/mesh-file-source.ts': 'control-plane/mesh-file',
  'process/log.ts': 'sidecar/main',
  'process/program.ts': 'sidecar/main',
  'sidecar/checks/all-checks.ts': 'sidecar/commands/check',
  'sidecar/commands/run.ts': 'e2e/run',
  'sidecar/commands/sidecar-flags.ts': 'sidecar/commands/sidecar',
  'sidecar/outlier-report.ts': 'e2e/outliers',
  'sidecar/requested-config.ts': 'sidecar/main',
  'sidecar/sidecar.ts': 'e2e/failures',
};

const FOLDERS = ['bin', 'command-line', 'control-plane', 'process', 'sidecar', 'tools'];
const files = readSourceTree(ROOT, [...FOLDERS, 'test']);
const testOf = (name: string) => `test/${name}.test.ts`;
const hasMirror = (path: string) => existsSync(join(ROOT, testOf(path.replace(/\.\w+$/, ''))));

/** Whether anything is left of it at run time. */
function hasCode({ path, text }: SourceFile): boolean {
  return (
    !path.endsWith('.d.ts') && /^(?:export )?(?:abstract )?(?:async )?(?:function|class|const)\b/m.test(text)
  );
}

/** Whether one file imports another, or one that does. */
function reaches(from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const path of seen) {
    for (const { target } of files.find(file => file.path === path)?.imports ?? []) seen.add(target);
  }
  return seen.has(to);
}

test('each source file has a test of its name, or it is said which one tests it', () => {
  const said = new Set([...Object.values(TESTED_BY).flat(), ...Object.keys(TESTED_AS_PROCESS)]);
  const without = files.filter(
    file => !file.path.startsWith('test/') && hasCode(file) && !hasMirror(file.path),
  );
  assert.deepEqual(
    without.map(({ path }) => path).filter(path => !said.has(path)),
    [],
    'files without a test',
  );
  const known = new Set(without.map(({ path }) => path));
  assert.deepEqual(
    [...said].filter(path => !known.has(path)),
    [],
    'files that have a test of their name, or are gone',
  );
});

test('what is said to test a file knows it', () => {
  const wrong = Object.entries(TESTED_BY).flatMap(([name, paths]) =>
    paths.filter(path => !reaches(testOf(name), path)).map(path => `${testOf(name)} does not import ${path}`),
  );
  assert.deepEqual(wrong, []);
  for (const name of Object.values(TESTED_AS_PROCESS)) assert.ok(existsSync(join(ROOT, testOf(name))), name);
});
