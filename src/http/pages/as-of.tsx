import { formatAgo, formatInstant } from '../../lib/format.ts';

/** The time up to which the figures of a page are complete. */
export const AsOf = ({ at, zone, now }: { at: string | null; zone: string; now: number }) => (
  <p class="as-of">
    {at === null ? (
      'No sync yet'
    ) : (
      <>
        as of <time datetime={at}>{formatInstant(at, zone)}</time> ({formatAgo(at, now)})
      </>
    )}
  </p>
);
