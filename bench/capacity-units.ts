/**
 * What one key costs, as measured in November 2026 on two cores of a virtual machine. Each constant names the command that prints it;
 * whoever changes the jobs runs it again.
 */
import { BUSY_HOURS, type BusyHours, type DailyUse, type KeyKind } from './capacity-model.ts';

/** `npx vitest run --config bench/workerd.config.ts days`: the second table, a key and day. */
interface MeasuredDay {
  operations: number;
  messages: number;
  rowsRead: number;
  rowsWritten: number;
}

/** The same, the last line: for each ledger row that is forgotten in the end, hours first. */
const CLEANUP = { rowsRead: 17.1, rowsWritten: 2.31 };

/** `node bench/cpu.ts`: the sum of its last column over the messages of a kind, milliseconds a key and hour. */
interface MeasuredCpu {
  quietHour: number;
  busyHour: number;
}

/** `node bench/bytes.ts`: the column "Together", and 1 kB for the key's own row. */
const OWN_BYTES = { 8: 43_000 + 1000, 24: 74_000 + 1000 };
const SINGLE_BYTES = { 8: 45_000 + 1000, 24: 80_000 + 1000 };
const ACCOUNT_BYTES = { 8: 471_000 + 1000, 24: 2_351_000 + 1000 };

/** Readings of a day: 24 of the hourly sync and one of the validation. */
const READINGS_A_DAY = 25;

function useOf(day: MeasuredDay, cpu: MeasuredCpu, busyHours: BusyHours, ledgerRows: number): DailyUse {
  return {
    queueOperations: day.operations,
    requests: day.messages,
    rowsRead: day.rowsRead + ledgerRows * CLEANUP.rowsRead,
    rowsWritten: day.rowsWritten + ledgerRows * CLEANUP.rowsWritten,
    cpu: (READINGS_A_DAY - busyHours) * cpu.quietHour + busyHours * cpu.busyHour,
  };
}

/** @param ledgerRows that a day of the key makes */
function kindOf(
  name: string,
  keysAUser: number,
  ledgerRows: number,
  bytes: Record<BusyHours, number>,
  cpu: MeasuredCpu,
  days: Record<BusyHours, MeasuredDay>,
): KeyKind {
  const [eight, all] = BUSY_HOURS.map((busyHours) => useOf(days[busyHours], cpu, busyHours, ledgerRows)) as [DailyUse, DailyUse];
  return { name, keysAUser, bytes, day: { 8: eight, 24: all } };
}

/** A row of `key_day`; behind a management key also three of `usage_day` (as many models are assumed) and a share of `account_day`, at most one row. */
const OWN_ROWS = 1;
const ACCOUNT_ROWS = 5;

export const KINDS: readonly KeyKind[] = [
  kindOf(
    'own, 10 a user',
    10,
    OWN_ROWS,
    OWN_BYTES,
    { quietHour: 0.22, busyHour: 0.2 },
    {
      8: { operations: 7.5, messages: 2.5, rowsRead: 892, rowsWritten: 36.8 },
      24: { operations: 7.5, messages: 2.5, rowsRead: 1052, rowsWritten: 52.8 },
    },
  ),
  kindOf(
    'own, 1 a user',
    1,
    OWN_ROWS,
    SINGLE_BYTES,
    { quietHour: 0.25, busyHour: 0.24 },
    {
      8: { operations: 7.5, messages: 2.5, rowsRead: 1768, rowsWritten: 36.8 },
      24: { operations: 7.5, messages: 2.5, rowsRead: 1928, rowsWritten: 52.8 },
    },
  ),
  kindOf(
    'account of 10',
    10,
    ACCOUNT_ROWS,
    ACCOUNT_BYTES,
    { quietHour: 0.62, busyHour: 1.25 },
    {
      8: { operations: 30, messages: 10, rowsRead: 4716, rowsWritten: 125 },
      24: { operations: 30.3, messages: 10.1, rowsRead: 6013, rowsWritten: 252 },
    },
  ),
  kindOf(
    'account of 100',
    100,
    ACCOUNT_ROWS,
    ACCOUNT_BYTES,
    { quietHour: 0.17, busyHour: 0.78 },
    {
      8: { operations: 4.62, messages: 1.54, rowsRead: 4682, rowsWritten: 99.1 },
      24: { operations: 7.68, messages: 2.56, rowsRead: 7186, rowsWritten: 228 },
    },
  ),
];
