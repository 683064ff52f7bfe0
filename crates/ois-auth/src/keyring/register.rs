//! The register of members: agents with a token, users with a password.
//!
//! Short names are unique over both, and none of them is a duty's name: an address leads to one
//! member or to one duty.

use std::collections::BTreeMap;

use ois_protocol::{DisplayName, Kind, Member, NameError, Role, ShortName, Timestamp};
use serde::{Deserialize, Serialize};

use super::looks::Looks;
use crate::{PasswordHash, TokenHash};

/// All registered members, by short name, and what is remembered from one start to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Register {
    members: BTreeMap<ShortName, Registered>,
    /// The names of members that were removed, with their kinds. A name belongs to its member for
    /// ever: it is given again only to a member of the same kind.
    former: BTreeMap<ShortName, Kind>,
    /// The looks of all names here: of members, of those that were removed, and of duties.
    pub(super) looks: Looks,
    /// When the first administrator was made, or was found not to be needed.
    pub(super) founded: Option<Timestamp>,
    /// The shared password of the last start, kept only to notice that it has changed.
    pub(super) shared: Option<PasswordHash>,
}

/// One registered member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Name, role and duties.
    #[serde(flatten)]
    pub member: Member,
    /// When the member was added.
    pub added: Timestamp,
    /// The hash of the member's token or password.
    pub secret: Secret,
}

/// The hash by which a registered member is recognised. As JSON `{"token":"<64 hex>"}` or `{"password":"$argon2id…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// The hash of an agent's token.
    Token(TokenHash),
    /// The hash of a user's password.
    Password(PasswordHash),
}

impl Secret {
    fn kind(&self) -> Kind {
        match self {
            Secret::Token(_) => Kind::Agent,
            Secret::Password(_) => Kind::Human,
        }
    }
}

/// The description of a member who is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// How the member signs; the first word is the address.
    pub display: DisplayName,
    /// The role, which says what the member may do.
    pub role: Role,
    /// The duties, which say what the member is for.
    pub duties: Vec<ShortName>,
}

impl Register {
    /// All members, in the order of their folded short names.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.members.values()
    }

    /// The member with this short name.
    pub fn find(&self, name: &ShortName) -> Option<&Registered> {
        self.members.get(name)
    }

    pub(super) fn by_token(&self, token: &TokenHash) -> Option<&Member> {
        let known = |one: &&Registered| matches!(&one.secret, Secret::Token(own) if own == token);
        self.iter().find(known).map(|one| &one.member)
    }

    /// Whether this is the name of a member or of a duty.
    pub(super) fn knows(&self, name: &ShortName) -> bool {
        self.members.contains_key(name) || self.has_duty(name)
    }

    /// The kind of the removed member whose name this was.
    pub(super) fn former(&self, name: &ShortName) -> Option<Kind> {
        self.former.get(name).copied()
    }

    fn has_duty(&self, name: &ShortName) -> bool {
        self.iter().any(|one| one.member.duties.contains(name))
    }

    /// All names of members, of removed members, and of duties.
    fn names(&self) -> impl Iterator<Item = &ShortName> {
        let duties = self.iter().flat_map(|one| &one.member.duties);
        self.members.keys().chain(self.former.keys()).chain(duties)
    }

    pub(super) fn add(
        &mut self,
        new: NewMember,
        secret: Secret,
        now: Timestamp,
    ) -> Result<Member, AddError> {
        let name = new.display.short();
        match self.former(&name) {
            // The member returns, under a name that passed once.
            Some(kind) if kind == secret.kind() => {}
            Some(_) => return Err(AddError::Former(name)),
            None => {
                new.display.check_new()?;
                self.check_looks(&name)?;
            }
        }
        if self.members.contains_key(&name) {
            return Err(AddError::Taken(name));
        }
        if self.has_duty(&name) {
            return Err(AddError::IsDuty(name));
        }
        for duty in &new.duties {
            let is_taken = self.members.contains_key(duty) || self.former(duty).is_some();
            if duty.check_new().is_err() || *duty == name || is_taken {
                return Err(AddError::Duty(duty.clone()));
            }
            if !self.has_duty(duty) {
                self.check_looks(duty)?;
            }
        }
        let mut member = Member::new(new.display, secret.kind(), new.role);
        member.duties = new.duties;
        self.former.remove(&name);
        std::iter::once(&name).chain(&member.duties).for_each(|name| self.looks.insert(name));
        self.members.insert(name, Registered { member: member.clone(), added: now, secret });
        Ok(member)
    }

    pub(super) fn remove(&mut self, kind: Kind, name: &ShortName) -> Result<Member, ChangeError> {
        self.of_kind(kind, name)?;
        let removed = self.members.remove(name);
        self.former.insert(name.clone(), kind);
        self.looks = self.names().collect();
        removed.map(|one| one.member).ok_or_else(|| ChangeError::Unknown(name.clone()))
    }

    /// Replaces a member's hash with one of the same sort.
    pub(super) fn renew(
        &mut self,
        name: &ShortName,
        secret: Secret,
    ) -> Result<Member, ChangeError> {
        let one = self.of_kind(secret.kind(), name)?;
        one.secret = secret;
        Ok(one.member.clone())
    }

    fn check_looks(&self, name: &ShortName) -> Result<(), AddError> {
        match self.looks.alike(name) {
            Some(other) => Err(AddError::LooksLike(name.clone(), other.clone())),
            None => Ok(()),
        }
    }

    fn of_kind(&mut self, kind: Kind, name: &ShortName) -> Result<&mut Registered, ChangeError> {
        let one = self.members.get_mut(name).filter(|one| one.member.kind == kind);
        one.ok_or_else(|| ChangeError::Unknown(name.clone()))
    }
}

