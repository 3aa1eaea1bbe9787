/**
 * Returns the value of the header that contains a token.
 *
 * @param {{ tokenType: string, value: string }} token
 */
export function headerValue({ tokenType, value }) {
  return tokenType === "" || tokenType.endsWith("=") ? tokenType + value : `${tokenType} ${value}`;
}
