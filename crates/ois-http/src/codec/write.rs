//! Frames to send: whole messages, unmasked, as a server's are (RFC 6455, 5.2).

/// Writes the header of an unmasked, unfragmented frame.
pub(crate) fn write_header(out: &mut Vec<u8>, opcode: u8, len: usize) {
    out.push(0x80 | opcode);
    if len < 126 {
        out.push(len as u8);
    } else if let Ok(len) = u16::try_from(len) {
        out.push(126);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(len as u64).to_be_bytes());
    }
}

/// Appends a whole text frame. `payload` must be UTF-8.
pub fn write_text(out: &mut Vec<u8>, payload: &[u8]) {
    write(out, TEXT, payload);
}

/// Appends a whole binary frame.
pub fn write_binary(out: &mut Vec<u8>, payload: &[u8]) {
    write(out, BINARY, payload);
}

/// Appends the answer to a ping with this payload, of which there are at the most 125 bytes.
pub fn write_pong(out: &mut Vec<u8>, payload: &[u8]) {
    write(out, PONG, payload);
}

/// Appends a close frame with a status code.
pub fn write_close(out: &mut Vec<u8>, code: u16) {
    write(out, CLOSE, &code.to_be_bytes());
}

/// The payload of a frame that [`write_text`] wrote.
pub(crate) fn payload(frame: &[u8]) -> &[u8] {
    let start = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.get(start..).unwrap_or_default()
}

fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    write_header(out, opcode, payload.len());
    out.extend_from_slice(payload);
}

/// Opcode of a text frame.
const TEXT: u8 = 1;
/// Opcode of a binary frame.
const BINARY: u8 = 2;
/// Opcode of a close frame.
const CLOSE: u8 = 8;
/// Opcode of a ping.
pub(crate) const PING: u8 = 9;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 10;