/// Why somebody was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// Nobody new may be called that.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is such an agent or user, or one that differs only in case or width.
    #[error("the name {0} is taken")]
    Taken(ShortName),
    /// Somebody has a duty of this name.
    #[error("{0} is the name of a duty")]
    IsDuty(ShortName),
    /// The name, which is the first, would be taken for the second one, which is given or reserved.
    #[error("{0} looks like {1}, which is given already")]
    LooksLike(ShortName, ShortName),
    /// The name was that of a removed member of the other kind.
    #[error("{0} was the name of another member, and its messages bear it")]
    Former(ShortName),
    /// A duty has the name of a member or a removed one, a reserved one, or one with characters that
    /// nobody sees.
    #[error("no duty can be called {0}")]
    Duty(ShortName),
}

/// Why a member was not changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The register has no agent, or no user, of this name.
    #[error("there is no {0} in the register")]
    Unknown(ShortName),
    /// It stands in the settings, which are not the register's to change.
    #[error("{0} is set by AGENT_TOKENS, change it there")]
    Configured(ShortName),
}

/// The register as JSON:
/// `{"members":[{"name","display","kind","role","duties"?,"added","secret"}…],"former"?,"founded"?,"shared"?}`,
/// where `former` is `[{"name","kind"}…]`.
#[derive(Serialize, Deserialize)]
struct Written {
    members: Vec<Registered>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<Former>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    founded: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shared: Option<PasswordHash>,
}

/// A member that was removed.
#[derive(Serialize, Deserialize)]
struct Former {
    name: ShortName,
    kind: Kind,
}

impl From<Register> for Written {
    fn from(register: Register) -> Written {
        let members = register.members.into_values().collect();
        let former = register.former.into_iter().map(|(name, kind)| Former { name, kind });
        let (founded, shared) = (register.founded, register.shared);
        Written { members, former: former.collect(), founded, shared }
    }
}

impl TryFrom<Written> for Register {
    type Error = RegisterError;

    fn try_from(written: Written) -> Result<Register, RegisterError> {
        let mut members = BTreeMap::new();
        for one in written.members {
            let name = one.member.name.clone();
            if one.member.kind != one.secret.kind() {
                return Err(RegisterError::Secret(name));
            }
            if members.insert(name.clone(), one).is_some() {
                return Err(RegisterError::Twice(name));
            }
        }
        let former = written.former.into_iter().map(|one| (one.name, one.kind));
        let former = former.filter(|(name, _)| !members.contains_key(name)).collect();
        let (founded, shared) = (written.founded, written.shared);
        let mut register = Register { members, former, looks: Looks::default(), founded, shared };
        register.looks = register.names().collect();
        Ok(register)
    }
}

