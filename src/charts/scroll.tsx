import type { PropsWithChildren } from 'hono/jsx';

/** Scrolls wide content. It has a name and keyboard focus, as a scroll area needs. */
export const Scroll = ({ label, children }: PropsWithChildren<{ label: string }>) => (
  <section class="scroll" aria-label={label} tabindex={0}>
    {children}
  </section>
);
