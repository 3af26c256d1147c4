/** Stands in for zod's index of message languages in the bundle (`[alias]` in wrangler.toml): English is the only one used. */
export { default as en } from 'zod/v4/locales/en.js';
