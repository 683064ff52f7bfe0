//! Which names people take for each other: `admin` and `аdmin` with a Cyrillic letter, `Iris` and
//! `lris`, `HKH` and `HKH🐱`.
//!
//! Two names are confusable if they have a skeleton of UTS 39 in common. A skeleton replaces each
//! character by the one that stands for all that look like it. Case and skeleton do not commute: `I`
//! looks like `l`, and its lower case does not. A name therefore has two skeletons, one of the name as
//! written and one of the name in lower case. Characters that nobody sees and symbols at the end count
//! for nothing.

use std::collections::{BTreeMap, BTreeSet};

use ois_protocol::{
    ShortName,
    name::{RESERVED, bare, fold, seen},
};
use unicode_security::confusable_detection::skeleton;

/// The names that are given, by their skeletons. Those that are [reserved](RESERVED) always are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Looks(BTreeMap<String, BTreeSet<ShortName>>);

impl Looks {
    /// Takes note of a name that is given.
    pub(super) fn insert(&mut self, name: &ShortName) {
        for skeleton in skeletons(name) {
            self.0.entry(skeleton).or_default().insert(name.clone());
        }
    }

    /// Returns a given name that is another one than `name` and is confusable with it.
    pub(super) fn alike(&self, name: &ShortName) -> Option<&ShortName> {
        let given = skeletons(name).into_iter().filter_map(|skeleton| self.0.get(&skeleton));
        given.flatten().find(|other| *other != name)
    }

    /// Returns each pair of given names that are confusable, once.
    pub(super) fn pairs(&self) -> BTreeSet<(&ShortName, &ShortName)> {
        let groups = self.0.values().filter(|names| names.len() > 1);
        groups.flat_map(|names| names.iter().zip(names.iter().skip(1))).collect()
    }
}

impl Default for Looks {
    fn default() -> Self {
        let mut looks = Self(BTreeMap::new());
        for word in RESERVED {
            looks.insert(&word.parse().expect("a reserved word is a name"));
        }
        looks
    }
}

impl<'a> FromIterator<&'a ShortName> for Looks {
    fn from_iter<I: IntoIterator<Item = &'a ShortName>>(names: I) -> Self {
        let mut looks = Self::default();
        names.into_iter().for_each(|name| looks.insert(name));
        looks
    }
}

/// Whether two names are not the same and are confusable.
pub(super) fn are_alike(one: &ShortName, other: &ShortName) -> bool {
    one != other && skeletons(one).iter().any(|skeleton| skeletons(other).contains(skeleton))
}

fn skeletons(name: &ShortName) -> [String; 2] {
    let of = |text: &str| {
        let replaced: String = skeleton(&bare(text)).collect();
        seen(&fold(&replaced)).into_owned()
    };
    [of(name.as_str()), of(name.folded())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ShortName {
        text.parse().unwrap()
    }

    /// Names that are given, and for each of them those that look like it.
    const CASES: [(&str, &[&str]); 9] = [
        ("admin", &["аdmin", "admin\u{3164}", "ad\u{200d}min", "adrnin", "ADMIN🐱", "admіn"]),
        ("HKH", &["НКН", "HK\u{200d}H", "HKH🐱", "hkh⚔\u{fe0f}", "НKH"]),
        ("Iris", &["lris", "Ιris", "1ris", "|ris"]),
        ("阿梅🌸", &["阿梅", "阿梅🌹", "阿\u{ad}梅"]),
        ("Bob0", &["BobO", "bobo", "Воbо"]),
        ("ARIA", &["АRIА", "ΑRΙΑ", "АRlА"]),
        ("小明Bot", &["小明Воt", "小明B0t"]),
        ("scope", &["ѕсоре"]),
        ("paypal", &["раураl", "paypaI", "paypa1"]),
    ];

    #[test]
    fn names_that_look_the_same_are_alike_and_no_others() {
        for (given, confusable) in CASES {
            let looks: Looks = [&name(given)].into_iter().collect();
            for text in confusable {
                assert_eq!(looks.alike(&name(text)), Some(&name(given)), "{text:?}");
                assert!(are_alike(&name(text), &name(given)), "{text:?}");
            }
            assert_eq!(looks.alike(&name(&given.to_lowercase())), None, "it is the name itself");
            for (other, _) in CASES {
                assert_eq!(looks.alike(&name(other)), None, "{given} {other}");
            }
        }
    }

    #[test]
    fn reserved_words_are_given_from_the_beginning() {
        let looks = Looks::default();
        for text in ["O\u{200d}IS", "0IS", "ОІЅ", "OIS🐱", "аll", "a11", "0ne", "所有人\u{fe00}"]
        {
            assert!(looks.alike(&name(text)).is_some(), "{text:?}");
        }
        assert_eq!(looks.alike(&name("Oiska")), None);
    }

    #[test]
    fn pairs_are_named_once() {
        let names = ["HKH", "НКН", "ARIA", "Bob", "B0b"].map(name);
        let looks: Looks = names.iter().collect();
        let pairs = [(&names[4], &names[3]), (&names[0], &names[1])];
        assert_eq!(looks.pairs(), pairs.into_iter().collect());
    }
}
