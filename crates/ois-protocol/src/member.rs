//! The members of a team, their kinds and their roles.

use serde::{Deserialize, Serialize};

use crate::name::{DisplayName, ShortName};

/// Whether a member is a person or a program. The page and the wake packet tell the two apart
/// everywhere.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::Kind::Human).unwrap(), r#""human""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person, who uses the page or another client.
    Human,
    /// A program that is woken when it is mentioned.
    Agent,
}

/// What a member may do. `ois-auth` defines what each role allows.
///
/// ```
/// assert_eq!(serde_json::from_str::<ois_protocol::Role>(r#""guest""#).unwrap(), ois_protocol::Role::Guest);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The member may do everything.
    Admin,
    /// The member may chat and use files.
    Member,
    /// The member may chat, use files, and report on its own deliveries.
    Agent,
    /// The member may only read.
    Guest,
}

/// A person or a program that the server knows and has authenticated, or could authenticate.
///
/// ```
/// use ois_protocol::{Kind, Member, Role};
/// let member = Member::new("HKH 🐱".parse().unwrap(), Kind::Agent, Role::Agent);
/// assert_eq!(member.name.as_str(), "HKH");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The short name by which the member is addressed; unique in the team.
    pub name: ShortName,
    /// The display name under which the member writes.
    pub display: DisplayName,
    /// Whether the member is a person or a program.
    pub kind: Kind,
    /// What the member may do.
    pub role: Role,
    /// The duties of the member, for example `reviewer`, which is addressed as `@reviewer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<ShortName>,
}

impl Member {
    /// Creates a member without duties, addressed by the first word of its name.
    pub fn new(display: DisplayName, kind: Kind, role: Role) -> Self {
        Self { name: display.short(), display, kind, role, duties: Vec::new() }
    }

    /// Whether the member is a program.
    pub fn is_agent(&self) -> bool {
        self.kind == Kind::Agent
    }
}
