//! Signing in with a name and a password, in three steps.
//!
//! Hashing takes tens of milliseconds, so the slow step needs no keyring:
//!
//! 1. [`Keyring::challenge`], under a read lock: reads the passwords to check against;
//! 2. [`Challenge::verify`], on a thread of its own;
//! 3. [`Keyring::open_session`], under the write lock: checks that the password that was shown still
//!    counts.
//!
//! Step 2 hashes once at the usual cost for every name, so that its duration does not tell which
//! accounts there are.

use std::hint::black_box;

use ois_protocol::{DisplayName, Member, NameError, ShortName, Timestamp};

use super::{looks::are_alike, plain_member};
use crate::{Bearer, Entropy, Keyring, PasswordHash, SharedPassword, Token};

/// The passwords that a sign-in under a name is checked against.
#[derive(Debug, Clone)]
pub struct Challenge {
    display: DisplayName,
    standing: Standing,
    shared: Option<SharedPassword>,
}

/// How the register stands to a name.
#[derive(Debug, Clone)]
enum Standing {
    /// The name is a user's, with this password.
    Account(PasswordHash),
    /// The name is an agent's or a duty's: nobody signs in under it.
    Barred,
    /// The name stands in no register; an error if it is not one that a member can have.
    Free(Result<(), NameError>),
}

/// The result of a challenge. Only the keyring that posed the challenge can use it.
#[derive(Debug, Clone)]
pub struct Verdict {
    display: DisplayName,
    shown: Result<Shown, SignInError>,
}

/// The password that was shown to be known.
#[derive(Debug, Clone)]
enum Shown {
    /// The password behind this hash, of the account of that name.
    Account(PasswordHash),
    /// This shared password.
    Shared(SharedPassword),
}

impl Challenge {
    /// Compares the password. Slow: tens of milliseconds and 19 MiB, on a thread of the caller's.
    ///
    /// The account's own password comes first, then the shared one.
    #[must_use]
    pub fn verify(self, password: &str) -> Verdict {
        let Challenge { display, standing, shared } = self;
        let shared = shared.filter(|shared| shared.matches(password));
        let shown = match standing {
            Standing::Account(hash) if hash.matches(password) => Ok(Shown::Account(hash)),
            Standing::Account(_) => Err(refusal(shared.is_some())),
            Standing::Barred => {
                spend(password);
                Err(refusal(shared.is_some()))
            }
            Standing::Free(name) => {
                spend(password);
                match (shared, name) {
                    (None, _) => Err(SignInError::WrongPassword),
                    (Some(_), Err(error)) => Err(SignInError::Name(error)),
                    (Some(shared), Ok(())) => Ok(Shown::Shared(shared)),
                }
            }
        };
        Verdict { display, shown }
    }
}

impl Keyring {
    /// The challenge for a sign-in under this name. Fast.
    ///
    /// # Errors
    ///
    /// [`SignInError::Name`] when nobody can be called that, whatever the password.
    pub fn challenge(&self, username: &str) -> Result<Challenge, SignInError> {
        let display: DisplayName = username.parse().map_err(SignInError::Name)?;
        let name = display.short();
        let standing = match self.user(&name) {
            Some((_, hash)) => Standing::Account(hash.clone()),
            None if self.knows(&name) => Standing::Barred,
            None => Standing::Free(display.check_new().and_then(|()| self.check_looks(&name))),
        };
        Ok(Challenge { display, standing, shared: self.shared.clone() })
    }

    /// Opens a session for a member who has met the challenge: from now on, and for seven days, the
    /// token stands for this member. Fast.
    ///
    /// # Errors
    ///
    /// [`SignInError`] when the challenge was not met, or when the password or the standing of
    /// the name has changed since.
    pub fn open_session(
        &mut self,
        verdict: Verdict,
        token: &Token,
        now: Timestamp,
    ) -> Result<Member, SignInError> {
        let Verdict { display, shown } = verdict;
        let name = display.short();
        let (bearer, member) = match shown? {
            Shown::Account(shown) => match self.user(&name) {
                Some((member, hash)) if *hash == shown => {
                    (Bearer::Account(member.name.clone()), member.clone())
                }
                _ => return Err(SignInError::WrongPassword),
            },
            Shown::Shared(shown) if self.shared.as_ref() != Some(&shown) => {
                return Err(SignInError::WrongPassword);
            }
            Shown::Shared(_) if self.knows(&name) => return Err(SignInError::Taken),
            Shown::Shared(_) if self.is_confusable(&name, now) => {
                return Err(SignInError::Name(NameError::Confusable));
            }
            Shown::Shared(_) => (Bearer::Shared(display.clone()), plain_member(display)),
        };
        self.sessions.open(token.hash(), bearer, now);
        Ok(member)
    }

    /// Whether people would take the name for one that is given, or for that of somebody who is signed
    /// in with the shared password.
    fn is_confusable(&self, name: &ShortName, now: Timestamp) -> bool {
        self.check_looks(name).is_err()
            || self.sessions.has_shared(now, |other| are_alike(name, other))
    }

    /// Challenge, verification and session in one. Slow, so nothing for a keyring under a lock.
    ///
    /// # Errors
    ///
    /// As [`challenge`](Self::challenge) and [`open_session`](Self::open_session).
    pub fn sign_in(
        &mut self,
        username: &str,
        password: &str,
        now: Timestamp,
        entropy: &mut impl Entropy,
    ) -> Result<(Token, Member), SignInError> {
        let verdict = self.challenge(username)?.verify(password);
        let token = Token::random(entropy);
        let member = self.open_session(verdict, &token, now)?;
        Ok((token, member))
    }

    /// Ends the session of this token; says whether there was one.
    pub fn sign_out(&mut self, token: &Token) -> bool {
        self.sessions.close(&token.hash())
    }

    /// Forgets sessions that have run out and says how many. They opened nothing any more.
    pub fn sweep(&mut self, now: Timestamp) -> usize {
        self.sessions.sweep(now)
    }
}

/// Takes as long as comparing with an account's password does.
fn spend(password: &str) {
    black_box(PasswordHash::decoy().matches(black_box(password)));
}

fn refusal(knows_shared: bool) -> SignInError {
    if knows_shared { SignInError::Taken } else { SignInError::WrongPassword }
}

/// Why somebody is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Nobody can be called that.
    #[error("invalid name: {0}")]
    Name(NameError),
    /// The password is neither the account's nor the shared one, or there is no such account.
    #[error("invalid password")]
    WrongPassword,
    /// The shared password is right, but the name belongs to a registered member.
    #[error("this name is registered, sign in with its own password or under another name")]
    Taken,
}
