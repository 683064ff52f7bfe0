// Driving a delivery again, and stopping a turn: buttons that wait for the answer and tell it.

import { h, words } from './dom.js';
import { t } from './i18n.js';
import { reason } from './reason.js';
import { isOver } from './store-deliveries.js';

/** A button that is at rest while `run` is; what went wrong is said by `failed(error)`. */
export function waiting(key, busy, run, failed, props = {}) {
  const button = h('button', { type: 'button', class: 'link-button', ...props, words: { text: key, ...props.words } });
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true'); // not `disabled`: the focus stays
    words(button, { text: busy, ...props.words });
    try {
      await run();
    } catch (error) {
      failed(error);
    }
    button.removeAttribute('aria-disabled');
    words(button, { text: key, ...props.words });
  });
  return button;
}

/** Whether the reader may drive agents: a person who may write. */
export const maySteer = ({ role }) => role === 'member' || role === 'admin';

/** The button that drives a delivery again, or nothing for those who may not. */
export function retryButton({ agent }, message, app, props = {}) {
  if (!maySteer(app.store.state)) return null;
  return waiting('ladder.retry', 'ladder.retrying',
    () => app.deliveries.retryDelivery(message, agent),
    (error) => app.notice(['ladder.notRetried', { reason: reason(error) }]),
    { data: { focus: 'retry', testid: 'delivery-retry' }, words: { label: ['ladder.retryOf', { name: agent }] }, ...props });
}

/** The button that stops a turn; what its runtime answered is said. */
export function stopButton({ run, agent }, app, props = {}) {
  if (!maySteer(app.store.state)) return null;
  const stop = async () => {
    const { stopped, detail } = await app.deliveries.stopRun(run, agent);
    app.notice(stopped ? ['run.stopped', { name: agent }] : ['run.notStopped', { reason: detail || t('run.notRunning') }]);
  };
  const failed = (error) => app.notice(notStopped(error, isOver(app.store.state, agent, run), agent));
  return waiting('run.stop', 'run.stopping', stop, failed, { data: { focus: 'stop', testid: 'run-stop' }, words: { label: ['run.stopOf', { name: agent }] }, ...props });
}

function notStopped(error, over, name) {
  if (error.code === 'busy') return ['run.unanswered', { name }];
  if (error.code === 'conflict') return ['run.notStopped', { reason: t(over ? 'run.notRunning' : 'run.noMonitor') }];
  return ['run.notStopped', { reason: reason(error) }];
}
