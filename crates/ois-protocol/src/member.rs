//! Who belongs to the team.

use serde::{Deserialize, Serialize};

use crate::name::{DisplayName, ShortName};

/// A person or a program. The page and the packet tell them apart everywhere.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::Kind::Human).unwrap(), r#""human""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person, at the page or another client.
    Human,
    /// A program that is woken when it is mentioned.
    Agent,
}

/// What a member may do. What each role allows is `ois-auth`'s to say.
///
/// ```
/// assert_eq!(serde_json::from_str::<ois_protocol::Role>(r#""guest""#).unwrap(), ois_protocol::Role::Guest);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Chat and files.
    Member,
    /// Chat, files and reports on its own deliveries.
    Agent,
    /// Reads.
    Guest,
}

/// Somebody the server knows and has authenticated, or could.
///
/// ```
/// use ois_protocol::{Kind, Member, Role};
/// let member = Member::new("HKH 🐱".parse().unwrap(), Kind::Agent, Role::Agent);
/// assert_eq!(member.name.as_str(), "HKH");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// How the member is addressed; unique in the team.
    pub name: ShortName,
    /// How the member signs.
    pub display: DisplayName,
    /// Person or program.
    pub kind: Kind,
    /// What the member may do.
    pub role: Role,
    /// What the member is for, for example `reviewer`: addressed as `@reviewer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<ShortName>,
}

impl Member {
    /// A member without duties, addressed by the first word of its name.
    pub fn new(display: DisplayName, kind: Kind, role: Role) -> Self {
        Self { name: display.short(), display, kind, role, duties: Vec::new() }
    }

    /// Whether this is a program.
    pub fn is_agent(&self) -> bool {
        self.kind == Kind::Agent
    }
}