/// The error for a register that was read and is not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Two members have one short name.
    #[error("{0} stands twice in the register")]
    Twice(ShortName),
    /// An agent with a password or a user with a token.
    #[error("{0} in the register has the secret of another kind of member")]
    Secret(ShortName),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Token;

    const NOON: Timestamp = Timestamp::from_ms(1_770_379_200_000);

    fn name(text: &str) -> ShortName {
        text.parse().unwrap()
    }

    fn add(register: &mut Register, display: &str, duties: &[&str]) -> Result<Member, AddError> {
        let duties = duties.iter().map(|duty| name(duty)).collect();
        let new = NewMember { display: display.parse().unwrap(), role: Role::Agent, duties };
        register.add(new, Secret::Token(Token::parse(display).unwrap().hash()), NOON)
    }

    #[test]
    fn a_name_is_given_once_whatever_its_case_and_width() {
        let mut register = Register::default();
        add(&mut register, "ARIA 🎵", &[]).unwrap();
        for other in ["aria", "ＡＲＩＡ two"] {
            assert!(matches!(add(&mut register, other, &[]), Err(AddError::Taken(_))), "{other}");
        }
    }

    #[test]
    fn reserved_names_and_names_of_emoji_are_nobodys() {
        let mut register = Register::default();
        for reserved in ["all", "ALL of us", "所有人", "One", "fyi", "OIS 🐱", "one:x"] {
            let refused = add(&mut register, reserved, &[]);
            assert_eq!(refused, Err(AddError::Name(NameError::Reserved)), "{reserved}");
        }
        assert_eq!(add(&mut register, "🐱", &[]), Err(AddError::Name(NameError::NoLetter)));
    }

    #[test]
    fn no_name_is_both_a_members_and_a_dutys() {
        let mut register = Register::default();
        add(&mut register, "Aria", &["reviewer"]).unwrap();
        assert_eq!(add(&mut register, "Reviewer", &[]), Err(AddError::IsDuty(name("reviewer"))));
        for duty in ["aria", "bob", "all", "ois", "one:bob"] {
            assert_eq!(add(&mut register, "Bob", &[duty]), Err(AddError::Duty(name(duty))));
        }
        assert!(add(&mut register, "Bob", &["reviewer"]).is_ok());
    }

    #[test]
    fn a_name_that_looks_like_another_is_refused_and_pairs_that_exist_are_read() {
        let mut register = Register::default();
        add(&mut register, "HKH 🐱", &["reviewer"]).unwrap();
        for other in ["НКН", "HKH🌸", "rеviewer"] {
            let refused = add(&mut register, other, &[]);
            assert!(matches!(refused, Err(AddError::LooksLike(..))), "{other}: {refused:?}");
        }
        let refused = add(&mut register, "Bob", &["rеviewer"]);
        assert!(matches!(refused, Err(AddError::LooksLike(..))), "{refused:?}");
        assert_eq!(
            add(&mut register, "Bob", &["a\u{3164}b"]),
            Err(AddError::Duty(name("a\u{3164}b")))
        );

        let mut json = serde_json::to_value(&register).unwrap();
        let mut second = json["members"][0].clone();
        second["name"] = "НКН".into();
        json["members"].as_array_mut().unwrap().push(second);
        let register = serde_json::from_value::<Register>(json).unwrap();
        assert_eq!(register.iter().count(), 2);
        assert_eq!(register.looks.pairs().len(), 1);
    }

    #[test]
    fn the_name_of_a_removed_member_is_given_to_nobody_else() {
        let mut register = Register::default();
        add(&mut register, "Aria", &[]).unwrap();
        register.remove(Kind::Agent, &name("aria")).unwrap();
        let json = serde_json::to_value(&register).unwrap();
        assert_eq!(json["former"], serde_json::json!([{"name": "aria", "kind": "agent"}]));
        let mut register: Register = serde_json::from_value(json).unwrap();

        let user =
            NewMember { display: "Aria".parse().unwrap(), role: Role::Member, duties: vec![] };
        let password = Secret::Password(PasswordHash::decoy());
        assert_eq!(register.add(user, password, NOON), Err(AddError::Former(name("aria"))));
        assert_eq!(add(&mut register, "Bob", &["aria"]), Err(AddError::Duty(name("aria"))));
        assert!(matches!(add(&mut register, "Аria", &[]), Err(AddError::LooksLike(..))));
        add(&mut register, "ARIA 🎵", &[]).unwrap();
        assert_eq!(register.former(&name("aria")), None);
    }

    #[test]
    fn it_is_written_as_documented_and_read_back() {
        let mut register = Register::default();
        add(&mut register, "Aria 🎵", &["reviewer"]).unwrap();
        let json = serde_json::to_value(&register).unwrap();
        let hash = Token::parse("Aria 🎵").unwrap().hash().to_string();
        let expected = serde_json::json!({"members": [{
            "name": "Aria", "display": "Aria 🎵", "kind": "agent", "role": "agent",
            "duties": ["reviewer"], "added": "2026-02-06T12:00:00.000Z", "secret": {"token": hash},
        }]});
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Register>(json).unwrap(), register);
    }

    #[test]
    fn a_register_with_a_member_twice_or_of_the_wrong_kind_is_not_read() {
        let mut register = Register::default();
        add(&mut register, "Aria", &[]).unwrap();
        let mut json = serde_json::to_value(&register).unwrap();
        let mut second = json["members"][0].clone();
        second["name"] = "ARIA".into();
        json["members"].as_array_mut().unwrap().push(second);
        let twice = serde_json::from_value::<Register>(json.clone()).unwrap_err();
        assert!(twice.to_string().contains("stands twice"), "{twice}");

        json["members"].as_array_mut().unwrap().pop();
        json["members"][0]["kind"] = "human".into();
        let wrong = serde_json::from_value::<Register>(json).unwrap_err();
        assert!(wrong.to_string().contains("secret of another kind"), "{wrong}");
    }

    #[test]
    fn a_member_is_removed_by_name_and_kind() {
        let mut register = Register::default();
        add(&mut register, "Aria", &[]).unwrap();
        assert!(register.remove(Kind::Human, &name("aria")).is_err());
        assert_eq!(register.remove(Kind::Agent, &name("aria")).unwrap().name, name("Aria"));
        assert!(register.find(&name("aria")).is_none());
    }
}
