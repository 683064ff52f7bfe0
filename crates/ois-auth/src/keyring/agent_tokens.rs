//! `AGENT_TOKENS`: agents that stand in the settings, `token:Display Name,token:Display Name`.
//!
//! Entries end at `,`, are split at their first `:` and trimmed. What is wrong with one is said
//! by its position, never with its text: that may be a token.

use ois_protocol::{DisplayName, Kind, Member, NameError, Role};

use crate::{Token, TokenError, TokenHash};

/// The agents of the settings, in their order, no two with the same token or short name.
#[derive(Debug, Clone, Default)]
pub struct AgentTokens(pub(super) Vec<(TokenHash, Member)>);

impl AgentTokens {
    /// Reads the setting. A blank text has no entries; otherwise none of them may be empty, not
    /// even behind a last comma. A name of emoji only or with characters that nobody sees is taken,
    /// since deployed agents have some.
    ///
    /// ```
    /// use ois_auth::AgentTokens;
    /// assert!(AgentTokens::parse("s3cret:HKH 🐱, other:ARIA").is_ok());
    /// let error = AgentTokens::parse("s3cret:HKH,s3cret:ARIA").unwrap_err();
    /// assert_eq!(error.to_string(), "entry 2 of AGENT_TOKENS has the token of entry 1");
    /// ```
    ///
    /// # Errors
    ///
    /// [`AgentTokensError`] for the first entry that is empty, malformed or a repetition.
    pub fn parse(text: &str) -> Result<AgentTokens, AgentTokensError> {
        let mut agents = AgentTokens::default();
        if text.trim().is_empty() {
            return Ok(agents);
        }
        for (index, entry) in text.split(',').enumerate() {
            let entry = agents.entry(entry);
            agents.0.push(entry.map_err(|fault| AgentTokensError { position: index + 1, fault })?);
        }
        Ok(agents)
    }

    fn entry(&self, text: &str) -> Result<(TokenHash, Member), AgentTokensFault> {
        if text.trim().is_empty() {
            return Err(AgentTokensFault::Empty);
        }
        let (token, name) = text.split_once(':').ok_or(AgentTokensFault::NoColon)?;
        let token = Token::parse(token.trim()).map_err(AgentTokensFault::Token)?.hash();
        let display: DisplayName = name.parse().map_err(AgentTokensFault::Name)?;
        // Deployed agents have names with other faults; `Keyring::doubtful_names` tells the operator.
        if let Err(error @ NameError::Reserved) = display.check_new() {
            return Err(AgentTokensFault::Name(error));
        }
        let member = Member::new(display, Kind::Agent, Role::Agent);
        for (index, (other_token, other)) in self.0.iter().enumerate() {
            if *other_token == token {
                return Err(AgentTokensFault::RepeatedToken(index + 1));
            }
            if other.name == member.name {
                return Err(AgentTokensFault::RepeatedName(index + 1));
            }
        }
        Ok((token, member))
    }
}

/// An entry of `AGENT_TOKENS` that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {position} of AGENT_TOKENS {fault}")]
pub struct AgentTokensError {
    /// Which entry it is, counted from 1.
    pub position: usize,
    /// What is wrong with the entry.
    pub fault: AgentTokensFault,
}

/// What is wrong with an entry of `AGENT_TOKENS`. Other entries are named by their position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentTokensFault {
    /// Nothing between two commas.
    #[error("is empty")]
    Empty,
    /// Nothing says where the token ends and the name begins.
    #[error("has no colon between token and name")]
    NoColon,
    /// The token cannot be one.
    #[error("cannot be used: {0}")]
    Token(TokenError),
    /// The name cannot be one.
    #[error("cannot be used: {0}")]
    Name(NameError),
    /// An earlier entry has this token.
    #[error("has the token of entry {0}")]
    RepeatedToken(usize),
    /// An earlier entry has this short name.
    #[error("has the short name of entry {0}")]
    RepeatedName(usize),
    /// Somebody in the register, or a duty there, has this short name.
    #[error("has a short name that is in the register already")]
    Registered,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> (usize, AgentTokensFault) {
        let error = AgentTokens::parse(text).unwrap_err();
        (error.position, error.fault)
    }

    #[test]
    fn entries_are_trimmed_and_split_at_the_first_colon() {
        let agents = AgentTokens::parse(" t1 : HKH 🐱 ,t2:a:b").unwrap().0;
        assert_eq!(agents[0].0, Token::parse("t1").unwrap().hash());
        assert_eq!(agents[0].1.display.as_str(), "HKH 🐱");
        assert_eq!(agents[0].1.name.as_str(), "HKH");
        assert_eq!(agents[1].1.display.as_str(), "a:b");
    }

    #[test]
    fn a_blank_setting_has_no_agents() {
        assert!(AgentTokens::parse(" ").unwrap().0.is_empty());
    }

    #[test]
    fn every_fault_is_named_by_its_position() {
        use AgentTokensFault::{Empty, Name, NoColon, RepeatedName, RepeatedToken, Token};
        assert_eq!(fault("t1:a,"), (2, Empty));
        assert_eq!(fault("t1:a, ,t2:b"), (2, Empty));
        assert_eq!(fault("t1"), (1, NoColon));
        assert_eq!(fault("t1:a,:b"), (2, Token(TokenError::Empty)));
        assert_eq!(fault("t1:"), (1, Name(NameError::Empty)));
        assert_eq!(fault("t1:a,t2:All"), (2, Name(NameError::Reserved)));
        assert_eq!(fault("t1:a,t2:b,t1:c"), (3, RepeatedToken(1)));
        assert_eq!(fault("t1:a,t2:b,t3:Ｂ 🐱"), (3, RepeatedName(2)));
    }

    #[test]
    fn a_deployed_agent_named_by_an_emoji_is_taken() {
        assert_eq!(AgentTokens::parse("t1:🐱").unwrap().0[0].1.name.as_str(), "🐱");
    }

    proptest! {
        #[test]
        fn an_error_never_tells_a_token(tail in "[ ,:a]{0,12}") {
            let text = format!("QQQQ:a,QQQQ{tail},QQQQ:{tail}");
            if let Err(error) = AgentTokens::parse(&text) {
                let told = format!("{error} {error:?}");
                prop_assert!(!told.contains("QQQQ"), "{}", told);
            }
        }
    }
}
