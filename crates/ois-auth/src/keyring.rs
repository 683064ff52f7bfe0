//! The keyring: which member a token or a password stands for.
//!
//! A [`Keyring`] holds the [`Register`], the agents of the settings, the shared password and the
//! [`Sessions`]. Register and sessions are plain data with serde: the server keeps both after
//! each change and hands them back at the next start; the rest it reads from its settings. No
//! token and no password is in there, only hashes.
//!
//! Removing somebody, or giving them a new password, ends their sessions. Connections that are
//! open at that moment are the server's to close.

pub(crate) mod agent_tokens;
mod change;
mod looks;
pub(crate) mod register;
pub(crate) mod sessions;
pub(crate) mod sign_in;

use looks::Looks;
use ois_protocol::{DisplayName, Kind, Member, NameError, Role, ShortName, Timestamp};

use crate::{
    AddError, AgentTokens, AgentTokensError, AgentTokensFault, Bearer, Entropy, NewMember,
    PasswordHash, Register, Secret, Sessions, SharedPassword, Token, generate_password,
};

/// Everybody the server could recognise.
///
/// ```
/// use ois_auth::{AgentTokens, Keyring, Register, Sessions, Token};
/// use ois_protocol::Timestamp;
///
/// let mut keyring = Keyring::new(Register::default(), Sessions::default());
/// keyring.configure(AgentTokens::parse("s3cret:HKH 🐱")?)?;
/// let token = Token::parse("s3cret")?;
/// assert_eq!(keyring.whose(&token, Timestamp::from_ms(0)).unwrap().name.as_str(), "HKH");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    register: Register,
    configured: AgentTokens,
    /// The looks of the names of `configured`.
    configured_looks: Looks,
    shared: Option<SharedPassword>,
    sessions: Sessions,
}

/// Setting up, at the start.
impl Keyring {
    /// The name of the first administrator.
    pub const FIRST_ADMIN: &str = "admin";

    /// What was kept from the last run, or twice the default at the first start.
    pub fn new(register: Register, sessions: Sessions) -> Keyring {
        let mut keyring = Keyring { register, sessions, ..Keyring::default() };
        keyring.close_confusable();
        keyring
    }

    /// Makes the user [`admin`](Self::FIRST_ADMIN) with a generated password and returns that, to
    /// be shown once. Does so at the first start only, and only if there is no administrator.
    /// Slow: hashes once.
    ///
    /// # Errors
    ///
    /// [`AddError::Taken`] or [`AddError::IsDuty`] when somebody who is no administrator has that
    /// name. The next start tries again.
    pub fn first_admin(
        &mut self,
        now: Timestamp,
        entropy: &mut impl Entropy,
    ) -> Result<Option<String>, AddError> {
        if self.register.founded.is_some() {
            return Ok(None);
        }
        let mut password = None;
        if !self.register.iter().any(|one| one.member.role == Role::Admin) {
            let display = Self::FIRST_ADMIN.parse()?;
            let generated = generate_password(entropy);
            let hash = PasswordHash::unchecked(&generated, entropy);
            let new = NewMember { display, role: Role::Admin, duties: Vec::new() };
            self.add_user(new, hash, now)?;
            password = Some(generated);
        }
        self.register.founded = Some(now);
        Ok(password)
    }

    /// Takes over the agents of the settings, in place of those taken over before.
    ///
    /// # Errors
    ///
    /// [`AgentTokensFault::Registered`] for the first one whose short name is in the register;
    /// then none is taken over.
    pub fn configure(&mut self, agents: AgentTokens) -> Result<(), AgentTokensError> {
        let is_given =
            |name| self.register.knows(name) || self.register.former(name) == Some(Kind::Human);
        let known = agents.0.iter().position(|(_, agent)| is_given(&agent.name));
        if let Some(index) = known {
            let fault = AgentTokensFault::Registered;
            return Err(AgentTokensError { position: index + 1, fault });
        }
        for (_, agent) in &agents.0 {
            self.sessions.close_all_of(&agent.name);
        }
        self.configured_looks = agents.0.iter().map(|(_, agent)| &agent.name).collect();
        self.configured = agents;
        self.close_confusable();
        Ok(())
    }

    /// The given names that would not be given today, for the operator: older versions gave them, and
    /// their members keep them.
    pub fn doubtful_names(&self) -> Vec<DoubtfulName> {
        let looks: Looks = self.given().collect();
        let pairs = looks.pairs().into_iter();
        let pairs = pairs.map(|(one, other)| DoubtfulName::LooksLike(one.clone(), other.clone()));
        let unseen = self.given().filter(|name| name.check_new() == Err(NameError::Character));
        pairs.chain(unseen.cloned().map(DoubtfulName::Unseen)).collect()
    }

