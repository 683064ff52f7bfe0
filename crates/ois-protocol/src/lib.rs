//! What is said: frames, events, messages, names, paths and text formats of OIS, as types.
