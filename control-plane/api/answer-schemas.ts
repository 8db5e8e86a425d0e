import {
  ACKNOWLEDGEMENT,
  EVENT,
  EVENT_PAGE,
  HEALTH,
  INSTANCE,
  INSTANCE_PAGE,
  PROBLEM,
  SERVICE,
  SERVICE_PAGE,
  SIDECAR,
  SIDECAR_PAGE,
} from '../contract/answers.ts';
import type { JsonSchema } from '../contract/json-schema.ts';
import { ENDPOINT } from '../contract/resources.ts';
import { WATCH_MESSAGE } from '../contract/watch-messages.ts';

const SHAPES = [
  SERVICE,
  SERVICE_PAGE,
  INSTANCE,
  INSTANCE_PAGE,
  ACKNOWLEDGEMENT,
  SIDECAR,
  SIDECAR_PAGE,
  EVENT,
  EVENT_PAGE,
  WATCH_MESSAGE,
  ENDPOINT,
  HEALTH,
  PROBLEM,
];

/** What the API answers, by name, for the OpenAPI document; a test holds the running server against it. */
export const ANSWER_SCHEMAS: Readonly<Record<string, JsonSchema>> = Object.fromEntries(
  SHAPES.map(({ name, definition }) => [name, definition]),
);
