//! Collects the names of a type's fields, or of an enum's words, from what its `Deserialize` asks
//! for.

use std::collections::BTreeSet;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};

/// Returns the fields of a struct or the words of an enum, as they stand in JSON.
///
/// # Panics
/// Panics if `T` is neither a struct nor an enum.
pub(crate) fn of<'de, T: Deserialize<'de>>() -> BTreeSet<&'static str> {
    let mut names = None;
    // The result is always an error; the names were collected on the way.
    drop(T::deserialize(Ask(&mut names)));
    names.unwrap().iter().copied().collect()
}

struct Ask<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Some(fields);
        Err(Error::custom("asked"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        words: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Some(words);
        Err(Error::custom("asked"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("neither a struct nor an enum"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}
