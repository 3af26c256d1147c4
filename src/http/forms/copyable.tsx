/** The button appears where scripts run. */
export const Copyable = ({ id, label, text }: { id: string; label: string; text: string }) => (
  <div class="copyable">
    <p>{label}</p>
    <pre id={id}>
      <code>{text}</code>
    </pre>
    <button type="button" class="quiet" data-copy={id} hidden>
      Copy
    </button>
  </div>
);
