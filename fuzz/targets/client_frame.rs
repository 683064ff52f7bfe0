//! Client frames: an accepted frame means the same when it is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ois_protocol::ClientFrame;

fuzz_target!(|bytes: &[u8]| {
    match ClientFrame::parse(bytes) {
        Ok(frame) => {
            let again = serde_json::to_vec(&frame).unwrap();
            assert_eq!(ClientFrame::parse(&again).unwrap(), frame);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
