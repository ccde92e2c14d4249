//! Whole numbers as JSON knows them: `3.0` is one (the API's description says `integer`, and by
//! JSON Schema it is that), and many programs write it so. Where anything may stand, a number stays
//! as it was written. And what has named fields is a map: a list of their values in the order of
//! the source code, which `serde` reads too, is refused.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

/// A deserializer that gives `3.0` to whoever wants a whole number as 3.
pub(super) struct Whole<D>(pub(super) D);

/// Hands on what is read.
struct Reading<V> {
    to: V,
    wanted: Wanted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    WholeNumber,
    NamedFields,
    Else,
}

/// Anything that is read inside of something else.
struct Inside<T>(T);

macro_rules! hand_on {
    ($($method:ident $wanted:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, to: V) -> Result<V::Value, D::Error> {
            self.0.$method(Reading { to, wanted: Wanted::$wanted })
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Whole<D> {
    type Error = D::Error;

    hand_on! {
        deserialize_i8 WholeNumber, deserialize_i16 WholeNumber, deserialize_i32 WholeNumber, deserialize_i64 WholeNumber,
        deserialize_i128 WholeNumber, deserialize_u8 WholeNumber, deserialize_u16 WholeNumber, deserialize_u32 WholeNumber,
        deserialize_u64 WholeNumber, deserialize_u128 WholeNumber,
        deserialize_any Else, deserialize_bool Else, deserialize_f32 Else,
        deserialize_f64 Else, deserialize_char Else, deserialize_str Else,
        deserialize_string Else, deserialize_bytes Else, deserialize_byte_buf Else,
        deserialize_option Else, deserialize_unit Else, deserialize_seq Else,
        deserialize_map Else, deserialize_identifier Else, deserialize_ignored_any Else,
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        to: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, Reading { to, wanted: Wanted::Else })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        to: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Reading { to, wanted: Wanted::Else })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, to: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, Reading { to, wanted: Wanted::Else })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        to: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple_struct(name, len, Reading { to, wanted: Wanted::Else })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        to: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, Reading { to, wanted: Wanted::NamedFields })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        to: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, Reading { to, wanted: Wanted::Else })
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// 2^53: up to here a float is the number that was written, beyond it may be a neighbour's.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de, V: Visitor<'de>> Visitor<'de> for Reading<V> {
    type Value = V::Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.expecting(out)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        if self.wanted != Wanted::WholeNumber || value.fract() != 0.0 {
            return self.to.visit_f64(value);
        }
        if (0.0..=EXACT).contains(&value) {
            return self.to.visit_u64(value as u64);
        }
        if (-EXACT..0.0).contains(&value) {
            return self.to.visit_i64(value as i64);
        }
        self.to.visit_f64(value)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.to.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.to.visit_i64(value)
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<V::Value, E> {
        self.to.visit_i128(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.to.visit_u64(value)
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<V::Value, E> {
        self.to.visit_u128(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        self.to.visit_str(value)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.to.visit_borrowed_str(value)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<V::Value, E> {
        self.to.visit_string(value)
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<V::Value, E> {
        self.to.visit_bytes(value)
    }

    fn visit_borrowed_bytes<E: Error>(self, value: &'de [u8]) -> Result<V::Value, E> {
        self.to.visit_borrowed_bytes(value)
    }

    fn visit_byte_buf<E: Error>(self, value: Vec<u8>) -> Result<V::Value, E> {
        self.to.visit_byte_buf(value)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.to.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inside: D) -> Result<V::Value, D::Error> {
        self.to.visit_some(Whole(inside))
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.to.visit_unit()
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inside: D) -> Result<V::Value, D::Error> {
        self.to.visit_newtype_struct(Whole(inside))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if self.wanted == Wanted::NamedFields {
            return Err(A::Error::invalid_type(Unexpected::Seq, &"a map of named fields"));
        }
        self.to.visit_seq(Inside(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.to.visit_map(Inside(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.to.visit_enum(Inside(variant))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Inside<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Whole(from))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Inside<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Inside(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Inside<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Inside(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Inside<A> {
    type Error = A::Error;
    type Variant = Inside<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, variant) = self.0.variant_seed(seed)?;
        Ok((name, Inside(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Inside<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Inside(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, to: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Reading { to, wanted: Wanted::Else })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        to: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Reading { to, wanted: Wanted::NamedFields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        offset: i64,
        #[serde(default)]
        list: Vec<u64>,
        #[serde(default)]
        any: Value,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        Plain,
        Of(u8),
        With { n: u8 },
    }

    fn read(text: &str) -> Result<Body, String> {
        let mut reader = serde_json::Deserializer::from_str(text);
        Body::deserialize(Whole(&mut reader)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let body = read(r#"{"count": 7.0, "offset": -3e2, "list": [1, 2.0, 1e3]}"#).unwrap();
        assert_eq!((body.count, body.offset, body.list), (Some(7), -300, vec![1, 2, 1000]));
        assert_eq!(read(r#"{"list": [-0.0]}"#).unwrap().list, [0]);
        for (text, kind) in [
            (r#""Plain""#, Kind::Plain),
            (r#"{"Of": 7.0}"#, Kind::Of(7)),
            (r#"{"With": {"n": 7.0}}"#, Kind::With { n: 7 }),
        ] {
            assert_eq!(read(&format!(r#"{{"kind": {text}}}"#)).unwrap().kind, Some(kind));
        }
    }

    #[test]
    fn what_is_no_whole_number_or_does_not_fit_is_refused_as_ever() {
        for (text, says) in [
            (r#"{"count": 7.5}"#, "invalid type: floating point `7.5`, expected u32"),
            (r#"{"count": -1.0}"#, "invalid value: integer `-1`, expected u32"),
            (r#"{"count": 4294967296.0}"#, "invalid value: integer `4294967296`, expected u32"),
            (r#"{"offset": 1e19}"#, "invalid type: floating point `1e+19`, expected i64"),
            // As a float it would be -2^63, which fits and is not what was written.
            (
                r#"{"offset": -9223372036854775809}"#,
                "invalid type: floating point `-9.223372036854776e+18`, expected i64",
            ),
            ("[7, 8]", "invalid type: sequence, expected a map of named fields"),
            (
                r#"{"kind": {"With": [7]}}"#,
                "invalid type: sequence, expected a map of named fields",
            ),
            (r#"{"list": [2e19]}"#, "invalid type: floating point `2e+19`, expected u64"),
            (r#"{"count": "7"}"#, "invalid type: string \"7\", expected u32"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.starts_with(says), "{text}: {problem}");
        }
    }

    #[test]
    fn where_anything_may_stand_a_number_stays_as_it_was_written() {
        let body = read(r#"{"any": {"a": 1.0, "b": [2.0, 3], "c": null}}"#).unwrap();
        assert_eq!(body.any.to_string(), json!({"a": 1.0, "b": [2.0, 3], "c": null}).to_string());
        assert!(body.any.to_string().contains("1.0"));
    }
}
