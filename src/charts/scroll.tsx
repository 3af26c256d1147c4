import type { PropsWithChildren } from 'hono/jsx';

/** Holds what may be wider than its place, such as tables. It scrolls by itself, so it can be reached by keyboard and has a name. */
export const Scroll = ({ label, children }: PropsWithChildren<{ label: string }>) => (
  <section class="scroll" aria-label={label} tabindex={0}>
    {children}
  </section>
);
