// Outlives the runner by a moment: when the runner is gone, however it went, standard input ends, and what it left
// running is killed and its folder removed. The runner says `+PID` of whom it starts and `-PID` of who has ended.
import { rmSync } from 'node:fs';

const folder = process.argv[2];
const running = new Set();
let unread = '';

process.stdin.setEncoding('utf8');
process.stdin.on('data', text => {
  const lines = (unread + text).split('\n');
  unread = lines.pop();
  for (const line of lines) {
    const pid = Number(line.slice(1));
    if (line.startsWith('+')) running.add(pid);
    else running.delete(pid);
  }
});
process.stdin.on('close', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
