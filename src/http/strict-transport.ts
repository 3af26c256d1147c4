/** A year. */
const MAX_AGE_S = 31_536_000;

/** Used for static files too: browsers keep the last value. @param isForSubdomains the operator's choice: other sites may live there */
export const strictTransport = (isForSubdomains: boolean): string => `max-age=${MAX_AGE_S}${isForSubdomains ? '; includeSubDomains' : ''}`;
