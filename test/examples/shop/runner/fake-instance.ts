import type { ChildState } from '../../../../examples/shop/runner/child.ts';
import type { Victim } from '../../../../examples/shop/runner/kills.ts';

/** An instance that only writes down what is done to it. */
export class FakeInstance implements Victim {
  readonly service: string;
  readonly name: string;
  readonly story: string[];
  state: ChildState = 'up';

  constructor(service: string, number: number, story: string[] = []) {
    this.service = service;
    this.name = `${service}-${number}`;
    this.story = story;
  }

  async kill(signal: string): Promise<void> {
    this.state = 'down';
    this.story.push(`${signal} ${this.name}`);
  }

  async start(): Promise<boolean> {
    this.state = 'up';
    this.story.push(`start ${this.name}`);
    return true;
  }
}
