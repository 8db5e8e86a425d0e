import type { JsonSchema } from '../../../control-plane/contract/json-schema.ts';

/** Whether `value` fits a JSON Schema: the keywords that the generated ones use, read independently of what made them. */
export function fits(value: unknown, schema: JsonSchema, root: JsonSchema = schema): boolean {
  const { $ref, anyOf, oneOf, type, pattern, minimum, maximum, minItems, maxItems } = schema;
  if (typeof $ref === 'string') return fits(value, resolve($ref, root), root);
  const count = (forms: unknown) => (forms as JsonSchema[]).filter(form => fits(value, form, root)).length;
  if (anyOf !== undefined && count(anyOf) === 0) return false;
  if (oneOf !== undefined && count(oneOf) !== 1) return false;
  if (type !== undefined && ![type].flat().some(name => isOfType(value, name as string))) return false;
  if (schema.enum !== undefined && !(schema.enum as unknown[]).includes(value)) return false;
  if (schema.const !== undefined && schema.const !== value) return false;
  if (typeof value === 'string')
    return pattern === undefined || new RegExp(pattern as string, 'u').test(value);
  if (typeof value === 'number')
    return value >= Number(minimum ?? -Infinity) && value <= Number(maximum ?? Infinity);
  if (Array.isArray(value)) {
    const isLong = value.length >= Number(minItems ?? 0) && value.length <= Number(maxItems ?? Infinity);
    return isLong && value.every(item => fits(item, (schema.items ?? {}) as JsonSchema, root));
  }
  return (
    typeof value !== 'object' || value === null || fitsMap(value as Record<string, unknown>, schema, root)
  );
}

function fitsMap(value: Record<string, unknown>, schema: JsonSchema, root: JsonSchema): boolean {
  const {
    properties = {},
    patternProperties = {},
    required = [],
  } = schema as Record<string, Record<string, JsonSchema>>;
  if (!(required as unknown as string[]).every(key => key in value)) return false;
  return Object.entries(value).every(([key, inner]) => {
    const known = Object.hasOwn(properties, key) ? [properties[key]] : [];
    const matching = Object.entries(patternProperties).filter(([pattern]) =>
      new RegExp(pattern, 'u').test(key),
    );
    const forms = [...known, ...matching.map(([, form]) => form)];
    if (forms.length === 0) return schema.additionalProperties !== false;
    return forms.every(form => fits(inner, form, root));
  });
}

function resolve(reference: string, root: JsonSchema): JsonSchema {
  const steps = reference.replace(/^#\//, '').split('/');
  return steps.reduce<JsonSchema>((schema, step) => schema[step] as JsonSchema, root);
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
