//! A WebSocket that says and reads one JSON frame after the other.

use std::net::TcpStream;

use serde_json::Value;
use tungstenite::{Message, WebSocket};

use crate::house::House;

/// Opens a connection that has not signed in.
pub(crate) fn open(house: &House) -> WebSocket<TcpStream> {
    tungstenite::client("ws://ois/ws", house.connect()).unwrap().0
}

/// Sends one frame.
pub(crate) fn send(socket: &mut WebSocket<TcpStream>, frame: &Value) {
    socket.send(Message::text(frame.to_string())).unwrap();
}

/// Waits for the next frame.
pub(crate) fn next(socket: &mut WebSocket<TcpStream>) -> Value {
    serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap()
}
