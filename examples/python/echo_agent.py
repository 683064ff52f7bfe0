"""An agent on the raw protocol, with nothing but Python: it echoes every mention.

OIS_URL=ws://127.0.0.1:8800 OIS_AGENT_TOKEN=... python3 echo_agent.py
"""
import base64, json, os, socket, struct
from urllib.parse import urlsplit

url = urlsplit(os.environ.get("OIS_URL", "ws://127.0.0.1:8800"))
sock = socket.create_connection((url.hostname, url.port or 80))
sock.sendall((f"GET / HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n").encode())
stream = sock.makefile("rb")
assert b" 101 " in stream.readline(), "the server opens no WebSocket"
while stream.readline().strip():
    pass

def send(opcode, payload):
    size, mask = len(payload), os.urandom(4)
    head = bytes([0x80 | opcode, 0x80 | size]) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 0xFE, size) \
        if size < 65536 else struct.pack("!BBQ", 0x80 | opcode, 0xFF, size)
    sock.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

def say(frame):
    send(1, json.dumps(frame).encode())

say({"type": "agent_auth", "token": os.environ["OIS_AGENT_TOKEN"]})
me = None
while head := stream.read(2):
    size = head[1] if head[1] < 126 else int.from_bytes(stream.read(2 if head[1] == 126 else 8), "big")
    payload = stream.read(size)
    if head[0] & 15 == 9:  # a ping wants its pong
        send(10, payload)
    if head[0] & 15 != 1:
        continue
    frame = json.loads(payload)
    me = frame["user"].split()[0] if frame["type"] == "auth_ok" else me
    message = frame.get("message") if frame["type"] == "message" else None
    if message and not message.get("agent") and {me, "all"} & set(message.get("mentions", [])):
        say({"type": "chat", "text": message["text"].replace("@", ""), "replyTo": message["id"], "cause": message["id"]})
