/** A year. */
const MAX_AGE_S = 31_536_000;

/**
 * Used for the Worker and static files alike: browsers keep the last value they see.
 * @param isForSubdomains only if the operator says so: other sites may live there
 */
export const strictTransport = (isForSubdomains: boolean): string => `max-age=${MAX_AGE_S}${isForSubdomains ? '; includeSubDomains' : ''}`;
