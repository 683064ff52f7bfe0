//! Adding, changing and removing members.

use ois_protocol::{Kind, Member, ShortName, Timestamp};

use super::looks::are_alike;
use crate::{AddError, ChangeError, Keyring, NewMember, PasswordHash, Secret, TokenHash};

impl Keyring {
    /// Registers an agent, to be recognised by the token with this hash. An invitation is this
    /// with a fresh token.
    ///
    /// # Errors
    ///
    /// [`AddError`] when the name or a duty cannot be given.
    pub fn add_agent(
        &mut self,
        new: NewMember,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Member, AddError> {
        self.add(new, Secret::Token(token), now)
    }

    /// Registers a user. Ends sessions that others opened with the shared password under this name
    /// or one that looks like it.
    ///
    /// # Errors
    ///
    /// [`AddError`] when the name or a duty cannot be given.
    pub fn add_user(
        &mut self,
        new: NewMember,
        password: PasswordHash,
        now: Timestamp,
    ) -> Result<Member, AddError> {
        self.add(new, Secret::Password(password), now)
    }

    /// Removes an agent or a user and ends their sessions.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] when the register has no such agent or user.
    pub fn remove(&mut self, kind: Kind, name: &ShortName) -> Result<Member, ChangeError> {
        self.changeable(name)?;
        let member = self.register.remove(kind, name)?;
        self.sessions.close_all_of(name);
        Ok(member)
    }

    /// Gives a user another password and ends their sessions.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] when the register has no such user.
    pub fn reset_password(
        &mut self,
        name: &ShortName,
        password: PasswordHash,
    ) -> Result<Member, ChangeError> {
        self.changeable(name)?;
        let member = self.register.renew(name, Secret::Password(password))?;
        self.sessions.close_all_of(name);
        Ok(member)
    }

    /// Gives an agent another token; the old one is nobody's from now on.
    ///
    /// # Errors
    ///
    /// [`ChangeError`] when the register has no such agent.
    pub fn reset_token(
        &mut self,
        name: &ShortName,
        token: TokenHash,
    ) -> Result<Member, ChangeError> {
        self.changeable(name)?;
        self.register.renew(name, Secret::Token(token))
    }

    fn add(&mut self, new: NewMember, secret: Secret, now: Timestamp) -> Result<Member, AddError> {
        let name = new.display.short();
        if self.is_configured(&name) {
            return Err(AddError::Taken(name));
        }
        if let Some(duty) = new.duties.iter().find(|duty| self.is_configured(duty)) {
            return Err(AddError::Duty(duty.clone()));
        }
        for given in std::iter::once(&name).chain(&new.duties) {
            if let Some(other) = self.configured_looks.alike(given) {
                return Err(AddError::LooksLike(given.clone(), other.clone()));
            }
        }
        let member = self.register.add(new, secret, now)?;
        self.sessions.close_all_of(&name);
        for duty in &member.duties {
            self.sessions.close_all_of(duty);
        }
        let given = || std::iter::once(&name).chain(&member.duties);
        self.sessions.close_shared_where(|other| given().any(|name| are_alike(name, other)));
        Ok(member)
    }

    fn changeable(&self, name: &ShortName) -> Result<(), ChangeError> {
        if self.is_configured(name) {
            return Err(ChangeError::Configured(name.clone()));
        }
        Ok(())
    }
}
