/* Improves the pages. Everything works without it. */

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2000);
  });
}

for (const input of document.querySelectorAll('input[data-time-zone]')) input.value = Intl.DateTimeFormat().resolvedOptions().timeZone;

/* Arrow keys move between buckets of a chart; Tab leaves it. */
for (const chart of document.querySelectorAll('svg.canvas')) {
  const stops = [...chart.querySelectorAll('.bucket, .row')];
  const last = stops.length - 1;
  for (const stop of stops.slice(0, -1)) stop.setAttribute('tabindex', '-1');
  chart.addEventListener('keydown', (event) => {
    const here = stops.indexOf(event.target.closest('.bucket, .row'));
    const next = { ArrowLeft: here - 1, ArrowUp: here - 1, ArrowRight: here + 1, ArrowDown: here + 1, Home: 0, End: last }[event.key];
    if (next === undefined || here < 0) return;
    event.preventDefault();
    const target = stops[Math.min(last, Math.max(0, next))];
    stops[here].setAttribute('tabindex', '-1');
    target.setAttribute('tabindex', '0');
    target.focus();
  });
}

/* Reloads a page with progress, unless somebody is using it. */
const running = document.querySelector('[data-refresh]');
if (running) {
  setInterval(() => {
    const isUsed = document.hidden || document.querySelector('main :focus, main :hover > .tip, details[open]');
    if (!isUsed) location.reload();
  }, Number(running.dataset.refresh) * 1000);
}
