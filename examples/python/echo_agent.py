"""An agent on the bare protocol: it answers each call with the words of the call (see ../README.md)."""
import base64, itertools, json, os, random, re, socket, ssl, time, urllib.parse
URL, NAME = urllib.parse.urlsplit(os.environ["OIS_URL"]), os.environ["OIS_AGENT_NAME"].split()[0].lower()
PORT, TLS = (443, ssl.create_default_context()) if URL.scheme == "wss" else (80, None)

def send(sock, data, first=0x81):  # one masked frame: 0x81 is a whole text, 0x8A a pong
    short, width = (len(data), 0) if len(data) < 126 else (126, 2) if len(data) < 65536 else (127, 8)
    head, mask = bytes([first, 0x80 | short]) + len(data).to_bytes(8, "big")[8 - width:], os.urandom(4)
    sock.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

def connect(hello):  # opens a WebSocket, says hello, then yields each JSON text that comes
    raw = socket.create_connection((URL.hostname, URL.port or PORT), timeout=90)  # the server pings every 30 s
    with TLS.wrap_socket(raw, server_hostname=URL.hostname) if TLS else raw as sock, sock.makefile("rb") as stream:
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall(f"GET {URL.path or '/'} HTTP/1.1\r\nHost: {URL.netloc}\r\nUpgrade: websocket\r\nConnection: "
                     f"Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        if b" 101 " not in b"".join(itertools.takewhile(bytes.strip, stream)): raise ConnectionError("no WebSocket")
        send(sock, json.dumps(hello).encode())
        while head := stream.read(2):
            data = stream.read(int.from_bytes(stream.read({126: 2, 127: 8}.get(head[1], 0)) or head[1:], "big"))
            if head[0] == 0x89: send(sock, data, 0x8A)  # a ping
            if head[0] & 15 < 2: text = data if head[0] & 1 else text + data  # a text, or how one goes on
            if head[0] in (0x80, 0x81): yield sock, json.loads(text)

def report(sock, message, state, **more):  # how far a call came; the server sets `agent` and `at` itself
    send(sock, json.dumps({"type": "delivery", "message": message, "agent": NAME, "attempt": 1, "state": state,
                           "at": "1970-01-01T00:00:00.000Z", **more}).encode())

last, waiting, pause = None, set(), 1  # all up to this id is done; answers without their ack; seconds
while True:
    try:
        for sock, frame in connect({"type": "agent_auth", "token": os.environ["OIS_AGENT_TOKEN"], "after": last,
                                    "subscribe": ["deliveries"]}):
            if frame["type"] in ("auth_fail", "error") and "about" not in frame: raise ConnectionError(frame)
            if frame["type"] == "auth_ok": pause, last = 1, frame["head"] if last is None else min(last, frame["head"])
            if frame["type"] == "ack":
                waiting.discard(frame["nonce"])
                report(sock, int(frame["nonce"][5:]), "replied", answer=frame["id"])
            message = frame["message"] if frame["type"] == "message" else {}
            if NAME in [name.lower() for name in message.get("calls", [])]:
                report(sock, message["id"], "received")
                waiting.add(nonce := f"echo-{message['id']}")  # however often it is said, it is stored once
                send(sock, json.dumps({"type": "chat", "text": re.sub("[@＠]", "", message["text"]), "nonce": nonce,
                                       "replyTo": message["id"], "cause": message["id"]}).encode())
            if "id" in message and not waiting: last = message["id"]
    except (OSError, ValueError) as error: print("not connected:", error, flush=True)
    time.sleep(random.uniform(0, pause := min(2 * pause, 30)))
