/** Fires the Worker's crons on time, which the local development server does not do by itself. */
import { Cron } from 'croner';
import { readSettings } from './wrangler.ts';

export const readCrons = async (): Promise<string[]> => (await readSettings()).triggers.crons;

/** @param at epoch milliseconds */
export async function fireCron(origin: string, cron: string, at: number): Promise<void> {
  const response = await fetch(`${origin}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}&time=${at}`);
  if (!response.ok) console.error(`The cron "${cron}" failed with status ${response.status}.`);
}

/** UTC, until the program ends. */
export async function runCrons(origin: string): Promise<void> {
  for (const cron of await readCrons()) {
    new Cron(cron, { timezone: 'UTC', unref: true, catch: (error) => console.error(`The cron "${cron}" failed: ${error}`) }, (self) =>
      fireCron(origin, cron, self.currentRun()?.getTime() ?? Date.now()),
    );
  }
}