    /// The names of all members and their duties.
    fn given(&self) -> impl Iterator<Item = &ShortName> {
        self.members().flat_map(|member| std::iter::once(&member.name).chain(&member.duties))
    }

    /// Ends the sessions that were opened with the shared password under names that look like given
    /// ones.
    fn close_confusable(&mut self) {
        let (register, configured) = (&self.register.looks, &self.configured_looks);
        self.sessions.close_shared_where(|name| {
            register.alike(name).is_some() || configured.alike(name).is_some()
        });
    }

    /// Sets the password that the team shares, or none, which an empty one counts as. If it is not that of the last start,
    /// everybody who had signed in with that one has to sign in again. Slow: hashes up to twice.
    pub fn share(&mut self, password: Option<&str>, entropy: &mut impl Entropy) {
        let password = password.filter(|text| !text.is_empty());
        let known = match (&self.register.shared, password) {
            (Some(hash), Some(password)) => hash.matches(password),
            (None, None) => true,
            _ => false,
        };
        if !known {
            self.sessions.close_shared();
            self.register.shared = password.map(|text| PasswordHash::unchecked(text, entropy));
        }
        self.shared = password.map(SharedPassword::new);
    }

    /// The members who are registered, for the record that keeps them.
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// The sessions that are open, for the record that keeps them.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

/// Questions, none of which changes the keyring.
impl Keyring {
    /// The member whom this session token stands for, as the frame `auth` takes it.
    pub fn session(&self, token: &Token, now: Timestamp) -> Option<Member> {
        match self.sessions.bearer(&token.hash(), now)? {
            Bearer::Account(name) => self.user(name).map(|(member, _)| member.clone()),
            Bearer::Shared(display) => {
                let free = self.shared.is_some() && !self.knows(&display.short());
                free.then(|| plain_member(display.clone()))
            }
        }
    }

    /// The member whom this agent token stands for, as the frame `agent_auth` takes it.
    pub fn agent(&self, token: &Token) -> Option<Member> {
        let hash = token.hash();
        let configured = self.configured.0.iter().find(|(own, _)| *own == hash);
        configured.map(|(_, member)| member).or_else(|| self.register.by_token(&hash)).cloned()
    }

    /// The member whom this token of either sort stands for, as HTTP takes it.
    pub fn whose(&self, token: &Token, now: Timestamp) -> Option<Member> {
        self.session(token, now).or_else(|| self.agent(token))
    }

    /// All agents and users, those of the register in the order of their names, then those of
    /// the settings in theirs. A person who signed in with the shared password is not among them.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        let registered = self.register.iter().map(|one| &one.member);
        registered.chain(self.configured())
    }

    /// The agents of the settings, in their order.
    pub fn configured(&self) -> impl Iterator<Item = &Member> {
        self.configured.0.iter().map(|(_, member)| member)
    }

    /// The agent or user with this short name.
    pub fn member(&self, name: &ShortName) -> Option<&Member> {
        self.members().find(|member| member.name == *name)
    }

    fn user(&self, name: &ShortName) -> Option<(&Member, &PasswordHash)> {
        let one = self.register.find(name)?;
        match &one.secret {
            Secret::Password(hash) => Some((&one.member, hash)),
            Secret::Token(_) => None,
        }
    }

    /// Whether the name belongs to a member or a duty, or did to a member that was removed.
    fn knows(&self, name: &ShortName) -> bool {
        let is_former = self.register.former(name).is_some();
        is_former || self.register.knows(name) || self.is_configured(name)
    }

    /// Checks that people do not take the name for one that is given or reserved.
    fn check_looks(&self, name: &ShortName) -> Result<(), NameError> {
        let alike = self.register.looks.alike(name).or_else(|| self.configured_looks.alike(name));
        if alike.is_some() { Err(NameError::Confusable) } else { Ok(()) }
    }

    fn is_configured(&self, name: &ShortName) -> bool {
        self.configured().any(|agent| agent.name == *name)
    }
}

/// A name that was given by an older version and would not be given today.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DoubtfulName {
    /// People take the two names for each other.
    #[error("the names {0} and {1} look alike")]
    LooksLike(ShortName, ShortName),
    /// The name holds characters that nobody sees.
    #[error("the name {0:?} holds characters that cannot be seen")]
    Unseen(ShortName),
}

/// The member for somebody who signed in with the shared password.
fn plain_member(display: DisplayName) -> Member {
    Member::new(display, Kind::Human, Role::Member)
}

#[cfg(test)]
mod tests;
