/** How much of something is used, as a bar and in words. */
import type { PropsWithChildren } from 'hono/jsx';

interface MeterProps {
  /** Of what. */
  label: string;
  /** Used, in whole percents: amounts in binary fractions may miss their own threshold. More than 100 fills the bar. */
  percent: number;
  /** The same in words. */
  text: string;
  /** From this percent on it is nearly, or quite, used up. */
  high: number;
}

export const Meter = ({ label, percent, text, high, children }: PropsWithChildren<MeterProps>) => (
  <div class="meter">
    <meter min={0} max={100} low={79} high={high} optimum={0} value={Math.min(percent, 100)} aria-label={`${label}: ${text} used`}>
      {text}
    </meter>
    <span>{children}</span>
  </div>
);
