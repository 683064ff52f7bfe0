// An agent on the bare protocol: it answers each call with the words of the call (see ../README.md).
const { OIS_URL, OIS_AGENT_TOKEN: token, OIS_AGENT_NAME } = process.env, me = OIS_AGENT_NAME.split(' ')[0].toLowerCase();
const { get } = await import(OIS_URL.startsWith('wss:') ? 'node:https' : 'node:http');
const random = (size) => crypto.getRandomValues(Buffer.alloc(size));
let last, waiting = new Set(), pause = 1000; // all up to this id is done; answers without their ack; milliseconds

function send(socket, text, first = 0x81) { // one masked frame: 0x81 is a whole text, 0x8a a pong
  const data = Buffer.from(text), mask = random(4), long = Buffer.from(data.length.toString(16).padStart(16, 0), 'hex');
  const [size, ...more] = data.length < 126 ? [data.length] : data.length < 65536 ? [126, ...long.slice(6)] : [127, ...long];
  socket.write(Buffer.from([first, 0x80 | size, ...more, ...mask, ...data.map((byte, at) => byte ^ mask[at % 4])]));
}

const report = (socket, message, state, more) => send(socket, JSON.stringify({ type: 'delivery', message, agent: me, attempt: 1,
  state, at: new Date(0), ...more })); // how far a call came; the server sets `agent` and `at` itself

async function session() { // opens a WebSocket, signs in, and answers until the connection is lost
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13,
    'Sec-WebSocket-Key': random(16).toString('base64') };
  let [, socket, bytes] = await new Promise((resolve, reject) => get(OIS_URL.replace('ws', 'http'), { headers })
    .on('upgrade', (...upgraded) => resolve(upgraded)).on('response', () => reject(new Error('no WebSocket')))
    .on('socket', (it) => it.setTimeout(90_000, () => it.destroy(new Error('silence')))).on('error', reject)), text, start, end;
  send(socket, JSON.stringify({ type: 'agent_auth', token, after: last, subscribe: ['deliveries'] }));
  for await (const chunk of socket)
    for (bytes = Buffer.concat([bytes, chunk]); bytes.length >= (end = (start = { 126: 4, 127: 10 }[bytes[1]] ?? 2)
      + parseInt(bytes.toString('hex', start > 2 ? 2 : 1, start), 16)); bytes = bytes.subarray(end)) {
      const first = bytes[0], data = bytes.subarray(start, end);
      if (first === 0x89) send(socket, data, 0x8a); // a ping
      if ((first & 15) < 2) text = first & 1 ? data : Buffer.concat([text, data]); // a text, or how one goes on
      const { type, nonce, head, message, about, id: acked } = first === 0x80 || first === 0x81 ? JSON.parse(text) : {};
      if ((type === 'auth_fail' || type === 'error') && !about) throw new Error(message ?? 'wrong OIS_AGENT_TOKEN');
      if (type === 'auth_ok') [pause, last] = [1000, Math.min(last ?? head, head)];
      if (type === 'ack') waiting.delete(nonce), report(socket, Number(nonce.slice(5)), 'replied', { answer: acked });
      const { id, text: words, calls = [] } = type === 'message' ? message : {};
      const called = calls.some((name) => name.toLowerCase() === me);
      if (called) report(socket, id, 'received');
      if (called) waiting.add(`echo-${id}`); // however often it is said, it is stored once
      if (called) send(socket, JSON.stringify({ type: 'chat', text: words.replace(/[@＠]/g, ''), nonce: `echo-${id}`,
        replyTo: id, cause: id }));
      if (id && !waiting.size) last = id;
    }
}
for (;; await new Promise((done) => setTimeout(done, Math.random() * (pause = Math.min(2 * pause, 30_000)))))
  await session().catch(({ message }) => console.error('not connected:', message));
