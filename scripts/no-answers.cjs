/**
 * Stands in the Worker's bundle for the rooms' `answers.ts`, each name of which is undefined then: what an answer looks like is the compiler's
 * and the API document's business, which the build makes (docs/decisions/0003).
 */
module.exports = {};
