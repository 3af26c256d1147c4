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
const CLEANUP = { rowsRead: 14.1, rowsWritten: 2.16 };

/** `node bench/cpu.ts`: the sum of its last column over the messages of a kind, milliseconds a key and hour. */
interface MeasuredCpu {
  quietHour: number;
  busyHour: number;
}

/** `node bench/bytes.ts`: the column "Together", and 1 kB for the key's own row. */
const OWN_BYTES = { 8: 79_000 + 1000, 24: 184_000 + 1000 };
const ACCOUNT_BYTES = { 8: 611_000 + 1000, 24: 2_358_000 + 1000 };

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

/** A row of `counter_day`; behind a management key also three of `usage_day` (as many models are assumed) and one of `check_day`. */
const OWN_ROWS = 1;
const ACCOUNT_ROWS = 5;

export const KINDS: readonly KeyKind[] = [
  kindOf(
    'own, 10 a user',
    10,
    OWN_ROWS,
    OWN_BYTES,
    { quietHour: 0.26, busyHour: 0.26 },
    {
      8: { operations: 11.3, messages: 3.75, rowsRead: 414, rowsWritten: 35.8 },
      24: { operations: 11.3, messages: 3.75, rowsRead: 526, rowsWritten: 51.8 },
    },
  ),
  kindOf(
    'own, 1 a user',
    1,
    OWN_ROWS,
    OWN_BYTES,
    { quietHour: 0.81, busyHour: 0.94 },
    {
      8: { operations: 78.8, messages: 26.3, rowsRead: 660, rowsWritten: 35.8 },
      24: { operations: 78.8, messages: 26.3, rowsRead: 772, rowsWritten: 51.8 },
    },
  ),
  kindOf(
    'account of 10',
    10,
    ACCOUNT_ROWS,
    ACCOUNT_BYTES,
    { quietHour: 0.62, busyHour: 1.6 },
    {
      8: { operations: 30, messages: 10, rowsRead: 3040, rowsWritten: 114 },
      24: { operations: 30.3, messages: 10.1, rowsRead: 3879, rowsWritten: 241 },
    },
  ),
  kindOf(
    'account of 100',
    100,
    ACCOUNT_ROWS,
    ACCOUNT_BYTES,
    { quietHour: 0.15, busyHour: 0.87 },
    {
      8: { operations: 4.62, messages: 1.54, rowsRead: 3158, rowsWritten: 97.1 },
      24: { operations: 7.71, messages: 2.57, rowsRead: 4910, rowsWritten: 225 },
    },
  ),
];
