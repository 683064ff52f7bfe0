//! How an OpenClaw gateway is spoken to: WebSocket RPC and HTTP.
