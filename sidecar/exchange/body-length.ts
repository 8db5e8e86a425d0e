/** The length of a body that is not known beforehand: only its end will tell. */
export const UNKNOWN_LENGTH = -1;
