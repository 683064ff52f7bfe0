// The form for signing in: a name and a password.

import { fill, h, words } from './dom.js';
import { settings } from './settings.js';

class Login extends HTMLElement {
  #app;
  #wait = null;

  start(app) {
    this.#app = app;
    this.setAttribute('role', 'main');
    app.store.watch((s) => [s.phase, s.notice], (s) => this.#show(s));
  }

  #show(state) {
    clearInterval(this.#wait);
    this.hidden = state.phase !== 'signed-out';
    if (this.hidden) return fill(this);
    const user = h('input', { id: 'login-user', name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true, maxlength: 200, data: { testid: 'login-user' }, value: this.#app.prefs.kept('user', '') });
    const password = h('input', { id: 'login-password', name: 'password', type: 'password', autocomplete: 'current-password', required: true, maxlength: 1000, data: { testid: 'login-password' } });
    const submit = h('button', { class: 'button primary wide', data: { testid: 'login-submit' }, words: { text: 'login.submit' } });
    const error = h('p', { class: 'form-error', role: 'alert' });
    if (state.notice) words(error, { text: state.notice });
    const form = h('form', { class: 'login-card', novalidate: true, data: { testid: 'login-form' } },
      h('div', { class: 'brand' }, h('img', { src: '/web/icon.svg', alt: '', width: 32, height: 32 }), h('span', { words: { text: 'app.name' } })),
      h('h1', { words: { text: 'login.title' } }),
      h('p', { class: 'quiet', words: { text: 'login.lead' } }),
      h('label', { for: 'login-user', words: { text: 'login.user' } }), user,
      h('label', { for: 'login-password', words: { text: 'login.password' } }), password,
      error, submit, settings());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(user, password, submit, error);
    });
    fill(this, form);
    (user.value ? password : user).focus();
  }

  async #submit(user, password, submit, error) {
    if (!user.value.trim() || !password.value) {
      words(error, { text: 'login.missing' });
      return (user.value.trim() ? password : user).focus();
    }
    submit.disabled = true;
    words(submit, { text: 'login.busy' });
    try {
      const answer = await this.#app.api.login(user.value.trim(), password.value);
      this.#app.prefs.keep('user', user.value.trim());
      this.#app.actions.enter(answer);
      return undefined;
    } catch (failure) {
      words(submit, { text: 'login.submit' });
      submit.disabled = false;
      password.value = '';
      if (failure.status === 429) return this.#countDown(failure.retryAfter ?? 30, submit, error);
      words(error, { text: failure.status === 401 ? 'login.wrong' : 'login.unreachable' });
      return password.focus();
    }
  }

  #countDown(seconds, submit, error) {
    let left = seconds;
    submit.disabled = true;
    const tell = () => {
      if (left > 0) words(error, { text: ['login.wait', { n: left }] });
      else {
        clearInterval(this.#wait);
        delete error.dataset.words;
        error.textContent = '';
        submit.disabled = false;
      }
      left -= 1;
    };
    tell();
    this.#wait = setInterval(tell, 1000);
  }
}

customElements.define('ois-login', Login);
