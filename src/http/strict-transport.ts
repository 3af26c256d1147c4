/** How long browsers that came by https once come by nothing else: a year. */
const MAX_AGE_S = 31_536_000;

/**
 * The value of `Strict-Transport-Security`, for answers of the Worker and for static files alike: of two answers that differ a browser
 * keeps the last.
 * @param isForSubdomains only where the operator said so: other sites may live below this host's name
 */
export const strictTransport = (isForSubdomains: boolean): string => `max-age=${MAX_AGE_S}${isForSubdomains ? '; includeSubDomains' : ''}`;
