import { FIRST_ORDER } from './traffic.ts';

/** What a person needs to look into a running shop. */
interface Places {
  readonly gatewayUrl: string;
  readonly controlPlaneUrl: string;
  readonly folder: string;
  readonly sidecarAdmins: readonly { readonly name: string; readonly adminUrl: string }[];
}

/** Says that the shop is open, and where to look. */
export function announcement({ gatewayUrl, controlPlaneUrl, folder, sidecarAdmins }: Places): string[] {
  return [
    `The shop is open: ${sidecarAdmins.length} instances, a sidecar beside each.`,
    '',
    `  curl ${gatewayUrl}/orders/${FIRST_ORDER}`,
    `  curl -X POST -d '{"items":["margherita","funghi"]}' ${gatewayUrl}/orders`,
    '',
    `The control plane is at ${controlPlaneUrl}:`,
    '',
    `  npx outrider get instances${controlPlaneUrl.endsWith(':7600') ? '' : ` --control-plane ${controlPlaneUrl}`}`,
    '',
    "The sidecars' admin APIs (try /v1/upstreams and /metrics):",
    '',
    ...sidecarAdmins.map(({ name, adminUrl }) => `  ${name.padEnd(12)}  ${adminUrl}`),
    '',
    `Configurations and logs, until it closes: ${folder}`,
    '',
  ];
}
