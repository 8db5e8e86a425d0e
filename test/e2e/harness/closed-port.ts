import { FreePorts } from '../../../examples/shop/runner/free-ports.ts';

const ports = new FreePorts();

/**
 * A port that nobody listens on and that is not handed out twice in this process; from below the range from which the
 * kernel takes local ports, so that no connection takes it meanwhile.
 */
export function closedPort(): Promise<number> {
  return ports.take();
}
