//! What a role may do, in one table.

use ois_protocol::Role;

/// Something that a member asks for, as far as rights tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read the chat, the files and the list of members.
    Read,
    /// Say something in the chat, with what is attached to it.
    Chat,
    /// Write, rename, upload and remove files.
    WriteFiles,
    /// Report how far a mention has come and what a runtime does.
    Deliver,
    /// Add, change and remove members, and read what is the operator's: metrics, audit.
    Administer,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 5] =
        [Action::Read, Action::Chat, Action::WriteFiles, Action::Deliver, Action::Administer];
}

/// Whether somebody in this role may do this.
///
/// | role | read | chat | write files | deliver | administer |
/// |---|---|---|---|---|---|
/// | admin | yes | yes | yes | yes | yes |
/// | member | yes | yes | yes | no | no |
/// | agent | yes | yes | yes | yes | no |
/// | guest | yes | no | no | no | no |
///
/// ```
/// use ois_auth::{Action, may};
/// use ois_protocol::Role;
///
/// assert!(may(Role::Guest, Action::Read));
/// assert!(!may(Role::Guest, Action::Chat));
/// ```
pub fn may(role: Role, action: Action) -> bool {
    match role {
        Role::Admin => true,
        Role::Member => matches!(action, Action::Read | Action::Chat | Action::WriteFiles),
        Role::Agent => action != Action::Administer,
        Role::Guest => action == Action::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_what_the_table_says_and_no_more() {
        let table = [
            (Role::Admin, [true, true, true, true, true]),
            (Role::Member, [true, true, true, false, false]),
            (Role::Agent, [true, true, true, true, false]),
            (Role::Guest, [true, false, false, false, false]),
        ];
        for (role, rights) in table {
            assert_eq!(Action::ALL.map(|action| may(role, action)), rights, "{role:?}");
        }
    }
}
