import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A record of the server's zone. */
export type ZoneRecord =
  | { readonly type: 'A'; readonly ttl: number; readonly address: string }
  | { readonly type: 'AAAA'; readonly ttl: number; readonly groups: readonly number[] }
  | {
      readonly type: 'SRV';
      readonly ttl: number;
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    };

const TYPES = { A: 1, AAAA: 28, SRV: 33 };
const HEADER_LENGTH = 12;

/** A DNS server on a port of its own, just good enough to be asked one question at a time (RFC 1035, RFC 2782). */
export class DnsServer {
  readonly zone = new Map<string, readonly ZoneRecord[]>();
  /** What every question is answered with when it is not 0: 2 SERVFAIL, 5 REFUSED. */
  failure = 0;
  questions = 0;
  /** Questions are not answered. */
  isSilent = false;
  private readonly socket: Socket;

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DnsServer(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (query, from) => {
      const answer = this.answer(query);
      if (!this.isSilent) socket.send(answer, from.port, from.address);
    });
  }

  get address(): string {
    return `127.0.0.1:${(this.socket.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }

  private answer(query: Buffer): Buffer {
    this.questions++;
    const { name, end } = readName(query);
    const type = query.readUInt16BE(end);
    const question = query.subarray(HEADER_LENGTH, end + 4);
    const known = this.zone.get(name.toLowerCase());
    const records = (known ?? []).filter(record => TYPES[record.type] === type);
    const code = this.failure > 0 ? this.failure : known === undefined ? NXDOMAIN : 0;
    const answers = code === 0 ? records : [];
    const header = Buffer.alloc(HEADER_LENGTH);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    return Buffer.concat([header, question, ...answers.map(record => resource(record))]);
  }
}

const NXDOMAIN = 3;

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_LENGTH;
  for (let length = query[at]; length > 0; length = query[at]) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

function resource(record: ZoneRecord): Buffer {
  const data = dataOf(record);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER_LENGTH, 0);
  head.writeUInt16BE(TYPES[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataOf(record: ZoneRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'AAAA':
      return Buffer.from(record.groups.flatMap(group => [group >> 8, group & 255]));
    case 'SRV': {
      const head = Buffer.alloc(6);
      head.writeUInt16BE(record.priority, 0);
      head.writeUInt16BE(record.weight, 2);
      head.writeUInt16BE(record.port, 4);
      return Buffer.concat([head, encodeName(record.target)]);
    }
  }
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter(label => label !== '');
  return Buffer.concat([
    ...labels.map(label => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
    Buffer.alloc(1),
  ]);
}
