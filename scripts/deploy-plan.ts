/** What a deployment has to do, given the state of the account. Pure. */

export interface AccountState {
  databaseId: string | null;
  queues: readonly string[];
  secrets: readonly string[];
}

export type Step =
  | { kind: 'create_database' }
  | { kind: 'create_queue'; name: string }
  | { kind: 'migrate' }
  | { kind: 'deploy'; newSecrets: string[] };

export const QUEUES = ['openrouter-monitor-jobs', 'openrouter-monitor-jobs-dead'] as const;
export const SECRETS = ['JWT_SECRET', 'ENCRYPTION_KEYS'] as const;

/** In order. Existing things stay; an existing secret is never replaced. */
export function planDeployment(state: AccountState): Step[] {
  return [
    ...(state.databaseId === null ? [{ kind: 'create_database' } as const] : []),
    ...QUEUES.filter((name) => !state.queues.includes(name)).map((name) => ({ kind: 'create_queue', name }) as const),
    { kind: 'migrate' },
    { kind: 'deploy', newSecrets: SECRETS.filter((name) => !state.secrets.includes(name)) },
  ];
}

export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'create_database':
      return 'create the D1 database';
    case 'create_queue':
      return `create the queue ${step.name}`;
    case 'migrate':
      return 'apply new migrations to the remote database';
    case 'deploy':
      return step.newSecrets.length > 0
        ? `deploy the Worker with fresh random secrets: ${step.newSecrets.join(', ')}`
        : 'deploy the Worker; its secrets stay as they are';
  }
}
