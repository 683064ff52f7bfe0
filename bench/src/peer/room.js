// A room on Bun's WebSocket publish: the frames of OIS, nothing stored, nothing resumed.

const token = process.env.BENCH_TOKEN;
const recent = [];
let id = Date.now();
let history = null;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    if (server.upgrade(request, { data: { isIn: false } })) return;
    return new Response("a WebSocket is wanted\n", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    maxPayloadLength: 1 << 20,
    backpressureLimit: 64 << 20,
    idleTimeout: 600,
    message(ws, data) {
      const frame = JSON.parse(data);
      if (frame.type === "chat" && ws.data.isIn) say(frame.text);
      else if (frame.type === "agent_auth" && frame.token === token) signIn(ws);
      else ws.send(JSON.stringify({ type: "error", code: "unknown_type", message: "unknown type" }));
    },
  },
});

function signIn(ws) {
  ws.data.isIn = true;
  history ??= JSON.stringify({ type: "history", messages: recent });
  ws.send(JSON.stringify({ type: "auth_ok", user: "Bench", isAgent: true }));
  ws.send(history);
  ws.subscribe("room");
}

function say(text) {
  const time = new Date().toISOString();
  const message = { id: ++id, user: "Bench", text, time, agent: true };
  recent.push(message);
  if (recent.length > 50) recent.shift();
  history = null;
  server.publish("room", JSON.stringify({ type: "message", message }));
}

console.log(`listening on 127.0.0.1:${server.port}`);
