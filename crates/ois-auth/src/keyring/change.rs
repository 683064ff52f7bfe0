//! Adding, changing and removing members.

use ois_protocol::{Kind, Member, ShortName, Timestamp};

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

    /// Registers a user. Ends sessions that others opened under this name with the shared
    /// password.
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
        let member = self.register.add(new, secret, now)?;
        self.sessions.close_all_of(&name);
        for duty in &member.duties {
            self.sessions.close_all_of(duty);
        }
        Ok(member)
    }

    fn changeable(&self, name: &ShortName) -> Result<(), ChangeError> {
        if self.is_configured(name) {
            return Err(ChangeError::Configured(name.clone()));
        }
        Ok(())
    }
}
