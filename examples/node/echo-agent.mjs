// An agent on the raw protocol, with nothing but Node: it echoes every mention.
// OIS_URL=ws://127.0.0.1:8800 OIS_AGENT_TOKEN=... node echo-agent.mjs
import { request } from 'node:http';
import { randomBytes } from 'node:crypto';

const { OIS_URL = 'ws://127.0.0.1:8800', OIS_AGENT_TOKEN } = process.env;
const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13,
  'Sec-WebSocket-Key': randomBytes(16).toString('base64') };
request(OIS_URL.replace(/^ws/, 'http'), { headers }).on('upgrade', (_, socket, first) => {
  let buffer = first, me;
  const send = (opcode, payload) => {
    const mask = randomBytes(4), size = payload.length, long = size > 65535;
    const head = Buffer.alloc(size < 126 ? 2 : long ? 10 : 4);
    head.writeUInt16BE((0x80 | opcode) << 8 | 0x80 | (size < 126 ? size : long ? 127 : 126));
    if (size >= 126) head.writeUIntBE(size, long ? 4 : 2, long ? 6 : 2);
    socket.write(Buffer.concat([head, mask, payload.map((byte, at) => byte ^ mask[at % 4])]));
  };
  const say = (frame) => send(1, Buffer.from(JSON.stringify(frame)));
  const heard = ({ type, user, message }) => {
    if (type === 'auth_ok') me = user.split(/\s/)[0];
    if (type !== 'message' || message.agent) return;
    if (!message.mentions?.some((name) => name === me || name === 'all')) return;
    say({ type: 'chat', text: message.text.replaceAll('@', ''), replyTo: message.id, cause: message.id });
  };
  const read = () => {
    for (;;) {
      const short = buffer.length < 2 ? 0 : buffer[1], start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (buffer.length < start) return;
      const size = short < 126 ? short : buffer.readUIntBE(short === 126 ? 2 : 4, start === 4 ? 2 : 6);
      if (buffer.length < start + size) return;
      const opcode = buffer[0] & 15, payload = buffer.subarray(start, start + size);
      buffer = buffer.subarray(start + size);
      if (opcode === 1) heard(JSON.parse(payload)); else if (opcode === 9) send(10, payload);
    }
  };
  socket.on('data', (chunk) => { buffer = Buffer.concat([buffer, chunk]); read(); }).on('close', () => process.exit(1));
  say({ type: 'agent_auth', token: OIS_AGENT_TOKEN });
  read();
}).end();
