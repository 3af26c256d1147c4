/** What Cloudflare publishes of its plans, as read in November 2026. */
import { DAYS_A_MONTH, type Plan } from './capacity-model.ts';

const MEGABYTE = 1e6;
const GIGABYTE = 1e9;

const monthly = (amount: number): number => amount / DAYS_A_MONTH;

/**
 * Sources: https://developers.cloudflare.com/d1/platform/pricing/ (rows), https://developers.cloudflare.com/d1/platform/limits/ (size),
 * https://developers.cloudflare.com/queues/platform/pricing/ (operations), https://developers.cloudflare.com/workers/platform/limits/
 * (requests). That a queue message counts as a request is assumed: the pages do not say that it does not.
 */
export const FREE: Plan = {
  name: 'Free',
  usdAMonth: 0,
  quotas: [
    { name: 'Queue operations', use: 'queueOperations', daily: 10_000 },
    { name: 'D1 rows written', use: 'rowsWritten', daily: 100_000 },
    { name: 'D1 rows read', use: 'rowsRead', daily: 5_000_000 },
    { name: 'Worker requests', use: 'requests', daily: 100_000 },
  ],
  databaseBytes: 500 * MEGABYTE,
  includedBytes: 500 * MEGABYTE,
};

/** Sources: the same, and https://developers.cloudflare.com/workers/platform/pricing/ (requests, CPU) */
export const PAID: Plan = {
  name: 'Paid',
  usdAMonth: 5,
  quotas: [
    { name: 'Queue operations', use: 'queueOperations', daily: monthly(1e6), usdAMillion: 0.4 },
    { name: 'D1 rows written', use: 'rowsWritten', daily: monthly(50e6), usdAMillion: 1 },
    { name: 'D1 rows read', use: 'rowsRead', daily: monthly(25e9), usdAMillion: 0.001 },
    { name: 'Worker requests', use: 'requests', daily: monthly(10e6), usdAMillion: 0.3 },
    { name: 'CPU', use: 'cpu', daily: monthly(30e6), usdAMillion: 0.02 },
  ],
  databaseBytes: 10 * GIGABYTE,
  includedBytes: 5 * GIGABYTE,
  usdAGigabyte: 0.75,
};
