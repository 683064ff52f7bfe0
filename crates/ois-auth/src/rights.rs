//! What a member may do, in one table.

use ois_protocol::{Kind, Member, Role};

/// Something that a member wants to do, as far as rights tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Read the chat, the files and the list of members.
    Read,
    /// Send messages to the chat, with attachments.
    Chat,
    /// Write, rename, upload and remove files.
    WriteFiles,
    /// Report how far a mention has come and what a runtime does.
    Deliver,
    /// Direct agents: stop a turn, drive a delivery again. This costs money or undoes a decision, so
    /// only people do it.
    Direct,
    /// Add, change and remove members, set budgets, and read what is the operator's: metrics, audit.
    Administer,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 6] = [
        Action::Read,
        Action::Chat,
        Action::WriteFiles,
        Action::Deliver,
        Action::Direct,
        Action::Administer,
    ];
}

/// Why a member may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The member's role does not include the action.
    #[error("your role does not allow this")]
    Role,
    /// The action is for people, and the member is an agent.
    #[error("a person decides this")]
    NotAPerson,
    /// The member is known by a ticket, which is good for downloading one file and nothing else.
    #[error("a ticket downloads one file and nothing else")]
    Ticket,
}

/// Whether a role includes an action.
///
/// | role | read | chat | write files | deliver | direct | administer |
/// |---|---|---|---|---|---|---|
/// | admin | yes | yes | yes | yes | yes | yes |
/// | member | yes | yes | yes | no | yes | no |
/// | agent | yes | yes | yes | yes | no | no |
/// | guest | yes | no | no | no | no | no |
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
        Role::Member => {
            matches!(action, Action::Read | Action::Chat | Action::WriteFiles | Action::Direct)
        }
        Role::Agent => {
            matches!(action, Action::Read | Action::Chat | Action::WriteFiles | Action::Deliver)
        }
        Role::Guest => action == Action::Read,
    }
}

/// Whether this member may do this, by role and by kind.
///
/// ```
/// use ois_auth::{Action, Denied, permit};
/// use ois_protocol::{Kind, Member, Role};
///
/// let aria = Member::new("ARIA".parse().unwrap(), Kind::Agent, Role::Admin);
/// assert_eq!(permit(&aria, Action::Administer), Ok(()));
/// assert_eq!(permit(&aria, Action::Direct), Err(Denied::NotAPerson));
/// ```
///
/// # Errors
/// [`Denied`], which says why not.
pub fn permit(member: &Member, action: Action) -> Result<(), Denied> {
    if action == Action::Direct && member.kind != Kind::Human {
        return Err(Denied::NotAPerson);
    }
    if may(member.role, action) { Ok(()) } else { Err(Denied::Role) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_what_the_table_says_and_no_more() {
        let table = [
            (Role::Admin, [true, true, true, true, true, true]),
            (Role::Member, [true, true, true, false, true, false]),
            (Role::Agent, [true, true, true, true, false, false]),
            (Role::Guest, [true, false, false, false, false, false]),
        ];
        for (role, rights) in table {
            assert_eq!(Action::ALL.map(|action| may(role, action)), rights, "{role:?}");
        }
    }

    #[test]
    fn an_agent_in_any_role_directs_nobody() {
        for role in [Role::Admin, Role::Member, Role::Agent, Role::Guest] {
            let agent = Member::new("ARIA".parse().unwrap(), Kind::Agent, role);
            assert_eq!(permit(&agent, Action::Direct), Err(Denied::NotAPerson), "{role:?}");
            assert_eq!(permit(&agent, Action::Read), Ok(()), "{role:?}");
        }
    }

    #[test]
    fn a_person_is_refused_by_role() {
        let person = |role| Member::new("Mira".parse().unwrap(), Kind::Human, role);
        assert_eq!(permit(&person(Role::Member), Action::Direct), Ok(()));
        assert_eq!(permit(&person(Role::Guest), Action::Direct), Err(Denied::Role));
        assert_eq!(permit(&person(Role::Member), Action::Administer), Err(Denied::Role));
    }
}
