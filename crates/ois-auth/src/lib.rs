//! Who is speaking: members, tokens, passwords, tickets and what they may do.
