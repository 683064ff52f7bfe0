// The REST calls of the page. The session cookie speaks for the reader; errors are typed.

/** Why a call did not succeed: `status` (0 = no answer), `code` and the server's words. */
export class CallError extends Error {
  constructor(status, code, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Reads the error that an answer carries. `header(name)` looks a header up. */
export function errorOf(status, text, header) {
  let body = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    // Not ours: a proxy in between, or nothing at all. The status must do.
  }
  const retryAfter = Number.parseInt(header('Retry-After') ?? '', 10);
  // A file that is too large and a text that is too long are one code on the wire, not to a reader.
  const code = status === 413 ? 'too_large' : (body.code ?? codeOf(status));
  return new CallError(status, code, body.error ?? '', Number.isFinite(retryAfter) ? retryAfter : null);
}

const codeOf = (status) => ({ 0: 'network', 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 409: 'conflict', 412: 'changed', 429: 'limit', 507: 'storage' })[status] ?? 'unknown';

/**
 * The calls. `onGone` is told when the session has ended by itself; a call that is answered after the
 * reader has signed out says nothing of that.
 */
export function createApi({ fetch, onGone }) {
  let session = new AbortController(); // ends when the reader signs out

  async function call(method, address, { json, body, headers = {} } = {}) {
    const { signal } = session;
    const request = { method, headers: { ...headers }, credentials: 'same-origin', cache: 'no-store', body };
    // A request that writes is carried out though the reader leaves; the answer to a read has no use.
    if (method === 'GET') {
      if (signal.aborted) throw new CallError(0, 'network', '');
      request.signal = signal;
    }
    if (json !== undefined) {
      request.body = JSON.stringify(json);
      request.headers['Content-Type'] = 'application/json';
    }
    let answer;
    let text;
    try {
      answer = await fetch(address, request);
      text = await answer.text();
    } catch {
      throw new CallError(0, 'network', '');
    }
    if (answer.ok) return { body: text ? JSON.parse(text) : {}, etag: answer.headers.get('ETag') };
    if (answer.status === 401 && address !== '/api/login' && address !== '/api/verify' && !signal.aborted) onGone();
    throw errorOf(answer.status, text, (name) => answer.headers.get(name));
  }

  /** Ends the session. Reads under way are given up, so that no answer comes after its end. */
  async function logout() {
    session.abort();
    try {
      return await body(call('POST', '/api/logout'));
    } finally {
      session = new AbortController();
    }
  }

  const at = (path) => encodeURIComponent(path);
  const body = async (answer) => (await answer).body;
  return {
    login: (username, password) => body(call('POST', '/api/login', { json: { username, password } })),
    logout,
    verify: () => body(call('GET', '/api/verify')),
    members: () => body(call('GET', '/api/members')),
    messages: (query) => body(call('GET', `/api/messages?${new URLSearchParams(query)}`)),
    deliveries: (query) => body(call('GET', `/api/deliveries?${new URLSearchParams(query)}`)),
    deliveriesOf: (message) => body(call('GET', `/api/messages/${message}/deliveries?history=1`)),
    retryDelivery: (message, agent) => body(call('POST', `/api/deliveries/${at(`${message}:${agent}`)}/retry`)),
    runs: (query = {}) => body(call('GET', `/api/runs?${new URLSearchParams(query)}`)),
    stopRun: (run, agent) => body(call('POST', `/api/runs/${at(run)}/stop?agent=${at(agent)}`)),
    usage: (by) => body(call('GET', `/api/usage?by=${by}`)),
    budgets: () => body(call('GET', '/api/budgets')),
    /** Replaces all budgets. */
    keepBudgets: (budgets) => body(call('PUT', '/api/budgets', { json: { budgets } })),
    list: (path) => body(call('GET', `/api/files?path=${at(path)}`)),
    /** Answers with `{body: {path, content}, etag}`. */
    read: (path) => call('GET', `/api/file?path=${at(path)}`),
    /** Writes text; `condition` is an ETag, `*` for "must be new", or null for "whatever is there". */
    write: (path, content, condition) => call('PUT', `/api/file?path=${at(path)}`, { body: content, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...conditionOf(condition) } }),
    mkdir: (path) => body(call('POST', '/api/mkdir', { json: { path } })),
    rename: (oldPath, newPath) => body(call('POST', '/api/rename', { json: { oldPath, newPath } })),
    remove: (path) => body(call('DELETE', `/api/delete?path=${at(path)}`)),
  };
}

const conditionOf = (condition) => (condition === '*' ? { 'If-None-Match': '*' } : condition ? { 'If-Match': condition } : {});

/** Where the bytes of a shared file are. */
export const downloadOf = (path) => `/api/download?path=${encodeURIComponent(path)}`;
