/** Whether a method asks for nothing to be done (RFC 9110 section 9.2.1). @param method as it is sent: case matters */
export function isSafe(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
      return true;
    default:
      return false;
  }
}

/** Whether doing a request of this method twice is the same as doing it once (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return isSafe(method) || method === 'PUT' || method === 'DELETE';
}
