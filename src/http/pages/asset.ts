import names from '../../../dist/asset-names.json' with { type: 'json' };

export type AssetName = keyof typeof names;

export const assetUrl = (name: AssetName): string => names[name];
