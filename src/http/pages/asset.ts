/** Addresses of the static files. Each holds a fingerprint of its content: `scripts/build-assets.ts`. */
import names from '../../../dist/asset-names.json' with { type: 'json' };

export type AssetName = keyof typeof names;

/** Where browsers find the file. */
export const assetUrl = (name: AssetName): string => names[name];
