import type { Deps } from '../deps.ts';
import { failField } from '../errors.ts';
import { isListed, TOO_COMMON } from './common-passwords.ts';

/** @param path field of the password @throws AppFailure `invalid` if it is common. Source: OWASP ASVS 5, 6.2.4 */
export async function hashNewPassword(deps: Pick<Deps, 'readAsset' | 'passwords'>, password: string, path: string): Promise<string> {
  if (isListed(await deps.readAsset('common-passwords.txt'), password)) failField(path, TOO_COMMON);
  return deps.passwords.hash(password);
}
