/** A text that is to be copied; the button works where scripts do. */
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
