import { DEFAULT_POLICY } from '../../../../control-plane/contract/default-policy.ts';
import type { OutlierSettings } from '../../../../control-plane/contract/outliers-policy.ts';
import { WaitingRequest } from '../../../../sidecar/upstream/outliers/waiting-request.ts';
import { endpointsOf } from '../balancers/endpoints.ts';

/** The defaults, save what is said. */
export function settingsOf(values: Partial<OutlierSettings> = {}): OutlierSettings {
  return { ...DEFAULT_POLICY.outliers!, ...values };
}

/** So many endpoints of weight 1. */
export function members(count: number) {
  return endpointsOf(...Array.from({ length: count }, () => 1));
}

/** A request that its endpoint has had whole since it was sent, or since later. */
export class ARequest extends WaitingRequest {
  wholeAt = 0;

  get waitsSince(): number {
    return Math.max(this.sentAt, this.wholeAt);
  }
}
