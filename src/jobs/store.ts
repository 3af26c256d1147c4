/** All SQL of job runs. They belong to nobody: a run works on the keys of all users. */
import { type Db, queryOf, readTogether, rowsOf, runBatch, statement } from '../db.ts';
import { type Counts, type JobName, partError } from './model.ts';

/** Names a part of a run. Part 0 is the ring itself. */
export interface PartName {
  job: string;
  slot: string;
  part: number;
}

export type Claim = { kind: 'claimed'; counts: Counts; leaseUntil: number } | { kind: 'finished' } | { kind: 'leased'; until: number };

/** Takes a part for `leaseMs`, unless it is finished or somebody else has it. */
export async function claimPart(db: Db, { job, slot, part }: PartName, now: number, leaseMs: number): Promise<Claim> {
  const claim = `INSERT INTO job_run (job, slot, part, started_at, lease_until, counts) VALUES (:job, :slot, :part, :now, :now + :leaseMs, '{}')
    ON CONFLICT (job, slot, part) DO UPDATE SET lease_until = excluded.lease_until
    WHERE job_run.finished_at IS NULL AND job_run.lease_until <= :now RETURNING counts`;
  const find = `SELECT finished_at AS finishedAt, lease_until AS leaseUntil FROM job_run WHERE job = :job AND slot = :slot AND part = :part`;
  const [[claimed], [found]] = await readTogether(db, [
    queryOf<{ counts: string }>(statement(db, claim, { job, slot, part, now, leaseMs })),
    queryOf<{ finishedAt: number | null; leaseUntil: number }>(statement(db, find, { job, slot, part })),
  ]);
  if (claimed) return { kind: 'claimed', counts: JSON.parse(claimed.counts), leaseUntil: now + leaseMs };
  const isFinished = found !== undefined && found.finishedAt !== null;
  return isFinished ? { kind: 'finished' } : { kind: 'leased', until: found?.leaseUntil ?? now };
}

/** Sets what a part did, if it is still ours by this lease; it is then either finished or free to be taken again. */
export async function releasePart(
  db: Db,
  { job, slot, part }: PartName,
  leaseUntil: number,
  now: number,
  counts: Counts,
  isFinished: boolean,
): Promise<void> {
  const text = `UPDATE job_run SET counts = :counts, lease_until = :now, finished_at = iif(:isFinished, :now, NULL), error = iif(:isFinished, :error, NULL)
    WHERE job = :job AND slot = :slot AND part = :part AND lease_until = :leaseUntil AND finished_at IS NULL`;
  const done = { counts: JSON.stringify(counts), isFinished: Number(isFinished), error: partError(counts) };
  await runBatch(db, [statement(db, text, { job, slot, part, leaseUntil, now, ...done })]);
}

/** Notes that the queue gave up on a part. */
export async function failPart(db: Db, { job, slot, part }: PartName, now: number, error: string): Promise<void> {
  const text = `INSERT INTO job_run (job, slot, part, started_at, lease_until, finished_at, counts, error) VALUES (:job, :slot, :part, :now, :now, :now, '{}', :error)
    ON CONFLICT (job, slot, part) DO UPDATE SET finished_at = excluded.finished_at, error = excluded.error WHERE job_run.finished_at IS NULL`;
  await runBatch(db, [statement(db, text, { job, slot, part, now, error })]);
}

/** Notes a ring, once. */
export async function insertRing(db: Db, job: JobName, slot: string, now: number, counts: Counts): Promise<void> {
  const text = `INSERT INTO job_run (job, slot, part, started_at, lease_until, finished_at, counts) VALUES (:job, :slot, 0, :now, :now, :now, :counts) ON CONFLICT DO NOTHING`;
  await runBatch(db, [statement(db, text, { job, slot, now, counts: JSON.stringify(counts) })]);
}

/** Those of the slots (job and earliest instant) in which, or after which, the job rang. */
export async function listStarted(db: Db, slots: readonly { job: JobName; slot: string }[]): Promise<Set<string>> {
  const text = 'SELECT job FROM job_run WHERE job = :job AND slot >= :slot AND part = 0 LIMIT 1';
  const results = await runBatch(
    db,
    slots.map(({ job, slot }) => statement(db, text, { job, slot })),
  );
  return new Set(results.flat().map((row) => String(row['job'])));
}

/**
 * A row that tells that a job did its work: a part that finished without an error (of a cleanup the last part, which has `done`),
 * or a ring that found nothing to do.
 */
const IS_SUCCESS = `finished_at IS NOT NULL AND error IS NULL AND iif(part = 0,
  json_extract(counts, '$.due') = 0 AND coalesce(json_extract(counts, '$.postponed'), 0) = 0,
  job <> 'cleanup' OR json_extract(counts, '$.done') = 1)`;

/** When the job last did its work. */
export const lastSuccessStatement = (db: Db, job: JobName): D1PreparedStatement =>
  statement(db, `SELECT finished_at FROM job_run WHERE job = :job AND ${IS_SUCCESS} ORDER BY slot DESC, part DESC LIMIT 1`, { job });

/** The parts of a job's latest run. */
export const latestRunStatement = (db: Db, job: JobName): D1PreparedStatement =>
  statement(
    db,
    `SELECT slot, part, finished_at, counts, error FROM job_run
      WHERE job = :job AND slot = (SELECT slot FROM job_run WHERE job = :job ORDER BY slot DESC LIMIT 1) LIMIT 1000`,
    { job },
  );

/** Deletes up to `limit` parts of runs whose slot lies before `slot`, but for each job's last success; returns how many. */
export async function deleteRunsBefore(db: Db, slot: string, limit: number): Promise<number> {
  const lastSuccess = `SELECT s.slot FROM job_run AS s WHERE s.job = r.job AND ${IS_SUCCESS}
    ORDER BY s.slot DESC LIMIT 1`;
  const text = `DELETE FROM job_run WHERE (job, slot, part) IN
    (SELECT r.job, r.slot, r.part FROM job_run AS r WHERE r.slot < :slot AND r.slot IS NOT (${lastSuccess}) LIMIT :limit) RETURNING 1`;
  return (await rowsOf(db, statement(db, text, { slot, limit }))).length;
}
