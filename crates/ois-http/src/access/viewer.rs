//! The member who asks for an operation, and the proof that came with the request.
//!
//! A [`Viewer`] and an [`Operator`] are made in `access` and nowhere else, so a function that takes
//! one cannot be called for somebody who has proved nothing.

use ois_auth::{Action, Denied, permit};
use ois_protocol::{Member, RoomName, StorePath};

/// A member who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Viewer {
    member: Member,
    proof: Proof,
}

/// How a viewer has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    /// By a token in a header or a cookie; it stands for everything that the member may do.
    Token,
    /// By a ticket in a link; it stands for downloading the file at this path.
    Ticket(StorePath),
}

/// Somebody who runs the server: a request from the server's own host, or a member who administers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operator(());

impl Viewer {
    /// The member whose token was presented.
    pub(super) fn by_token(member: Member) -> Self {
        Self { member, proof: Proof::Token }
    }

    /// The member whose ticket for this path was presented.
    pub(super) fn by_ticket(member: Member, path: StorePath) -> Self {
        Self { member, proof: Proof::Ticket(path) }
    }

    /// The member, whatever the proof is good for.
    pub(crate) fn member(&self) -> &Member {
        &self.member
    }

    /// The member, if the proof and the member's role allow this action.
    ///
    /// # Errors
    /// [`Denied`], which says why not.
    pub(crate) fn may(&self, action: Action) -> Result<&Member, Denied> {
        match &self.proof {
            Proof::Token => permit(&self.member, action).map(|()| &self.member),
            Proof::Ticket(_) => Err(Denied::Ticket),
        }
    }

    /// Whether this file may be downloaded: a ticket is good for its own path only.
    ///
    /// # Errors
    /// [`Denied`], which says why not.
    pub(crate) fn may_download(&self, path: &StorePath) -> Result<(), Denied> {
        match &self.proof {
            Proof::Ticket(own) if own != path => Err(Denied::Ticket),
            Proof::Ticket(_) | Proof::Token => permit(&self.member, Action::Read),
        }
    }

    /// Whether what is in this room may be shown to the viewer: messages, and deliveries, turns,
    /// usage and activity that belong to them.
    pub(crate) fn sees(&self, room: &RoomName) -> bool {
        ois_chat::Roster::sees(&self.member, room)
    }
}

impl Operator {
    /// Somebody whom `access` has recognised as the operator.
    pub(super) fn recognised() -> Self {
        Self(())
    }
}

#[cfg(test)]
mod tests {
    use ois_protocol::{Kind, Role};

    use super::*;

    fn mira(role: Role) -> Member {
        Member::new("Mira".parse().unwrap(), Kind::Human, role)
    }

    fn path(text: &str) -> StorePath {
        text.parse().unwrap()
    }

    #[test]
    fn a_ticket_downloads_its_own_file_and_nothing_else() {
        let viewer = Viewer::by_ticket(mira(Role::Admin), path("docs/plan.md"));
        assert_eq!(viewer.may_download(&path("docs/plan.md")), Ok(()));
        assert_eq!(viewer.may_download(&path("docs/other.md")), Err(Denied::Ticket));
        for action in Action::ALL {
            assert_eq!(viewer.may(action), Err(Denied::Ticket), "{action:?}");
        }
    }

    #[test]
    fn a_token_stands_for_what_the_role_allows() {
        let viewer = Viewer::by_token(mira(Role::Guest));
        assert_eq!(viewer.may_download(&path("docs/plan.md")), Ok(()));
        assert_eq!(viewer.may(Action::Read), Ok(&mira(Role::Guest)));
        assert_eq!(viewer.may(Action::Chat), Err(Denied::Role));
    }
}
