/** CPU of the local runtime's processes, from Linux's /proc: what runs in workerd cannot ask for it itself. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second. Source: sysconf(_SC_CLK_TCK), proc_pid_stat(5) */
const TICKS_A_SECOND = 100;

/** The fields of /proc/<id>/stat from the third on; the second, the name, may hold spaces. */
function statOf(id: string): { name: string; fields: string[] } | null {
  try {
    const text = readFileSync(`/proc/${id}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    return { name: text.slice(text.indexOf('(') + 1, end), fields: text.slice(end + 2).split(' ') };
  } catch {
    return null;
  }
}

/** Seconds of CPU of all workerd processes that this process started; 0 where there is no /proc. */
export function runtimeCpuSeconds(): number {
  let ticks = 0;
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(id);
    if (stat?.name !== 'workerd' || Number(stat.fields[1]) !== process.pid) continue;
    ticks += Number(stat.fields[11]) + Number(stat.fields[12]);
  }
  return ticks / TICKS_A_SECOND;
}
