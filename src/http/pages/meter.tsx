import type { PropsWithChildren } from 'hono/jsx';

interface MeterProps {
  label: string;
  /** Whole percent: binary fractions may miss a threshold. Above 100 the bar is full. */
  percent: number;
  text: string;
  /** From here on it counts as (nearly) used up. */
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
